/**
 * Compression and decompression with pauses, for compaction and for large batches of clients: however
 * large a batch is, nothing else waits longer than a step takes, which is a few tenths of a millisecond
 * in Deno.
 *
 * Ours (lz4, snappy, decompression of zstd where the host's has no steps) take up to 64 KiB of
 * uncompressed data in a step, or a part of a zstd block of 128 KiB. The host's (gzip, zstd) go through its streams by 64 KiB at most, or
 * decompress at once what becomes no more than 256 KiB. Two things are done in one step whatever their
 * size, at the speed of memory: making the array for the result, and, in data that others wrote in
 * larger blocks, copying one match or run of literals. The high levels of the host's zstd are slower than
 * that: a block of 128 KiB is a step, which takes 4 ms at level 12 and 20 to 190 at level 19.
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
 * As `decompress`, with its bounds and errors, awaiting `pause` between two steps; the first begins at
 * once, so that small batches may come without a pause. Nothing is done while a pause lasts. When one
 * rejects the work ends with the same reason and leaves nothing open. `bytes` must not change meanwhile.
 *
 * gzip takes one step where the host has no codecs in steps. zstd is decompressed by ours there, as in
 * Deno for what becomes more than 256 KiB.
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
 * As `compress`, awaiting `pause` as {@linkcode decompressInSteps} does.
 * The output is one gzip member, zstd frame, lz4 frame or framed snappy stream: what `compress` gives,
 * to the byte for lz4 and snappy, of the same quality for the others. gzip and zstd take one step where
 * the host has no codecs in steps.
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
