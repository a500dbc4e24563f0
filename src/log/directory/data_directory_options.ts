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

/** The options of a data directory. */
export interface DataDirectoryOptions {
  /** Files, clock, random numbers and compression codecs. */
  readonly runtime: Pick<Runtime, "files" | "clock" | "random" | "codecs">;
  /** The path of the data directory, which is created if necessary. */
  readonly directory: string;
  /** The id of this node, which the directory must belong to. */
  readonly nodeId: number;
  /** The cluster it must belong to. By default, any; a new directory gets a new cluster id. */
  readonly clusterId?: string;
  /**
   * Returns the settings of a topic's logs. If given, all logs are opened at once; otherwise
   * {@linkcode DataDirectory.openAll} opens them once the settings are known.
   */
  readonly configOf?: (topic: string) => LogConfig;
  /** Called with each repair of a log. */
  readonly onRecovery?: (report: RecoveryReport) => void;
  /** Called with a sentence about any other loss that does not prevent the start. */
  readonly onLoss?: (sentence: string) => void;
  /**
   * Called when a disk fault has taken the whole directory out of service, during the operation
   * that failed; see `directory_files.ts`. Must not throw.
   */
  readonly onFailure?: (failure: KafkaError) => void;
  /**
   * Returns the high watermark of a log for its checkpoint, or null if it is unknown, so that the
   * stored one is kept. Defaults to null.
   */
  readonly highWatermarkOf?: (log: PartitionLog) => number | null;
  /** Tracks open segment files. Defaults to a tracker for this directory only. */
  readonly openSegments?: OpenSegments;
}
