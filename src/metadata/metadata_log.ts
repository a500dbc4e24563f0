/**
 * The metadata log, Apache Kafka's `__cluster_metadata-0`. Its records build the image of the
 * cluster.
 *
 * Records that belong together are written as one batch, so that a crash during a write leaves all
 * of them or none. Logs written by Kafka may also contain longer transactions, delimited by marker
 * records (KIP-868); they are supported when reading.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig, NO_LIMIT } from "../log/log_config.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import { type Int64, maxInt64 } from "../protocol/int64.ts";
import { BatchBuilder, decodeBatch, encodeBatch, endOfBatch } from "../protocol/records/batch.ts";
import { NO_PAUSE, type Pause } from "../protocol/records/compression/steps.ts";
import type { MetadataDelta, MetadataImage, TopicImage } from "./image.ts";
import { MetadataState } from "./metadata_state.ts";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordInput,
} from "./records/metadata_record.ts";

/** The topic of the metadata log. It has a single partition, 0. */
export const METADATA_TOPIC = "__cluster_metadata";

/**
 * The configuration of the metadata log. It retains everything: a start reads the whole log, since no
 * snapshots of it are written.
 */
export const METADATA_LOG_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  retentionMs: -1,
  retentionBytes: -1,
  segmentMs: NO_LIMIT,
};

/** Maximum number of records in a batch: 10,000, as in Apache Kafka. */
export const MAX_RECORDS_PER_BATCH = 10_000;

const READ_BYTES = 1 << 20;
/** Records, or changes of topics, that are handled between two pauses. */
const STEP_LENGTH = 64;
const FIRST_LEADER_EPOCH = 1;

/** The partition log operations used by the metadata log. */
export type MetadataStorage = Pick<
  PartitionLog,
  "append" | "read" | "flush" | "logStartOffset" | "logEndOffset"
>;

/** Follows the changes that {@linkcode MetadataLog.append} makes, one topic after the other. */
export interface MetadataFollower {
  /** Called before the image shows the topics of `delta`; it does so once the promise has resolved. */
  readonly prepare?: (delta: MetadataDelta, pause: Pause) => Promise<void> | void;
  /** Called when the image has just come to show them. The next topic waits for the promise. */
  readonly apply?: (delta: MetadataDelta, pause: Pause) => Promise<void> | void;
}

/** How {@linkcode MetadataLog.append} appends. */
export interface MetadataAppendOptions extends MetadataFollower {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Whether the records are synced to disk before they are applied. */
  readonly flush: boolean;
  /** Awaited between two parts of the work. Defaults to doing all of it in one turn. */
  readonly pause?: Pause;
}

/** Reads the metadata log into an image and keeps the image at the end of the log. */
export class MetadataLog {
  readonly #storage: MetadataStorage;
  readonly #state: MetadataState;

  private constructor(storage: MetadataStorage, state: MetadataState) {
    this.#storage = storage;
    this.#state = state;
  }

  /**
   * Reads `storage` from its beginning, awaiting `pause` between two parts of it. Rejects with an
   * Error that says what to do if the log is incomplete (its beginning is in a snapshot) or has a
   * record of an unknown type.
   */
  static async open(storage: MetadataStorage, pause: Pause = NO_PAUSE): Promise<MetadataLog> {
    if (storage.logStartOffset > 0) {
      throw new Error(
        `Cannot read ${METADATA_TOPIC}-0: it begins at offset ${storage.logStartOffset}, earlier ` +
          "records are in a snapshot, which this version cannot read; start Apache Kafka on this " +
          "directory instead",
      );
    }
    const log = new MetadataLog(storage, new MetadataState());
    const { isInTransaction, lastTimestamp } = await replay(storage, log.#state, pause);
    if (isInTransaction) log.#abortTransaction(lastTimestamp);
    return log;
  }

  /** The image resulting from all records of the log. */
  get image(): MetadataImage {
    return this.#state;
  }

  /** Reads the log again and resolves with the ids and names of the topics that it deletes. */
  async deletedTopics(pause: Pause = NO_PAUSE): Promise<Map<string, string>> {
    const deleted = new Map<string, string>();
    await replay(this.#storage, new MetadataState(), pause, (topics) => {
      for (const { id, name } of topics) deleted.set(id, name);
    });
    return deleted;
  }

