/**
 * A record returned by a consumer.
 *
 * @module
 */
import type { DecodedRecord, RecordHeader } from "../../protocol/records/batch_decode.ts";

export type { RecordHeader };

const utf8 = new TextDecoder();

/**
 * A record with its position. Key, value and header values are views into the memory of the fetch
 * response: copy data that are kept for long, or the whole response stays in memory.
 */
export class ConsumerRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /**
   * Milliseconds since 1970, or -1. Beyond 2^53, as in topics with timestamps in nanoseconds, this
   * is the nearest `number`: see {@linkcode ConsumerRecord.exactTimestamp}.
   */
  readonly timestamp: number;
  /** The timestamp without loss, a `bigint` beyond 2^53. */
  readonly exactTimestamp: number | bigint;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];

  /** Creates a record of a partition from a decoded record. */
  constructor(topic: string, partition: number, record: DecodedRecord) {
    this.topic = topic;
    this.partition = partition;
    this.offset = record.offset;
    this.timestamp = Number(record.timestamp);
    this.exactTimestamp = record.timestamp;
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
  }

  /** The key as UTF-8 text. */
  get keyText(): string | null {
    return this.key === null ? null : utf8.decode(this.key);
  }

  /** The value as UTF-8 text. */
  get valueText(): string | null {
    return this.value === null ? null : utf8.decode(this.value);
  }
}
