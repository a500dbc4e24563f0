/**
 * What a partition's log is opened, appended to and read with.
 *
 * @module
 */
import type { Int64 } from "../protocol/int64.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { LogConfig } from "./log_config.ts";
import type { OpenSegments } from "./segments/open_segments.ts";
import type { PendingWork } from "./pending_work.ts";
import type { RecoveryReport } from "./opening/recovery_types.ts";

/** Who appends, and as which leader. */
export interface AppendOptions {
  /** The epoch of this partition's leader, written into each batch. */
  readonly leaderEpoch: number;
  /**
   * `client`: exactly one batch, and everything about it is checked. `coordinator` (groups and
   * transactions) and `raft` (the metadata log): whole batches of our own making, any number.
   */
  readonly origin: "client" | "coordinator" | "raft";
  /** Whether zstd may be used, true unless told: Produce before version 7 must not. */
  readonly allowZstd?: boolean;
}

/** What became of an append. */
export interface AppendResult {
  /** The offset of the first record. */
  readonly baseOffset: number;
  /** The offset of the last record. */
  readonly lastOffset: number;
  /** The broker's time that the records got, ms since 1970; -1 where they keep the producer's. */
  readonly logAppendTimeMs: Int64;
  /** True when the batch had been stored before: the offsets are those it got then. */
  readonly duplicate: boolean;
}

/** The offsets of batches that were appended as they are. */
export interface AppendedRange {
  /** The first offset of the first batch. */
  readonly baseOffset: number;
  /** The last offset of the last batch. */
  readonly lastOffset: number;
}

/** What to read. */
export interface ReadOptions {
  /** Where to begin: the batch that holds this offset comes first, whole. */
  readonly fetchOffset: number;
  /** The most bytes to return. */
  readonly maxBytes: number;
  /** Only batches before this offset: the high watermark, or the log end offset. */
  readonly endOffset: number;
  /** Whether the first batch is returned even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
}

/** How a log is opened. */
export interface PartitionLogOptions {
  /** Files, time, chance and compressors. */
  readonly runtime: Pick<Runtime, "files" | "clock" | "random" | "codecs">;
  /** The partition's own directory, made when missing. */
  readonly directory: string;
  /** The topic's name. */
  readonly topic: string;
  /** The partition's number. */
  readonly partition: number;
  /** The topic's id; where absent, `partition.metadata` tells it. */
  readonly topicId?: string;
  /** The settings to begin with. */
  readonly config: LogConfig;
  /** What `log-start-offset-checkpoint` has for this log; 0 unless told. */
  readonly logStartOffset?: number;
  /** Whether the process that wrote the log last ended cleanly: its tail need not be checked then. */
  readonly wasShutDownCleanly?: boolean;
  /**
   * What `recovery-point-offset-checkpoint` has for this log, 0 where it has nothing: all below was on
   * the disk. Where that file is missing, absent: then all but the last segment with records counts as
   * such.
   */
  readonly recoveryPoint?: number;
  /** Keeps count of open segment files, of this log and others. A count of its own unless given. */
  readonly openSegments?: OpenSegments;
  /**
   * Whether the log is new even if its directory is there: the caller has tried to make it before.
   * Defaults to false.
   */
  readonly isNew?: boolean;
  /** Tracks the syncs of this log and of others. Defaults to a tracker of its own. */
  readonly pendingWork?: PendingWork;
  /** Called with each repair. */
  readonly onRecovery?: (report: RecoveryReport) => void;
  /** What `cleaner-offset-checkpoint` has for this log. Defaults to 0. */
  readonly cleanedOffset?: number;
  /** Where the log writes its offsets. Defaults to nowhere. */
  readonly checkpoints?: LogCheckpoints;
}

/**
 * The entries of one log in the checkpoints of its data directory. A promise resolves when the entry is
 * durable, and need not be awaited; where none is returned, it is durable already.
 */
export interface LogCheckpoints {
  /** Writes the log start offset as it is now. */
  saveLogStartOffset(): Promise<void> | void;
  /** Writes the recovery point as it is now. */
  saveRecoveryPoint(): Promise<void> | void;
  /** Writes the offset up to which the log has been compacted. */
  saveCleanedOffset(offset: number): void;
}
