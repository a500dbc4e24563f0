/**
 * The state of one open log, shared by the classes that implement its operations.
 *
 * @module
 */
import type { HostCodecs } from "../runtime/runtime.ts";
import type { KafkaError } from "../protocol/errors.ts";
import { LEADER_EPOCH_CHECKPOINT, LeaderEpochs } from "./leader_epochs.ts";
import type { LogConfig } from "./log_config.ts";
import { LogHealth } from "./log_health.ts";
import type { LogCheckpoints, PartitionLogOptions } from "./log_types.ts";
import { abortedTransactions } from "./opening/rebuild_from_segments.ts";
import { PARTITION_METADATA, TopicIdFile } from "./partition_metadata.ts";
import { ProducerSnapshots } from "./producers/producer_snapshot_storage.ts";
import { ProducerState } from "./producers/producer_state.ts";
import { OpenSegments } from "./segments/open_segments.ts";
import { SegmentList } from "./segments/segment_list.ts";
import type { AbortedTransaction } from "./segments/transaction_index_format.ts";

/** The parts of one log. */
export class LogState {
  /** The directory's name, such as `events-0`. */
  readonly name: string;
  readonly runtime: PartitionLogOptions["runtime"];
  readonly health: LogHealth;
  readonly segments: SegmentList;
  readonly openSegments: OpenSegments;
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerState = new ProducerState();
  readonly snapshots: ProducerSnapshots;
  /** `partition.metadata`. */
  readonly metadata: TopicIdFile;
  /** Where the log's offsets are written, or null for nowhere. */
  readonly checkpoints: LogCheckpoints | null;
  /** Returns the host's compressors. */
  readonly codecs: () => HostCodecs;
  /** The settings in force. */
  config: LogConfig;
  /** The offset of the first record that may be read. */
  logStartOffset: number;
  /** As `PartitionLog.mustFlushFirst`. */
  mustFlushFirst = false;
  /** The error for appends while the log is being truncated, or null. */
  truncation: KafkaError | null = null;

  /** The state of a log in `options.directory` of which nothing has been read yet. */
  constructor({ topic, partition, directory, runtime, ...options }: PartitionLogOptions) {
    const { files } = runtime;
    this.name = `${topic}-${partition}`;
    this.runtime = runtime;
    this.codecs = () => runtime.codecs();
    this.config = options.config;
    this.logStartOffset = options.logStartOffset ?? 0;
    this.checkpoints = options.checkpoints ?? null;
    this.health = new LogHealth(this.name);
    this.openSegments = options.openSegments ?? new OpenSegments();
    this.segments = new SegmentList(runtime, directory, this.openSegments);
    this.snapshots = new ProducerSnapshots(files, directory);
    this.epochs = new LeaderEpochs(files, `${directory}/${LEADER_EPOCH_CHECKPOINT}`);
    this.metadata = new TopicIdFile(files, `${directory}/${PARTITION_METADATA}`);
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.segments.active.nextOffset;
  }

  /** Whether the log can be changed: it is open, and its disk works. */
  get isWritable(): boolean {
    return this.health.failure === null;
  }

  /** Throws why nothing may be appended now, if anything. */
  checkAppendable(): void {
    const failure = this.health.failure ?? this.truncation;
    if (failure !== null) throw failure;
  }

  /** Returns the aborted transactions with records in `[startOffset, endOffset)`, in marker order. */
  abortedTransactions(startOffset: number, endOffset: number): AbortedTransaction[] {
    return this.health.guard(
      "look for aborted transactions in",
      () => abortedTransactions(this.segments.all, this.snapshots, startOffset, endOffset),
    );
  }

  /** Writes all indexes and a snapshot of the producers, for the next start. Throws a `FileError`. */
  writeIndexes(): void {
    this.segments.writeIndexes();
    if (this.logEndOffset > this.logStartOffset || this.producers.size > 0) {
      this.snapshots.take(this.logEndOffset, this.producers);
    }
    this.removeObsoleteSnapshots();
  }

  /** Removes the producer snapshots that no start needs. Throws a `FileError`. */
  removeObsoleteSnapshots(): void {
    this.snapshots.removeObsolete(this.segments.all.map(({ baseOffset }) => baseOffset));
  }
}
