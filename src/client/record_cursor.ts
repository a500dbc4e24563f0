/**
 * Hands out records from fetched batches, decoding one batch at a time, and keeps the partitions'
 * positions.
 *
 * @module
 */
import type { HostCodecs } from "../runtime/runtime.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import {
  COMPRESSION_MASK,
  decodeBatch,
  isControl,
  readAttributes,
  readBatchSize,
  readLastOffset,
} from "../protocol/records/batch.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import { ConsumerRecord } from "./consumer_record.ts";
import type { FetchedBatches } from "./fetcher.ts";

/** Walks over fetched batches. */
export class RecordCursor {
  #fetched: FetchedBatches | null = null;
  /** Where the next batch begins in what was fetched. */
  #at = 0;
  #records: ConsumerRecord[] = [];
  #index = 0;
  #partition: AssignedPartition | null = null;

  constructor(
    /** The host's compressors, asked for when a batch is compressed. */
    readonly codecs: () => HostCodecs,
  ) {}

  /** The next record of the batch it stands on, or undefined at its end. */
  next(): ConsumerRecord | undefined {
    if (this.#index === this.#records.length) return undefined;
    const record = this.#records[this.#index++]!;
    const partition = this.#partition!;
    partition.processed = partition.position;
    partition.position = record.offset + 1;
    return record;
  }

  /** The rest of the batch it stands on, all at once. */
  rest(): ConsumerRecord[] {
    const records = this.#index === 0 ? this.#records : this.#records.slice(this.#index);
    this.#records = [];
    this.#index = 0;
    const last = records.at(-1);
    if (last !== undefined) this.#partition!.position = last.offset + 1;
    return records;
  }

  /** Steps onto the next batch that has records. False when what was fetched is used up. */
  advance(): boolean {
    const fetched = this.#fetched;
    if (fetched === null) return false;
    const { partition, bytes, end } = fetched;
    this.#settle();
    while (this.#at < end) {
      const at = this.#at;
      this.#at += readBatchSize(bytes, at);
      this.#records = this.#decode(fetched, at);
      this.#index = 0;
      this.#partition = partition;
      if (this.#records.length > 0) return true;
      // Nothing in it for a reader: a transaction's marker, or records asked for before.
      partition.position = Math.max(partition.position, readLastOffset(bytes, at) + 1);
    }
    this.#settle();
    this.#fetched = null;
    return false;
  }

  /** Goes on with what was fetched next. */
  take(fetched: FetchedBatches): void {
    this.#fetched = fetched;
    this.#at = 0;
    this.#records = [];
    this.#index = 0;
    if (!this.advance()) this.#records = [];
  }

  /** Forgets everything: the partitions are no longer this consumer's. */
  drop(): void {
    this.#fetched = null;
    this.#partition = null;
    this.#records = [];
    this.#index = 0;
  }

  /** Everything handed out so far counts as processed: the reader has come back for more. */
  #settle(): void {
    if (this.#partition !== null) this.#partition.processed = this.#partition.position;
  }

  #decode({ partition, bytes, fromOffset }: FetchedBatches, at: number): ConsumerRecord[] {
    const attributes = readAttributes(bytes, at);
    if (isControl(attributes)) return [];
    const { topic, partition: number, name } = partition;
    try {
      const options = (attributes & COMPRESSION_MASK) === 0 ? {} : { codecs: this.codecs() };
      const { records } = decodeBatch(bytes, at, options);
      const out: ConsumerRecord[] = [];
      for (const record of records) {
        if (record.offset >= fromOffset) out.push(new ConsumerRecord(topic, number, record));
      }
      return out;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new KafkaError(
        ErrorCode.CORRUPT_MESSAGE,
        `Cannot read ${name} at offset ${partition.position}: ${message}`,
        { cause },
      );
    }
  }
}
