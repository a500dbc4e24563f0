/**
 * The parameters and results of opening, appending to and reading a partition's log.
 *
 * @module
 */
import type { Int64 } from "../protocol/int64.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { LogConfig } from "./log_config.ts";
import type { OpenSegments } from "./segments/open_segments.ts";
import type { PendingWork } from "./pending_work.ts";
import type { RecoveryReport } from "./opening/recovery_types.ts";

/** The origin of an append. */
export interface AppendOptions {
  /** The leader epoch of the partition, written into each batch. */
  readonly leaderEpoch: number;
  /**
   * `client`: exactly one batch, which is validated completely. `coordinator` (groups and
   * transactions) and `raft` (the metadata log): any number of batches that Millrace has written
   * itself.
   */
  readonly origin: "client" | "coordinator" | "raft";
  /**
   * Whether zstd is allowed. Defaults to true; Produce requests before version 7 must not use it.
   */
  readonly allowZstd?: boolean;
}

/** The result of an append. */
export interface AppendResult {
  /** The offset of the first record. */
  readonly baseOffset: number;
  /** The offset of the last record. */
  readonly lastOffset: number;
  /**
   * The append time set by the broker, ms since 1970, or -1 if records keep the producer's
   * timestamps.
   */
  readonly logAppendTimeMs: Int64;
  /** Whether the batch had been appended before. The offsets are then those of the original. */
  readonly duplicate: boolean;
}

/** The offsets of batches that were appended unchanged. */
export interface AppendedRange {
  /** The first offset of the first batch. */
  readonly baseOffset: number;
  /** The last offset of the last batch. */
  readonly lastOffset: number;
}

/** The options of a read. */
export interface ReadOptions {
  /** The start: the batch that holds this offset is returned first, as a whole. */
  readonly fetchOffset: number;
  /** The maximum number of bytes. */
  readonly maxBytes: number;
  /** The end, exclusive: the high watermark or the log end offset. */
  readonly endOffset: number;
  /** Whether the first batch is returned even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
}

/** The options for opening a log. */
export interface PartitionLogOptions {
  /** Files, clock, random numbers and compression codecs. */
  readonly runtime: Pick<Runtime, "files" | "clock" | "random" | "codecs">;
  /** The partition's own directory, which is created if necessary. */
  readonly directory: string;
  /** The topic's name. */
  readonly topic: string;
  /** The partition's number. */
  readonly partition: number;
  /** The topic id. By default, it is read from `partition.metadata`. */
  readonly topicId?: string;
  /** The initial settings. */
  readonly config: LogConfig;
  /** The entry of `log-start-offset-checkpoint` for this log. Defaults to 0. */
  readonly logStartOffset?: number;
  /** Whether the last process shut down cleanly, so that the end of the log need not be checked. */
  readonly wasShutDownCleanly?: boolean;
  /**
   * The entry of `recovery-point-offset-checkpoint` for this log, or 0 without an entry: everything
   * below was durable. Undefined if the file is missing; then all but the last segment with records
   * counts as durable.
   */
  readonly recoveryPoint?: number;
  /** Tracks open segment files of this log and others. Defaults to a tracker of its own. */
  readonly openSegments?: OpenSegments;
  /**
   * Whether the log is new even if its directory exists, because the caller has tried to create it
   * before. Defaults to false.
   */
  readonly isNew?: boolean;
  /** Whether the directory exists, where that is known. */
  readonly directoryExists?: boolean;
  /** Tracks the syncs of this log and of others. Defaults to a tracker of its own. */
  readonly pendingWork?: PendingWork;
  /** Called with each repair. */
  readonly onRecovery?: (report: RecoveryReport) => void;
  /** The entry of `cleaner-offset-checkpoint` for this log. Defaults to 0. */
  readonly cleanedOffset?: number;
  /** Stores the log's offsets. By default, they are not stored. */
  readonly checkpoints?: LogCheckpoints;
}

/**
 * The entries of one log in the checkpoints of its data directory. A returned promise resolves when
 * the entry is durable and need not be awaited; without a promise, the entry is already durable.
 */
export interface LogCheckpoints {
  /** Writes the current log start offset. */
  saveLogStartOffset(): Promise<void> | void;
  /** Writes the current recovery point. */
  saveRecoveryPoint(): Promise<void> | void;
  /** Writes the offset up to which the log has been compacted. */
  saveCleanedOffset(offset: number): void;
}
