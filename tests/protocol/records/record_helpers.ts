/**
 * Helpers of the record tests: pseudo-random bytes from a seed and the host's codecs.
 *
 * @module
 */

import { unzstd } from "../../simulation/stored_codecs.ts";
import type { HostCodecs } from "../../../src/runtime/runtime.ts";
import { zlibCodecs } from "../../../src/runtime/zlib_codecs.ts";
import { RecordError, type RecordErrorReason } from "../../../src/protocol/records/record_error.ts";

/** A small generator (mulberry32): the same seed gives the same numbers on every host. */
export function randomSource(seed: number): (bound: number) => number {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound);
  };
}

/** Returns `length` random bytes. */
export function randomBytes(random: (bound: number) => number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = random(256);
  return bytes;
}

/** Encodes a string in UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Decodes base64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Runs `run`, which must throw a {@linkcode RecordError}, and returns the error's reason. */
export function reasonOf(run: () => unknown): RecordErrorReason {
  try {
    run();
  } catch (error) {
    if (error instanceof RecordError) return error.reason;
    throw new Error(`expected a RecordError, got ${error}`, { cause: error });
  }
  throw new Error("expected a RecordError, nothing was thrown");
}

const nodeZlib: string = "node:zlib";

/** The codecs of this host. */
export const hostCodecs: HostCodecs = zlibCodecs(await import(nodeZlib));

const { gzip, gunzip, zstd } = hostCodecs.inSteps!;
/** The codecs of this host, except that zstd is decompressed in TypeScript. */
export const ourZstd: HostCodecs = {
  ...hostCodecs,
  zstd: { compress: hostCodecs.zstd.compress, decompress: unzstd },
  inSteps: { gzip, gunzip, zstd: { compress: zstd.compress } },
};

const CITIES = ["Amsterdam", "Buenos Aires", "Chennai", "Dakar", "Edinburgh"];
/** The longest sample so far. Every sample is a prefix of the same endless text. */
const longest = { random: randomSource(99), text: "", objects: 0 };

/** Returns `length` bytes of JSON like those of an application: names repeat, values differ. */
export function sampleJson(length: number): Uint8Array {
  const { random } = longest;
  while (longest.text.length < length) {
    const id = longest.objects++;
    longest.text += JSON.stringify({
      id,
      user: `user-${random(5000)}`,
      city: CITIES[random(CITIES.length)],
      amount: random(1_000_000) / 100,
      at: 1_700_000_000_000 + id * 37 + random(30),
      active: random(2) === 0,
      note: random(16).toString(2).repeat(random(4)),
    });
  }
  return utf8(longest.text.slice(0, length));
}
