/**
 * zstd: the host's where it has one (Deno, Bun, Node from 22.15 on), ours elsewhere.
 *
 * @module
 */

import type { HostCodecs } from "./host_codecs.ts";
import { decompressByHost } from "./gzip.ts";
import { decompressZstd } from "./zstd_decoder.ts";
import { compressZstd } from "./zstd_encoder.ts";
import { isSingleWholeFrame } from "./zstd_frame.ts";

const DEFAULT_LEVEL = 3;

/** One frame that holds `bytes`. `level` is 1 (fast) to 22 (small), 3 unless told; ours has one only. */
export function compressWithZstd(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  return host?.zstd?.compress(bytes, level) ?? compressZstd(bytes);
}

/**
 * What frames hold. Several frames, which clients do not write, are left to our own decompressor.
 * Throws `invalid` for bad data, `too-large` beyond `maxBytes`.
 */
export function decompressWithZstd(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
): Uint8Array {
  const zstd = host?.zstd;
  return zstd !== undefined && isSingleWholeFrame(bytes)
    ? decompressByHost("zstd", zstd.decompress, bytes, maxBytes)
    : decompressZstd(bytes, maxBytes);
}
