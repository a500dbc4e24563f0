/**
 * What the tests of records share: pseudo-random bytes from a seed, and codecs of the host.
 *
 * @module
 */

import type { HostCodecs } from "../../../src/runtime/runtime.ts";
import { RecordError, type RecordErrorReason } from "../../../src/protocol/records/record_error.ts";

/** A small generator (mulberry32): the same numbers from the same seed, everywhere. */
export function randomSource(seed: number): (bound: number) => number {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound);
  };
}

/** `length` random bytes. */
export function randomBytes(random: (bound: number) => number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = random(256);
  return bytes;
}

/** The bytes of a string in UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes from base64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Runs `run`, which must throw a {@linkcode RecordError}, and returns its reason. */
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
// deno-lint-ignore no-explicit-any
const zlib: any = await import(nodeZlib);

/** The codecs of `node:zlib`, with zstd where this host has it. */
export const hostCodecs: HostCodecs = {
  gzip: (bytes, level) => zlib.gzipSync(bytes, { level }),
  gunzip: (bytes, maxBytes) => zlib.gunzipSync(bytes, { maxOutputLength: maxBytes }),
  ...(zlib.zstdCompressSync === undefined ? {} : {
    zstd: {
      compress: (bytes: Uint8Array, level: number) =>
        zlib.zstdCompressSync(bytes, {
          params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
        }),
      decompress: (bytes: Uint8Array, maxBytes: number) =>
        zlib.zstdDecompressSync(bytes, { maxOutputLength: maxBytes }),
    },
  }),
};
