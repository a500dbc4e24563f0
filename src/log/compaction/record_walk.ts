/**
 * Iterates over the records of a batch as positions in its bytes, without allocations and without
 * decoding anything that compaction does not need.
 *
 * @module
 */
import type { Int64 } from "../../protocol/int64.ts";
import {
  compressionOf,
  type HostCodecs,
  readAttributes,
  readRecordCount,
  RecordError,
  RECORDS_OFFSET,
} from "../../protocol/records/batch.ts";
import { decompressInSteps, type Pause } from "../../protocol/records/compression/in_steps.ts";
import { VarintReader } from "../../protocol/records/varint.ts";

/** The maximum decompressed size of a batch, bytes. */
const MAX_DECOMPRESSED_BYTES = 268_435_456;
/** The number of records between two checks for a pause. */
export const RECORDS_AT_ONCE = 256;
const NOTHING = new Uint8Array(0);

/**
 * A reusable iterator. After {@linkcode RecordWalk.next} has returned true, the fields describe a
 * record. Positions refer to {@linkcode RecordWalk.bytes}.
 */
export class RecordWalk {
  /** The bytes of the records. */
  bytes: Uint8Array = NOTHING;
  /** The start of the record, including its size. */
  start = 0;
  /** The end of the record. */
  end = 0;
  /** The position after the offset delta, where the length of the key is. */
  bodyStart = 0;
  /** The record's attributes, all of which are reserved. */
  attributes = 0;
  /** The record's timestamp minus the batch's base timestamp, ms. */
  timestampDelta: Int64 = 0;
  /** The record's offset minus the batch's base offset. */
  offsetDelta = 0;
  /** The start of the key, or -1 for a record without a key. */
  keyStart = 0;
  /** The end of the key. */
  keyEnd = 0;
  /** Whether the record has a value. A keyed record without one is a tombstone. */
  hasValue = false;

  readonly #varlongs = new VarintReader(NOTHING, 0, 0);
  #at = 0;
  #limit = 0;
  #left = 0;
  #longs: VarintReader = this.#varlongs;

  /**
   * Starts at the first record of the batch at `at` of `bytes`, after decompression if necessary,
   * with pauses if the batch is large. Rejects with a `RecordError`, and with the errors of
   * `pause`.
   */
  async beginBatch(
    bytes: Uint8Array,
    at: number,
    size: number,
    codecs: () => HostCodecs,
    pause: Pause,
  ): Promise<void> {
    const count = readRecordCount(bytes, at);
    const start = at + RECORDS_OFFSET;
    const compression = compressionOf(readAttributes(bytes, at));
    if (compression === "none") return this.begin(bytes, start, at + size, count);
    const packed = bytes.subarray(start, at + size);
    const records = await decompressInSteps(
      compression,
      packed,
      MAX_DECOMPRESSED_BYTES,
      codecs(),
      pause,
    );
    this.begin(records, 0, records.length, count);
  }

  /** Starts at the first of `count` records, which are exactly `bytes[start..end)`. */
  begin(bytes: Uint8Array, start: number, end: number, count: number): void {
    if (this.bytes !== bytes) this.#longs = new VarintReader(bytes, start, end);
    this.bytes = bytes;
    this.#at = start;
    this.#limit = end;
    this.#left = count;
    this.offsetDelta = -1;
  }

  /** Moves to the next record, if any. Throws a `RecordError` for malformed bytes. */
  next(): boolean {
    if (this.#left <= 0) {
      if (this.#at === this.#limit) return false;
      throw malformed(`${this.#limit - this.#at} bytes follow its last record`);
    }
    this.#left--;
    this.start = this.#at;
    const size = this.#varint();
    const end = this.#at + size;
    if (size < 0 || end > this.#limit) throw malformed(`the size of a record is ${size}`);
    this.end = end;
    this.attributes = this.bytes[this.#at++]!;
    this.timestampDelta = this.#varlong(end);
    const previous = this.offsetDelta;
    const offsetDelta = this.#varint();
    if (offsetDelta <= previous) {
      throw malformed(`the offset delta ${offsetDelta} follows ${previous}`);
    }
    this.offsetDelta = offsetDelta;
    this.bodyStart = this.#at;
    const keyLength = this.#varint();
    this.keyStart = keyLength < 0 ? -1 : this.#at;
    this.keyEnd = keyLength < 0 ? -1 : this.#at + keyLength;
    if (keyLength > 0) this.#at += keyLength;
    const valueLength = this.#varint();
    this.hasValue = valueLength >= 0;
    if (this.#at + Math.max(0, valueLength) >= end) {
      throw malformed("the fields of a record exceed its size");
    }
    this.#at = end;
    return true;
  }

  #varint(): number {
    const { bytes } = this;
    let byte = bytes[this.#at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = bytes[this.#at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw malformed("a varint is too long");
  }

  #varlong(end: number): Int64 {
    const byte = this.bytes[this.#at]!;
    if (byte < 0x80) {
      this.#at++;
      return (byte >>> 1) ^ -(byte & 1);
    }
    const reader = this.#longs;
    reader.position = this.#at;
    reader.end = end;
    const value = reader.readVarlong();
    this.#at = reader.position;
    return value;
  }
}

function malformed(why: string): RecordError {
  return new RecordError(`Cannot read the records of a batch: ${why}`, "invalid");
}
