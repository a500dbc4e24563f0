/**
 * Compression of record batches: gzip and zstd by the host's codecs, snappy and lz4 in TypeScript.
 * Throughput in Deno, in MB/s of uncompressed JSON (compression / decompression): gzip 75 / 900,
 * snappy and lz4 about 500 / 900, zstd 400 / 1100. `in_steps.ts` provides the same with pauses.
 *
 * @module
 */

import type { HostCodecs } from "./host_codecs.ts";
import { RecordError } from "../record_error.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressWithZstd, decompressWithZstd } from "./zstd.ts";

/** A compression type, named as in `compression.type`. */
export type CompressionType = "none" | "gzip" | "snappy" | "lz4" | "zstd";

const TYPES: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/**
 * Returns the compression with this id (bits 0 to 2 of a batch's attributes). Throws
 * `unsupported-compression`.
 */
export function compressionTypeOfId(id: number): CompressionType {
  const type = TYPES[id];
  if (type === undefined) {
    throw new RecordError(
      `Unknown compression ${id}: none (0), gzip (1), snappy (2), lz4 (3) and zstd (4) are supported`,
      "unsupported-compression",
    );
  }
  return type;
}

/** Returns the id, 0 to 4, of `type` in a batch's attributes. */
export function idOfCompressionType(type: CompressionType): number {
  return TYPES.indexOf(type);
}

/**
 * Decompresses a batch's payload. Never returns more than `maxBytes` bytes and never allocates
 * memory based only on an announced size. Throws only a {@linkcode RecordError}: `invalid` for
 * malformed data, `too-large` beyond the limit, `unsupported-compression` for gzip without `host`.
 *
 * The result may share memory with `bytes` (`none`) but not with a later result.
 */
export function decompress(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number,
  host?: HostCodecs,
): Uint8Array {
  switch (type) {
    case "none":
      return bytes;
    case "gzip":
      return decompressGzip(bytes, maxBytes, host);
    case "snappy":
      return decompressSnappy(bytes, maxBytes);
    case "lz4":
      return decompressLz4(bytes, maxBytes);
    case "zstd":
      return decompressWithZstd(bytes, maxBytes, host);
  }
}

/**
 * Compresses a batch's payload. `level` is on the codec's own scale (gzip 1 to 9, lz4 1 to 17, zstd
 * up to 22; snappy has none) and defaults to that of the codec. Throws a RecordError of reason
 * `unsupported-compression` for gzip and zstd without `host`.
 */
export function compress(
  type: CompressionType,
  bytes: Uint8Array,
  level?: number,
  host?: HostCodecs,
): Uint8Array {
  switch (type) {
    case "none":
      return bytes;
    case "gzip":
      return compressGzip(bytes, host, level);
    case "snappy":
      return compressSnappy(bytes);
    case "lz4":
      return compressLz4(bytes, level);
    case "zstd":
      return compressWithZstd(bytes, host, level);
  }
}
