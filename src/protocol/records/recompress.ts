/**
 * Changes the compression of a batch. The records, and with them offsets, timestamps, keys, headers
 * and sequence numbers, stay the same. The payload, the length, the compression bits and the
 * checksum change.
 *
 * @module
 */

import {
  ATTRIBUTES_OFFSET,
  BATCH_LENGTH_OFFSET,
  COMPRESSION_MASK,
  LOG_OVERHEAD,
  RECORDS_OFFSET,
  writeCrcInSteps,
} from "./batch_header.ts";
import { compress, type CompressionType, idOfCompressionType } from "./compression/codec.ts";
import type { HostCodecs } from "./compression/host_codecs.ts";
import { compressInSteps } from "./compression/in_steps.ts";
import { atOnce, copyInSteps, type Pause, type Steps, withPauses } from "./compression/steps.ts";
import type { Crc32cArena } from "./crc32c.ts";
import { grouped, RecordError } from "./record_error.ts";

/** The target compression and its level. */
export interface Recompression {
  /** `none` stores the records uncompressed. */
  readonly type: CompressionType;
  /**
   * On the codec's own scale: gzip 1 to 9, lz4 1 to 17, zstd up to 22. Defaults to that of the
   * codec.
   */
  readonly level?: number;
}

/**
 * Recompresses the batch at position 0 of `arena`, whose decompressed records are `payload`.
 * Returns the new batch size. The arena may grow, which invalidates its memory. Throws a {@linkcode
 * RecordError} of reason `too-large`, leaving the batch unchanged, if the result exceeds
 * `maxBatchBytes` or the host cannot allocate memory.
 */
export function recompressBatch(
  arena: Crc32cArena,
  payload: Uint8Array,
  { type, level }: Recompression,
  codecs: (() => HostCodecs) | undefined,
  maxBatchBytes: number,
): number {
  const packed = type === "none" ? payload : compress(type, payload, level, codecs?.());
  return atOnce(replacePayload(arena, packed, type, maxBatchBytes));
}

/** Like {@linkcode recompressBatch}, awaiting `pause` between two steps. */
export async function recompressBatchInSteps(
  arena: Crc32cArena,
  payload: Uint8Array,
  { type, level }: Recompression,
  codecs: (() => HostCodecs) | undefined,
  maxBatchBytes: number,
  pause: Pause,
): Promise<number> {
  const packed = type === "none"
    ? payload
    : await compressInSteps(type, payload, codecs?.(), pause, level);
  return await withPauses(replacePayload(arena, packed, type, maxBatchBytes), pause);
}

/**
 * Replaces the records of the batch at position 0 of `arena` by `packed`. Returns the new batch
 * size.
 */
function* replacePayload(
  arena: Crc32cArena,
  packed: Uint8Array,
  type: CompressionType,
  maxBatchBytes: number,
): Steps<number> {
  const size = RECORDS_OFFSET + packed.length;
  if (size > maxBatchBytes) {
    throw new RecordError(
      `the batch is ${grouped(size)} bytes once compressed with ${type}, ` +
        `max.message.bytes is ${grouped(maxBatchBytes)}`,
      "too-large",
    );
  }
  arena.reserve(size);
  const bytes = arena.memory;
  yield* copyInSteps(packed, bytes, RECORDS_OFFSET);
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(BATCH_LENGTH_OFFSET, size - LOG_OVERHEAD);
  const low = ATTRIBUTES_OFFSET + 1;
  bytes[low] = (bytes[low]! & ~COMPRESSION_MASK) | idOfCompressionType(type);
  yield* writeCrcInSteps(arena);
  return size;
}
