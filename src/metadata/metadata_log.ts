/**
 * The metadata log, Apache Kafka's `__cluster_metadata-0`: its name and its configuration. Its records build
 * the image of the cluster; `raft/` keeps the log, and `loader.ts` applies what is committed.
 *
 * Records that belong together are written as one batch, so that a crash during a write leaves all
 * of them or none. Logs written by Kafka may also contain longer transactions, delimited by marker
 * records (KIP-868).
 *
 * @module
 */
import { DEFAULT_LOG_CONFIG, type LogConfig, NO_LIMIT } from "../log/log_config.ts";

export { MAX_RECORDS_PER_BATCH } from "./record_batches.ts";

/** The topic of the metadata log. It has a single partition, 0. */
export const METADATA_TOPIC = "__cluster_metadata";

/** The metadata log in errors. */
export const METADATA_PARTITION = `${METADATA_TOPIC}-0`;

/** The configuration of the metadata log. Nothing is deleted by its age or size: snapshots replace its beginning. */
export const METADATA_LOG_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  retentionMs: -1,
  retentionBytes: -1,
  segmentMs: NO_LIMIT,
};
