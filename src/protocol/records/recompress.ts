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
  writeCrcInSteps,
} from "./batch_header.ts";
import { compress, type CompressionType, idOfCompressionType } from "./compression/codec.ts";
import type { HostCodecs } from "./compression/host_codecs.ts";
import { compressInSteps } from "./compression/in_steps.ts";
import { atOnce, copyInSteps, type Pause, type Steps, withPauses } from "./compression/steps.ts";
import type { Crc32cArena } from "./crc32c.ts";
import { grouped, RecordError } from "./record_error.ts";

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
 * reason `too-large`, with the batch unchanged, beyond `maxBatchBytes` or when the host refuses the
 * memory.
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

/** As {@linkcode recompressBatch}, awaiting `pause` between two steps. */
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

/** Puts `packed` in the place of the records of the batch at 0 of `arena`. Returns its new size. */
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
