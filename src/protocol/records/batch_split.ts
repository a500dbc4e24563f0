/**
 * Finds the boundaries of batches in a records field, a fetch response or a segment. All formats
 * share the first 17 bytes (offset, length, ..., magic), so this works for old message sets too.
 *
 * @module
 */

import {
  BATCH_LENGTH_OFFSET,
  CURRENT_MAGIC,
  LOG_OVERHEAD,
  MAGIC_OFFSET,
  readBaseOffset,
  readBatchLength,
  readBatchSize,
  readLastOffsetDelta,
  readMagic,
  RECORDS_OFFSET,
} from "./batch_header.ts";
import { grouped, RecordError } from "./record_error.ts";

/** The minimum length field of a message of magic 0: CRC, magic, attributes and two lengths. */
const MINIMUM_LENGTH_BEFORE_V2 = 14;

/** The position of a batch: `bytes[start..end)`. */
export interface BatchSpan {
  /** The position of its first byte. */
  readonly start: number;
  /** The position after its last byte. */
  readonly end: number;
}

/**
 * Returns the end of the batch at `at`, or -1 if it is incomplete before `end`. Throws `corrupt`
 * for an impossible length or magic, after which the data cannot be parsed. Costs a few nanoseconds
 * and allocates nothing.
 */
export function endOfBatch(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < BATCH_LENGTH_OFFSET + 4) return -1;
  const length = readBatchLength(bytes, at);
  if (length < MINIMUM_LENGTH_BEFORE_V2) throw impossibleLength(length, MINIMUM_LENGTH_BEFORE_V2);
  if (end - at <= MAGIC_OFFSET) return -1;
  const magic = bytes[at + MAGIC_OFFSET]!;
  if (magic > CURRENT_MAGIC) {
    throw new RecordError(
      `Cannot read a record batch: its magic is ${magic}, expected 0 to ${CURRENT_MAGIC}`,
      "corrupt",
    );
  }
  if (magic === CURRENT_MAGIC && length < RECORDS_OFFSET - LOG_OVERHEAD) {
    throw impossibleLength(length, RECORDS_OFFSET - LOG_OVERHEAD);
  }
  const batchEnd = at + LOG_OVERHEAD + length;
  return batchEnd <= end ? batchEnd : -1;
}

function impossibleLength(length: number, minimum: number): RecordError {
  return new RecordError(
    `Cannot read a record batch: its length field is ${length}, at least ${minimum} is needed`,
    "corrupt",
  );
}

/**
 * Yields the batches in `bytes`, in order. A partial last batch, which is normal at the end of a
 * fetch response, is skipped if `allowPartial` is set and throws `corrupt` otherwise.
 *
 * @example
 * ```ts
 * import { splitBatches } from "./batch_split.ts";
 *
 * for (const { start, end } of splitBatches(new Uint8Array(0))) {
 *   console.log(`a batch of ${end - start} bytes`);
 * }
 * ```
 */
export function* splitBatches(
  bytes: Uint8Array,
  options: { readonly allowPartial?: boolean } = {},
): Generator<BatchSpan, void, undefined> {
  let start = 0;
  while (start < bytes.length) {
    const end = endOfBatch(bytes, start, bytes.length);
    if (end === -1) {
      if (options.allowPartial) return;
      throw new RecordError(
        `Cannot read record batches: the one at byte ${start} is truncated after ` +
          `${bytes.length - start} bytes`,
        "corrupt",
      );
    }
    yield { start, end };
    start = end;
  }
}

/**
 * Returns why the complete header at `at` cannot be that of a stored batch of format 2 that ends
 * within `left` bytes, or null if it can. Does not check the CRC.
 */
export function headerProblem(bytes: Uint8Array, at: number, left: number): string | null {
  const magic = readMagic(bytes, at);
  if (magic === 0 || magic === 1) {
    return `its magic is ${magic}, an unsupported format older than Kafka 0.11`;
  }
  if (magic !== CURRENT_MAGIC) return `its magic is ${magic}, not ${CURRENT_MAGIC}`;
  const size = readBatchSize(bytes, at);
  if (size < RECORDS_OFFSET) {
    return `its length field is ${size - LOG_OVERHEAD}, at least ${
      RECORDS_OFFSET - LOG_OVERHEAD
    } is needed`;
  }
  if (size > left) return `it takes ${grouped(size)} bytes but only ${grouped(left)} are left`;
  const delta = readLastOffsetDelta(bytes, at);
  if (delta < 0) return `its last offset delta is ${delta}`;
  try {
    const baseOffset = readBaseOffset(bytes, at);
    if (baseOffset < 0) return `its base offset is ${baseOffset}`;
    return Number.isSafeInteger(baseOffset + delta + 1)
      ? null
      : `its last offset is ${baseOffset} + ${delta}, the limit is 2^53 - 2`;
  } catch (error) {
    if (error instanceof RecordError) return error.message;
    throw error;
  }
}
