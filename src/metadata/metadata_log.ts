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
import { DEFAULT_LOG_CONFIG, type LogConfig, NO_LIMIT } from "../log/log_config.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import { type Int64, maxInt64 } from "../protocol/int64.ts";
import { atOnce, NO_PAUSE, type Pause, withPauses } from "../protocol/records/compression/steps.ts";
import { BatchApplier, type MetadataFollower } from "./batch_applier.ts";
import type { MetadataImage, TopicImage } from "./image.ts";
import { encodeBatchInSteps } from "./record_batches.ts";
import type { MetadataRecordInput } from "./records/metadata_record.ts";

export { MAX_RECORDS_PER_BATCH } from "./record_batches.ts";

/** The topic of the metadata log. It has a single partition, 0. */
export const METADATA_TOPIC = "__cluster_metadata";

/** The metadata log in errors. */
export const METADATA_PARTITION = `${METADATA_TOPIC}-0`;

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

const READ_BYTES = 1 << 20;
const FIRST_LEADER_EPOCH = 1;

/** The partition log operations used by the metadata log. */
export type MetadataStorage = Pick<
  PartitionLog,
  "append" | "read" | "flush" | "logStartOffset" | "logEndOffset"
>;

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
  readonly #applier = new BatchApplier(METADATA_PARTITION);

  private constructor(storage: MetadataStorage) {
    this.#storage = storage;
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
    const log = new MetadataLog(storage);
    const lastTimestamp = await replay(storage, log.#applier, pause);
    if (log.#applier.isInTransaction) await log.#abortTransaction(lastTimestamp);
    return log;
  }

  /** The image resulting from all records of the log. */
  get image(): MetadataImage {
    return this.#applier.state;
  }

  /** Reads the log again and resolves with the ids and names of the topics that it deletes. */
  async deletedTopics(pause: Pause = NO_PAUSE): Promise<Map<string, string>> {
    const deleted = new Map<string, string>();
    await replay(this.#storage, new BatchApplier(METADATA_PARTITION), pause, (topics) => {
      for (const { id, name } of topics) deleted.set(id, name);
    });
    return deleted;
  }

  /** The leader epoch of the next record. */
  get leaderEpoch(): number {
    return Math.max(this.#applier.lastEpoch, FIRST_LEADER_EPOCH);
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
    { nowMs, flush, pause = NO_PAUSE, ...follower }: MetadataAppendOptions,
  ): Promise<void> {
    const { leaderEpoch, endOffset: baseOffset } = this;
    const options = { epoch: leaderEpoch, timestamp: nowMs, baseOffset };
    const batch = await withPauses(encodeBatchInSteps(records, options), pause);
    this.#storage.append(batch, { leaderEpoch, origin: "raft" });
    if (flush) await this.#storage.flush();
    // Decoded from the written bytes, so that this image equals one that is read after a restart.
    await this.#applier.apply(batch, 0, { pause, ...follower });
  }

  /**
   * Aborts a transaction that an earlier controller left open, as every new active controller must.
   * Otherwise records appended from here on would belong to that transaction.
   */
  async #abortTransaction(timestamp: Int64): Promise<void> {
    const { leaderEpoch, endOffset: baseOffset } = this;
    const abort: MetadataRecordInput = {
      name: "AbortTransactionRecord",
      value: { reason: "The controller ended" },
    };
    const options = { epoch: leaderEpoch, timestamp, baseOffset };
    const batch = atOnce(encodeBatchInSteps([abort], options));
    this.#storage.append(batch, { leaderEpoch, origin: "raft" });
    await this.#applier.apply(batch, 0, { pause: NO_PAUSE });
  }
}

/** Applies all records of `storage`. Resolves with the largest timestamp in it. */
async function replay(
  storage: MetadataStorage,
  applier: BatchApplier,
  pause: Pause,
  onDeleted: (topics: readonly TopicImage[]) => void = () => {},
): Promise<Int64> {
  let lastTimestamp: Int64 = 0;
  while (applier.nextOffset < storage.logEndOffset) {
    const source = storage.read({
      fetchOffset: applier.nextOffset,
      maxBytes: READ_BYTES,
      endOffset: storage.logEndOffset,
      minOneBatch: true,
    });
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    for (let at = 0; at < bytes.length;) {
      at = await applier.apply(bytes, at, {
        pause,
        apply: ({ deletedTopics }) => onDeleted(deletedTopics),
      });
      lastTimestamp = maxInt64(lastTimestamp, applier.lastTimestamp);
    }
    await pause();
  }
  return lastTimestamp;
}