  /** The leader epoch of the next record. */
  get leaderEpoch(): number {
    return Math.max(this.#state.epoch, FIRST_LEADER_EPOCH);
  }

  /** The offset of the next record. */
  get endOffset(): number {
    return this.#storage.logEndOffset;
  }

  /**
   * Appends `records` as one batch and applies them topic by topic, so that readers of the image see
   * all of a topic or nothing of it. If the log cannot write, rethrows its error and applies nothing.
   * Must not be called again before the returned promise has settled.
   */
  async append(
    records: readonly MetadataRecordInput[],
    { nowMs, flush, pause = NO_PAUSE, prepare, apply }: MetadataAppendOptions,
  ): Promise<void> {
    assert(
      records.length > 0 && records.length <= MAX_RECORDS_PER_BATCH,
      `A metadata batch of ${records.length} records`,
    );
    const { leaderEpoch } = this;
    const builder = new BatchBuilder({ partitionLeaderEpoch: leaderEpoch });
    const values: Uint8Array[] = [];
    for (const record of records) {
      const value = encodeMetadataRecord(record);
      builder.append({ value, timestamp: nowMs });
      if (values.push(value) % STEP_LENGTH === 0) await pause();
    }
    const { lastOffset } = this.#storage.append(builder.build(), { leaderEpoch, origin: "raft" });
    if (flush) await this.#storage.flush();
    // Decoded from the written bytes, so that this image equals one that is read after a restart.
    const written: MetadataRecord[] = [];
    for (const value of values) {
      if (written.push(decodeMetadataRecord(value)) % STEP_LENGTH === 0) await pause();
    }
    let changes = 0;
    for (const change of topicByTopic(written)) {
      const delta = this.#state.stage(change);
      if (prepare !== undefined) await prepare(delta, pause);
      this.#state.publish(delta);
      if (apply !== undefined) await apply(delta, pause);
      if (++changes % STEP_LENGTH === 0) await pause();
    }
    this.#state.advance(lastOffset, leaderEpoch);
  }

  /**
   * Aborts a transaction that an earlier controller left open, as every new active controller must.
   * Otherwise records appended from here on would belong to that transaction.
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

/** Applies all records of `storage` to `state`. Resolves with the state at the end of the log. */
async function replay(
  storage: MetadataStorage,
  state: MetadataState,
  pause: Pause,
  onDeleted: (topics: readonly TopicImage[]) => void = () => {},
): Promise<{ isInTransaction: boolean; lastTimestamp: Int64 }> {
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
      assert(next > at, `The metadata log has an incomplete batch after offset ${fetchOffset}`);
      const batch = decodeBatch(bytes, at);
      const decoded: MetadataRecord[] = [];
      // Control batches, such as leader changes and voters, belong to the quorum.
      for (const { offset, value } of batch.isControl ? [] : batch.records) {
        if (decoded.push(decodeAt(offset, value)) % STEP_LENGTH === 0) await pause();
      }
      let changes = 0;
      for (const change of topicByTopic(transactions.read(decoded))) {
        const delta = state.stage(change);
        state.publish(delta);
        onDeleted(delta.deletedTopics);
        if (++changes % STEP_LENGTH === 0) await pause();
      }
      state.advance(batch.lastOffset, batch.partitionLeaderEpoch);
      fetchOffset = batch.lastOffset + 1;
      lastTimestamp = maxInt64(lastTimestamp, batch.maxTimestamp);
      at = next;
    }
    await pause();
  }
  return { isInTransaction: transactions.isOpen, lastTimestamp };
}

/**
 * Splits records where one begins to be about another topic. A record that is about no single topic
 * stays with those before it.
 */
function* topicByTopic(records: readonly MetadataRecord[]): Generator<readonly MetadataRecord[]> {
  let begin = 0;
  let topicId: string | null = null;
  for (let at = 0; at < records.length; at++) {
    const id = topicIdOf(records[at]!);
    if (id === null || id === topicId) continue;
    if (topicId !== null) {
      yield records.slice(begin, at);
      begin = at;
    }
    topicId = id;
  }
  if (begin < records.length) yield records.slice(begin);
}

function topicIdOf({ name, value }: MetadataRecord): string | null {
  switch (name) {
    case "TopicRecord":
    case "RemoveTopicRecord":
    case "PartitionRecord":
    case "PartitionChangeRecord":
      return value.topicId;
    default:
      return null;
  }
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

/** Buffers the records of a transaction until it ends. */
class TransactionReader {
  #buffered: MetadataRecord[] | null = null;

  /** Whether a transaction has begun but not ended. */
  get isOpen(): boolean {
    return this.#buffered !== null;
  }

  /** Returns the records that take effect with `records`. */
  read(records: readonly MetadataRecord[]): MetadataRecord[] {
    const out: MetadataRecord[] = [];
    for (const record of records) {
      if (record.name === "BeginTransactionRecord") this.#buffered = [];
      else if (record.name === "EndTransactionRecord") {
        out.push(...this.#buffered ?? []);
        this.#buffered = null;
      } else if (record.name === "AbortTransactionRecord") this.#buffered = null;
      else (this.#buffered ?? out).push(record);
    }
    return out;
  }
}
