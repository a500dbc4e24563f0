/**
 * Returns records of fetched batches, decoding one batch at a time, and updates the positions of
 * partitions.
 *
 * @module
 */
import type { HostCodecs } from "../../runtime/runtime.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  COMPRESSION_MASK,
  decodeBatch,
  isControl,
  readAttributes,
  readBatchSize,
  readLastOffset,
} from "../../protocol/records/batch.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import { ConsumerRecord } from "./consumer_record.ts";
import type { FetchedBatches } from "./fetcher.ts";

/** Iterates over fetched batches. */
export class RecordCursor {
  #fetched: FetchedBatches | null = null;
  /** The position of the next batch in the fetched bytes. */
  #at = 0;
  #records: ConsumerRecord[] = [];
  #index = 0;
  #partition: AssignedPartition | null = null;

  constructor(
    /** Returns the host's codecs. Called for compressed batches only. */
    readonly codecs: () => HostCodecs,
  ) {}

  /** Returns the next record of the current batch, or undefined at its end. */
  next(): ConsumerRecord | undefined {
    if (this.#index === this.#records.length) return undefined;
    const record = this.#records[this.#index++]!;
    const partition = this.#partition!;
    partition.processed = partition.position;
    partition.position = record.offset + 1;
    return record;
  }

  /** Returns the remaining records of the current batch. */
  rest(): ConsumerRecord[] {
    const records = this.#index === 0 ? this.#records : this.#records.slice(this.#index);
    this.#records = [];
    this.#index = 0;
    const last = records.at(-1);
    if (last !== undefined) this.#partition!.position = last.offset + 1;
    return records;
  }

  /** Moves to the next batch with records. Returns false if no fetched batches are left. */
  advance(): boolean {
    const fetched = this.#fetched;
    if (fetched === null) return false;
    const { partition, bytes, end } = fetched;
    this.#markProcessed();
    while (this.#at < end) {
      const at = this.#at;
      this.#at += readBatchSize(bytes, at);
      this.#records = this.#decode(fetched, at);
      this.#index = 0;
      this.#partition = partition;
      if (this.#records.length > 0) return true;
      // Contains nothing for the reader: a transaction marker, or records before the requested
      // offset.
      partition.position = Math.max(partition.position, readLastOffset(bytes, at) + 1);
    }
    this.#markProcessed();
    this.#fetched = null;
    return false;
  }

  /** Sets the next fetched batches. */
  setFetched(fetched: FetchedBatches): void {
    this.#fetched = fetched;
    this.#at = 0;
    this.#records = [];
    this.#index = 0;
    if (!this.advance()) this.#records = [];
  }

  /** Clears the cursor. The partitions are no longer assigned to this consumer. */
  clear(): void {
    this.#fetched = null;
    this.#partition = null;
    this.#records = [];
    this.#index = 0;
  }

  /** Marks the records returned so far as processed, since the reader has requested more. */
  #markProcessed(): void {
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
