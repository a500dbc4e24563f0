/**
 * Compression and decompression with pauses, for compaction and large batches of clients. Whatever
 * the size of a batch, other work waits no longer than one step, a few tenths of a millisecond in
 * Deno.
 *
 * The codecs in TypeScript (lz4, snappy, and zstd decompression on hosts without steps) process up
 * to 64 KiB of uncompressed data in a step, or a part of a zstd block of 128 KiB. The host's codecs
 * (gzip, zstd) process up to 64 KiB through streams, or decompress up to 256 KiB at once. Two
 * operations take a single step whatever their size, at the speed of memory: allocating the result
 * and, in data with larger blocks than written here, copying one match or run of literals. High
 * levels of the host's zstd are slower: one block of 128 KiB is a step, which takes 4 ms at level
 * 12 and 20 to 190 ms at level 19.
 *
 * @module
 */

import type { CompressionType } from "./codec.ts";
import { compressGzipInSteps, decompressGzipInSteps } from "./gzip.ts";
import type { HostCodecs } from "./host_codecs.ts";
import { compressLz4InSteps, decompressLz4InSteps } from "./lz4.ts";
import { compressSnappyInSteps, decompressSnappyInSteps } from "./snappy.ts";
import { type Pause, withPauses } from "./steps.ts";
import { compressWithZstdInSteps, decompressWithZstdInSteps } from "./zstd.ts";

export type { Pause };

/**
 * Like `decompress`, with its limits and errors, awaiting `pause` between two steps. The first step
 * begins at once, so small batches may need no pause. Nothing is done during a pause. If a pause
 * rejects, the work ends with the same reason and releases all resources. `bytes` must not change
 * meanwhile.
 *
 * Without host codecs in steps, gzip takes a single step, and zstd is decompressed in TypeScript,
 * as in Deno for content of more than 256 KiB.
 */
export async function decompressInSteps(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
  pause: Pause,
): Promise<Uint8Array> {
  switch (type) {
    case "none":
      return bytes;
    case "gzip":
      return await decompressGzipInSteps(bytes, maxBytes, host, pause);
    case "snappy":
      return await withPauses(decompressSnappyInSteps(bytes, maxBytes), pause);
    case "lz4":
      return await withPauses(decompressLz4InSteps(bytes, maxBytes), pause);
    case "zstd":
      return await decompressWithZstdInSteps(bytes, maxBytes, host, pause);
  }
}

/**
 * Like `compress`, awaiting `pause` as {@linkcode decompressInSteps} does. The output is one gzip
 * member, zstd frame, lz4 frame or framed snappy stream: identical to the output of `compress` for
 * lz4 and snappy, of equal quality for gzip and zstd. Without host codecs in steps, gzip and zstd
 * take a single step.
 */
export async function compressInSteps(
  type: CompressionType,
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  pause: Pause,
  level?: number,
): Promise<Uint8Array> {
  switch (type) {
    case "none":
      return bytes;
    case "gzip":
      return await compressGzipInSteps(bytes, host, pause, level);
    case "snappy":
      return await withPauses(compressSnappyInSteps(bytes), pause);
    case "lz4":
      return await withPauses(compressLz4InSteps(bytes, level), pause);
    case "zstd":
      return await compressWithZstdInSteps(bytes, host, pause, level);
  }
}
