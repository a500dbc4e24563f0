/**
 * The options of a data directory.
 *
 * @module
 */
import type { KafkaError } from "../../protocol/errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import type { RecoveryReport } from "../opening/recovery_types.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { OpenSegments } from "../segments/open_segments.ts";

/** How a data directory is opened. */
export interface DataDirectoryOptions {
  /** Files, time, random numbers and compressors. */
  readonly runtime: Pick<Runtime, "files" | "clock" | "random" | "codecs">;
  /** The path of the data directory, which is created when it is missing. */
  readonly directory: string;
  /** The id of this node, which the directory must belong to. */
  readonly nodeId: number;
  /** The cluster it must belong to. Defaults to the one it belongs to, or a new one. */
  readonly clusterId?: string;
  /**
   * The settings of a topic's logs. When given, every log in the directory is opened at once;
   * otherwise by {@linkcode DataDirectory.openAll}, once the settings are known.
   */
  readonly configOf?: (topic: string) => LogConfig;
  /** Called with each repair of a log. */
  readonly onRecovery?: (report: RecoveryReport) => void;
  /** Called with a sentence about anything else that was lost, and is not needed to go on. */
  readonly onLoss?: (sentence: string) => void;
  /**
   * Called when a disk fault has taken the whole directory out of service, while the operation that
   * met the fault is running: `directory_files.ts` says which faults do that. Must not throw.
   */
  readonly onFailure?: (failure: KafkaError) => void;
  /**
   * Returns the high watermark of a log for its checkpoint, or null where it is unknown: its stored one
   * stays then. Defaults to null for each.
   */
  readonly highWatermarkOf?: (log: PartitionLog) => number | null;
  /** Counts open segment files. Defaults to a count of the directory's own. */
  readonly openSegments?: OpenSegments;
}
