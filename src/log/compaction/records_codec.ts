/**
 * Decompresses and compresses the records of one batch for compaction: at once where that is little
 * work, and with pauses where a large batch would hold up the event loop.
 *
 * @module
 */
import {
  compressionOf,
  type HostCodecs,
  readAttributes,
  RecordError,
  RECORDS_OFFSET,
} from "../../protocol/records/batch.ts";
import {
  compress,
  type CompressionType,
  decompress,
} from "../../protocol/records/compression/codec.ts";
import {
  compressInSteps,
  decompressInSteps,
  type Pause,
} from "../../protocol/records/compression/in_steps.ts";

/** What is decompressed or compressed at once, bytes uncompressed: at most a millisecond of work. */
const LARGEST_AT_ONCE = 65_536;
/** The most that a batch may decompress to. */
const MAX_DECOMPRESSED_BYTES = 268_435_456;

/**
 * The records of the compressed batch at `at` of `bytes`. Rejects with a `RecordError` for data that
 * do not decompress, and as `pause` does.
 */
export async function unpackRecords(
  bytes: Uint8Array,
  at: number,
  size: number,
  codecs: HostCodecs,
  pause: Pause,
): Promise<Uint8Array> {
  const compression = compressionOf(readAttributes(bytes, at));
  const packed = bytes.subarray(at + RECORDS_OFFSET, at + size);
  if (packed.length < LARGEST_AT_ONCE) {
    try {
      return decompress(compression, packed, LARGEST_AT_ONCE, codecs);
    } catch (error) {
      if (!(error instanceof RecordError && error.reason === "too-large")) throw error;
    }
  }
  return await decompressInSteps(compression, packed, MAX_DECOMPRESSED_BYTES, codecs, pause);
}

/** The records of a batch, compressed. Rejects as `pause` does. */
export async function packRecords(
  compression: CompressionType,
  records: Uint8Array,
  codecs: HostCodecs,
  pause: Pause,
): Promise<Uint8Array> {
  return records.length <= LARGEST_AT_ONCE
    ? compress(compression, records, undefined, codecs)
    : await compressInSteps(compression, records, codecs, pause);
}
