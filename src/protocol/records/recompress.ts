/**
 * A batch under another compression: the records stay byte for byte what they were, and with them
 * offsets, timestamps, keys, headers and sequence numbers; only how the payload is packed, the
 * length, the attributes' compression and the checksum change.
 *
 * @module
 */

import {
  ATTRIBUTES_OFFSET,
  BATCH_LENGTH_OFFSET,
  COMPRESSION_MASK,
  LOG_OVERHEAD,
  RECORDS_OFFSET,
  writeCrc,
} from "./batch_header.ts";
import { compress, type CompressionType, idOfCompressionType } from "./compression/codec.ts";
import type { HostCodecs } from "./compression/host_codecs.ts";
import type { Crc32cArena } from "./crc32c.ts";

/** A compression to be used, and how hard. */
export interface Recompression {
  /** `none` stores records as they are. */
  readonly type: CompressionType;
  /** The codec's own scale, its default where absent: gzip 1 to 9, lz4 1 to 17, zstd up to 22. */
  readonly level?: number;
}

/**
 * Repacks the batch at 0 of `arena`, whose decompressed records are `payload`. Returns the batch's
 * new size. The arena may grow, so its memory must be taken anew. Throws a {@linkcode RecordError} of
 * reason `too-large` when the host refuses the memory.
 */
export function recompressBatch(
  arena: Crc32cArena,
  payload: Uint8Array,
  { type, level }: Recompression,
  codecs: (() => HostCodecs) | undefined,
): number {
  const packed = type === "none" ? payload : compress(type, payload, level, codecs?.());
  const size = RECORDS_OFFSET + packed.length;
  arena.reserve(size);
  const bytes = arena.memory;
  bytes.set(packed, RECORDS_OFFSET);
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(BATCH_LENGTH_OFFSET, size - LOG_OVERHEAD);
  const low = ATTRIBUTES_OFFSET + 1;
  bytes[low] = (bytes[low]! & ~COMPRESSION_MASK) | idOfCompressionType(type);
  writeCrc(bytes, 0, arena);
  return size;
}
