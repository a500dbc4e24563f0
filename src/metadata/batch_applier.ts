/**
 * Applies batches of the metadata log, as they are read from it, to a metadata state.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { Int64 } from "../protocol/int64.ts";
import {
  endOfBatch,
  isControl,
  readAttributes,
  readBaseOffset,
  readLastOffset,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readRecords,
} from "../protocol/records/batch.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import { requireSupportedLevel } from "./features.ts";
import type { MetadataDelta } from "./image.ts";
import { MetadataState } from "./metadata_state.ts";
import { RECORDS_PER_STEP } from "./record_batches.ts";
import { decodeMetadataRecord, type MetadataRecord } from "./records/metadata_record.ts";
import { topicByTopic } from "./topic_by_topic.ts";
import { TransactionReader } from "./transaction_reader.ts";

/** Follows the changes that a batch makes, one topic after the other. */
export interface MetadataFollower {
  /** Called before the image shows the topics of `delta`; it does so once the promise has resolved. */
  readonly prepare?: (delta: MetadataDelta, pause: Pause) => Promise<void> | void;
  /** Called when the image has just come to show them. The next topic waits for the promise. */
  readonly apply?: (delta: MetadataDelta, pause: Pause) => Promise<void> | void;
}

/** How a batch is applied. */
export interface ApplyOptions extends MetadataFollower {
  /** Awaited between two parts of the work. */
  readonly pause: Pause;
}

/** Applies batches. Only one may be applied at a time. */
export class BatchApplier {
  readonly state: MetadataState = new MetadataState();
  readonly #source: string;
  readonly #transactions = new TransactionReader();
  #nextOffset: number;
  #lastEpoch = 0;
  #lastTimestamp: Int64 = -1;

  /**
   * `source` names the log or the snapshot in errors. `firstOffset` is the offset of the first batch and
   * defaults to 0.
   */
  constructor(source: string, firstOffset: number = 0) {
    this.#source = source;
    this.#nextOffset = firstOffset;
  }

  /** The offset at which the next batch must begin. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The leader epoch of the last batch, 0 before the first. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /** The largest timestamp of the last batch, -1 before the first. */
  get lastTimestamp(): Int64 {
    return this.#lastTimestamp;
  }

  /**
   * Whether a transaction has begun but not ended. Its records have no effect yet, and the offset of
   * the state is that of the batch before it.
   */
  get isInTransaction(): boolean {
    return this.#transactions.isOpen;
  }

  /**
   * Applies the batch at `at` and resolves with the index of its end. Applies nothing and rejects with
   * an Error that says what to do if a record is of an unknown type or version. Throws an
   * AssertionFailure if the batch is incomplete or does not begin at
   * {@linkcode BatchApplier.nextOffset}.
   */
  async apply(bytes: Uint8Array, at: number, options: ApplyOptions): Promise<number> {
    const end = endOfBatch(bytes, at, bytes.length);
    assert(
      end > at,
      `${this.#source} has an incomplete batch where offset ${this.#nextOffset} is expected`,
    );
    const baseOffset = readBaseOffset(bytes, at);
    assert(
      baseOffset === this.#nextOffset,
      `A batch of ${this.#source} begins at ${baseOffset}, expected ${this.#nextOffset}`,
    );
    const lastOffset = readLastOffset(bytes, at);
    const epoch = readPartitionLeaderEpoch(bytes, at);
    const timestamp = readMaxTimestamp(bytes, at);
    const records = await this.#decode(bytes, at, options.pause);
    await this.#applyRecords(this.#transactions.read(records), options);
    if (!this.isInTransaction) this.state.advance(lastOffset, epoch);
    this.#nextOffset = lastOffset + 1;
    this.#lastEpoch = epoch;
    this.#lastTimestamp = timestamp;
    return end;
  }

  /** Passes control batches of the quorum: the next batch begins at `offset`. */
  skipTo(offset: number): void {
    assert(offset >= this.#nextOffset, `Offset ${offset} is before ${this.#nextOffset}`);
    this.#nextOffset = offset;
  }

  /**
   * Applies changes that bring the state to `offset`, the last one in a snapshot: each group of records
   * of `changes` like a batch of its own. Null ends a step without a change. Drops an open transaction.
   */
  async applyChanges(
    changes: Iterable<readonly MetadataRecord[] | null>,
    { offset, epoch, timestamp }: { offset: number; epoch: number; timestamp: Int64 },
    options: ApplyOptions,
  ): Promise<void> {
    this.#transactions.clear();
    let applied = 0;
    for (const records of changes) {
      if (records !== null) await this.#applyRecords(records, options);
      applied += records?.length ?? RECORDS_PER_STEP;
      if (applied < RECORDS_PER_STEP) continue;
      applied = 0;
      await options.pause();
    }
    this.state.advance(offset, epoch);
    this.#nextOffset = offset + 1;
    this.#lastEpoch = epoch;
    this.#lastTimestamp = timestamp;
  }

  /** Decodes the records of a batch that may have an effect. */
  async #decode(bytes: Uint8Array, at: number, pause: Pause): Promise<MetadataRecord[]> {
    const decoded: MetadataRecord[] = [];
    // Control batches, such as leader changes and voters, belong to the quorum.
    if (isControl(readAttributes(bytes, at))) return decoded;
    let count = 0;
    for (const { offset, value } of readRecords(bytes, at)) {
      const record = this.#decodeAt(offset, value);
      // A record every 500 ms that would make all that is derived from the image stale.
      if (record.name !== "NoOpRecord") decoded.push(record);
      if (++count % RECORDS_PER_STEP === 0) await pause();
    }
    return decoded;
  }

  #decodeAt(offset: number, value: Uint8Array | null): MetadataRecord {
    try {
      const record = decodeMetadataRecord(value ?? new Uint8Array(0));
      if (record.name === "FeatureLevelRecord") requireSupportedLevel(record.value);
      return record;
    } catch (error) {
      throw new Error(
        `Cannot read ${this.#source} at offset ${offset}: ${(error as Error).message}; ` +
          "a newer version may have written it, start that one on this directory",
        { cause: error },
      );
    }
  }

  async #applyRecords(
    records: readonly MetadataRecord[],
    { pause, prepare, apply }: ApplyOptions,
  ): Promise<void> {
    let effort = 0;
    for (const change of topicByTopic(records)) {
      const delta = this.state.stage(change);
      if (prepare !== undefined) await prepare(delta, pause);
      this.state.publish(delta);
      if (apply !== undefined) await apply(delta, pause);
      effort += change.length < RECORDS_PER_STEP ? 1 : RECORDS_PER_STEP;
      if (effort < RECORDS_PER_STEP) continue;
      effort = 0;
      await pause();
    }
  }
}
