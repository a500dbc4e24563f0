/**
 * The metadata log: Apache Kafka's `__cluster_metadata-0`, whose records make the cluster's image.
 *
 * What belongs together is one record batch, so a crash in the middle of a write leaves all of it
 * or nothing. Logs that Kafka wrote may also mark a longer transaction by records of their own
 * (KIP-868); those are understood when read.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig, NO_LIMIT } from "../log/log_config.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import { type Int64, maxInt64 } from "../protocol/int64.ts";
import { BatchBuilder, decodeBatch, encodeBatch, endOfBatch } from "../protocol/records/batch.ts";
import type { MetadataDelta, MetadataImage, TopicImage } from "./image.ts";
import { MetadataState } from "./metadata_state.ts";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordInput,
} from "./records/metadata_record.ts";

/** The topic of the metadata log. It has one partition, 0. */
export const METADATA_TOPIC = "__cluster_metadata";

/** How the metadata log is kept: whole, since nothing takes snapshots of it yet. */
export const METADATA_LOG_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  retentionMs: -1,
  retentionBytes: -1,
  segmentMs: NO_LIMIT,
};

/** The most records one batch may have: 10,000, as in Apache Kafka. */
export const MAX_RECORDS_PER_BATCH = 10_000;

const READ_BYTES = 1 << 20;
const NO_EPOCH_YET = 1;

/** What the metadata log needs of a partition's log. */
export type MetadataStorage = Pick<
  PartitionLog,
  "append" | "read" | "flush" | "logStartOffset" | "logEndOffset"
>;

/** Reads the metadata log into an image, and keeps the image at the log's end. */
export class MetadataLog {
  readonly #storage: MetadataStorage;
  readonly #state = new MetadataState();

  /**
   * Reads `storage` from its beginning. Throws an Error that says what to do when the log cannot be
   * read as a whole: its beginning is in a snapshot, or a record is of an unknown kind.
   */
  constructor(storage: MetadataStorage) {
    this.#storage = storage;
    if (storage.logStartOffset > 0) {
      throw new Error(
        `Cannot read ${METADATA_TOPIC}-0: it begins at offset ${storage.logStartOffset}, what came ` +
          "before is in a snapshot, which this version does not read; start Apache Kafka on this " +
          "directory instead",
      );
    }
    const { isInTransaction, lastTimestamp } = replay(storage, this.#state);
    if (isInTransaction) this.#abortTransaction(lastTimestamp);
  }

  /** The cluster as all records of the log make it. */
  get image(): MetadataImage {
    return this.#state;
  }

  /** Reads the log once more for the topics that it deletes: their ids with their names. */
  deletedTopics(): Map<string, string> {
    const deleted = new Map<string, string>();
    replay(this.#storage, new MetadataState(), (topics) => {
      for (const { id, name } of topics) deleted.set(id, name);
    });
    return deleted;
  }

  /** The leader epoch that the next record will have. */
  get leaderEpoch(): number {
    return Math.max(this.#state.epoch, NO_EPOCH_YET);
  }

  /** The offset the next record will have. */
  get endOffset(): number {
    return this.#storage.logEndOffset;
  }

  /**
   * Appends `records` as one batch and applies them. With `flush` they are on the disk before they
   * are applied. Throws what the log throws when it cannot write; then nothing was applied.
   * No other call may come before this one has settled.
   */
  async append(
    records: readonly MetadataRecordInput[],
    options: { nowMs: number; flush: boolean },
  ): Promise<MetadataDelta> {
    assert(
      records.length > 0 && records.length <= MAX_RECORDS_PER_BATCH,
      `A metadata batch of ${records.length} records`,
    );
    const { leaderEpoch } = this;
    const builder = new BatchBuilder({ partitionLeaderEpoch: leaderEpoch });
    const values = records.map(encodeMetadataRecord);
    for (const value of values) builder.append({ value, timestamp: options.nowMs });
    const { lastOffset } = this.#storage.append(builder.build(), { leaderEpoch, origin: "raft" });
    if (options.flush) await this.#storage.flush();
    // Decoded from what was written, so that this image and one read after a restart are the same.
    return this.#state.apply(values.map(decodeMetadataRecord), lastOffset, leaderEpoch);
  }

  /**
   * Ends a transaction whose controller ended before it did, as the next active controller must:
   * what is appended from here on would count as part of it.
   */
  #abortTransaction(timestamp: Int64): void {
    const leaderEpoch = this.#state.epoch;
    const value = encodeMetadataRecord({
      name: "AbortTransactionRecord",
      value: { reason: "The controller ended" },
    });
    const batch = encodeBatch([{ value, timestamp }], { partitionLeaderEpoch: leaderEpoch });
    const { lastOffset } = this.#storage.append(batch, { leaderEpoch, origin: "raft" });
    this.#state.apply([], lastOffset, leaderEpoch);
  }
}

/** Applies everything in `storage` to `state`, and says how it ended. */
function replay(
  storage: MetadataStorage,
  state: MetadataState,
  onDeleted: (topics: readonly TopicImage[]) => void = () => {},
): { isInTransaction: boolean; lastTimestamp: Int64 } {
  const transactions = new TransactionReader();
  let lastTimestamp: Int64 = 0;
  let fetchOffset = storage.logStartOffset;
  while (fetchOffset < storage.logEndOffset) {
    const source = storage.read({
      fetchOffset,
      maxBytes: READ_BYTES,
      endOffset: storage.logEndOffset,
      minOneBatch: true,
    });
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    for (let at = 0; at < bytes.length;) {
      const next = endOfBatch(bytes, at, bytes.length);
      assert(next > at, `The metadata log has half a batch after offset ${fetchOffset}`);
      const batch = decodeBatch(bytes, at);
      // Control batches are the quorum's own: leader changes, voters.
      const records = batch.isControl ? [] : transactions.read(
        batch.records.map(({ offset, value }) => decodeAt(offset, value)),
      );
      onDeleted(state.apply(records, batch.lastOffset, batch.partitionLeaderEpoch).deletedTopics);
      fetchOffset = batch.lastOffset + 1;
      lastTimestamp = maxInt64(lastTimestamp, batch.maxTimestamp);
      at = next;
    }
  }
  return { isInTransaction: transactions.isOpen, lastTimestamp };
}

function decodeAt(offset: number, value: Uint8Array | null): MetadataRecord {
  try {
    return decodeMetadataRecord(value ?? new Uint8Array(0));
  } catch (error) {
    throw new Error(
      `Cannot read ${METADATA_TOPIC}-0 at offset ${offset}: ${(error as Error).message}; ` +
        "a newer version may have written it, start that one on this directory",
      { cause: error },
    );
  }
}

/** Holds the records of a transaction back until its end. */
class TransactionReader {
  #held: MetadataRecord[] | null = null;

  /** Whether a transaction has begun and not ended. */
  get isOpen(): boolean {
    return this.#held !== null;
  }

  /** The records that take effect with `records`. */
  read(records: readonly MetadataRecord[]): MetadataRecord[] {
    const out: MetadataRecord[] = [];
    for (const record of records) {
      if (record.name === "BeginTransactionRecord") this.#held = [];
      else if (record.name === "EndTransactionRecord") {
        out.push(...this.#held ?? []);
        this.#held = null;
      } else if (record.name === "AbortTransactionRecord") this.#held = null;
      else (this.#held ?? out).push(record);
    }
    return out;
  }
}
