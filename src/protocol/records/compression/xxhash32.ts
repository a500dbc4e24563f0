/**
 * xxHash32, the checksum of LZ4 frames.
 *
 * @module
 */

import { STEP_BYTES, type Steps } from "./steps.ts";

const PRIME1 = 0x9e3779b1 | 0;
const PRIME2 = 0x85ebca77 | 0;
const PRIME3 = 0xc2b2ae3d | 0;
const PRIME4 = 0x27d4eb2f;
const PRIME5 = 0x165667b1;

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function round(lane: number, input: number): number {
  return Math.imul(rotate((lane + Math.imul(input, PRIME2)) | 0, 13), PRIME1);
}

/** Returns the hash, 0 to 2^32 - 1, of `bytes[start..end)` with seed 0. */
export function xxHash32(bytes: Uint8Array, start: number, end: number): number {
  const lanes = firstLanes();
  mix(lanes, bytes, start, end);
  return finish(lanes, bytes, start, end);
}

/** Like {@linkcode xxHash32}, in steps. */
export function* xxHash32InSteps(bytes: Uint8Array, start: number, end: number): Steps<number> {
  const lanes = firstLanes();
  for (let at = start; at < end; at += STEP_BYTES) {
    if (at > start) yield;
    mix(lanes, bytes, at, Math.min(at + STEP_BYTES, end));
  }
  return finish(lanes, bytes, start, end);
}

type Lanes = [number, number, number, number];

function firstLanes(): Lanes {
  return [(PRIME1 + PRIME2) | 0, PRIME2, 0, -PRIME1 | 0];
}

/** Processes the whole stripes of 16 bytes. */
function mix(lanes: Lanes, bytes: Uint8Array, at: number, end: number): void {
  let [lane1, lane2, lane3, lane4] = lanes;
  for (const last = end - 16; at <= last; at += 16) {
    lane1 = round(lane1, word(bytes, at));
    lane2 = round(lane2, word(bytes, at + 4));
    lane3 = round(lane3, word(bytes, at + 8));
    lane4 = round(lane4, word(bytes, at + 12));
  }
  lanes[0] = lane1;
  lanes[1] = lane2;
  lanes[2] = lane3;
  lanes[3] = lane4;
}

/** Processes the bytes after the last whole stripe. */
function finish(lanes: Lanes, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let at = end - (length % 16);
  let hash = PRIME5;
  if (length >= 16) {
    const [lane1, lane2, lane3, lane4] = lanes;
    hash = (rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)) | 0;
  }
  hash = (hash + length) | 0;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(word(bytes, at), PRIME3)) | 0, 17), PRIME4);
  }
  for (; at < end; at++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[at]!, PRIME5)) | 0, 11), PRIME1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
