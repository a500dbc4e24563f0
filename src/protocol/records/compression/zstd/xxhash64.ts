/**
 * xxHash64, whose lower half is the checksum of zstd frames. Computes on pairs of 32-bit halves,
 * since BigInt would be ten times slower.
 *
 * @module
 */

import { atOnce, STEP_BYTES, type Steps } from "../steps.ts";

const PRIME1 = [0x9e3779b1 | 0, 0x85ebca87 | 0] as const;
const PRIME2 = [0xc2b2ae3d | 0, 0x27d4eb4f] as const;
const PRIME3 = [0x165667b1, 0x9e3779f9 | 0] as const;
const PRIME4 = [0x85ebca77 | 0, 0xc2b2ae63 | 0] as const;
const PRIME5 = [0x27d4eb2f, 0x165667c5] as const;

// The current 64-bit value, changed in place by the functions below.
let high = 0;
let low = 0;

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function add(otherHigh: number, otherLow: number): void {
  const sum = (low >>> 0) + (otherLow >>> 0);
  high = (high + otherHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  low = sum | 0;
}

/** Returns the upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 65_536);
  return (aHigh * bHigh + Math.floor(middle / 65_536) + Math.floor(carry / 65_536)) | 0;
}

function multiply(by: readonly [number, number]): void {
  high = (Math.imul(high, by[1]) + Math.imul(low, by[0]) + multiplyHigh(low, by[1])) | 0;
  low = Math.imul(low, by[1]);
}

function rotate(bits: number): void {
  const [upper, lower] = bits < 32 ? [high, low] : [low, high];
  const shift = bits & 31;
  high = (upper << shift) | (lower >>> (32 - shift));
  low = (lower << shift) | (upper >>> (32 - shift));
}

function xorShift(bits: number): void {
  if (bits >= 32) low ^= high >>> (bits - 32);
  else {
    low ^= (low >>> bits) | (high << (32 - bits));
    high ^= high >>> bits;
  }
}

/** Stores round(lane, input) in the current value. */
function round(laneHigh: number, laneLow: number, inputHigh: number, inputLow: number): void {
  high = inputHigh;
  low = inputLow;
  multiply(PRIME2);
  add(laneHigh, laneLow);
  rotate(31);
  multiply(PRIME1);
}

/** Returns the lower 32 bits, 0 to 2^32 - 1, of the hash of `bytes[start..end)` with seed 0. */
export function xxHash64Low(bytes: Uint8Array, start: number, end: number): number {
  return atOnce(xxHash64LowInSteps(bytes, start, end));
}

/** Like {@linkcode xxHash64Low}, in steps. */
export function* xxHash64LowInSteps(bytes: Uint8Array, start: number, end: number): Steps<number> {
  const lanes = firstLanes();
  for (let at = start; at < end; at += STEP_BYTES) {
    if (at > start) yield;
    mix(lanes, bytes, at, Math.min(at + STEP_BYTES, end));
  }
  return finish(lanes, bytes, start, end);
}

function firstLanes(): Int32Array {
  const lanes = new Int32Array(8);
  [high, low] = PRIME1;
  add(PRIME2[0], PRIME2[1]);
  lanes.set([high, low, PRIME2[0], PRIME2[1], 0, 0]);
  [high, low] = [~PRIME1[0], ~PRIME1[1]];
  add(0, 1);
  lanes.set([high, low], 6);
  return lanes;
}

/** Processes the whole stripes of 32 bytes. */
function mix(lanes: Int32Array, bytes: Uint8Array, at: number, end: number): void {
  for (const last = end - 32; at <= last; at += 32) {
    for (let lane = 0; lane < 8; lane += 2) {
      const input = at + lane * 4;
      round(lanes[lane]!, lanes[lane + 1]!, word(bytes, input + 4), word(bytes, input));
      lanes[lane] = high;
      lanes[lane + 1] = low;
    }
  }
}

/** Processes the bytes after the last whole stripe. */
function finish(lanes: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let at = end - (length % 32);
  if (length >= 32) {
    let sumHigh = 0;
    let sumLow = 0;
    for (const [index, bits] of [1, 7, 12, 18].entries()) {
      high = lanes[2 * index]!;
      low = lanes[2 * index + 1]!;
      rotate(bits);
      add(sumHigh, sumLow);
      sumHigh = high;
      sumLow = low;
    }
    for (let lane = 0; lane < 8; lane += 2) {
      round(0, 0, lanes[lane]!, lanes[lane + 1]!);
      high ^= sumHigh;
      low ^= sumLow;
      multiply(PRIME1);
      add(PRIME4[0], PRIME4[1]);
      sumHigh = high;
      sumLow = low;
    }
  } else {
    [high, low] = PRIME5;
  }
  add(Math.floor(length / 4_294_967_296), length | 0);
  for (; at + 8 <= end; at += 8) {
    const hashHigh = high;
    const hashLow = low;
    round(0, 0, word(bytes, at + 4), word(bytes, at));
    high ^= hashHigh;
    low ^= hashLow;
    rotate(27);
    multiply(PRIME1);
    add(PRIME4[0], PRIME4[1]);
  }
  if (at + 4 <= end) {
    const hashHigh = high;
    const hashLow = low;
    high = 0;
    low = word(bytes, at);
    multiply(PRIME1);
    high ^= hashHigh;
    low ^= hashLow;
    rotate(23);
    multiply(PRIME2);
    add(PRIME3[0], PRIME3[1]);
    at += 4;
  }
  for (; at < end; at++) {
    const hashHigh = high;
    const hashLow = low;
    high = 0;
    low = bytes[at]!;
    multiply(PRIME5);
    high ^= hashHigh;
    low ^= hashLow;
    rotate(11);
    multiply(PRIME1);
  }
  xorShift(33);
  multiply(PRIME2);
  xorShift(29);
  multiply(PRIME3);
  xorShift(32);
  return low >>> 0;
}
