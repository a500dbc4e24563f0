/**
 * The settings of one partition's log as numbers and flags. `src/config/topic_config.ts` converts a
 * topic's configuration to them, so the log itself is independent of configuration keys.
 *
 * @module
 */
import type { TimestampType } from "../protocol/records/batch.ts";
import type { Recompression } from "../protocol/records/recompress.ts";

/**
 * The number for Long.MAX_VALUE, by which a configuration key means "no limit": 2^63, which is
 * above every difference of two 64-bit timestamps. Values between 2^53 and 2^63 are rounded to the
 * nearest `number`.
 */
export const NO_LIMIT: number = 2 ** 63;

/** The settings of one log. Each field names its topic configuration key. */
export interface LogConfig {
  /** `segment.bytes`: a segment is closed before it would exceed this size, 1 to 2^31 - 1. */
  readonly segmentBytes: number;
  /** `segment.ms`: a segment is closed when its first record is older than this. */
  readonly segmentMs: number;
  /**
   * `segment.jitter.ms`: the upper bound of the random amount subtracted from `segment.ms` per
   * segment.
   */
  readonly segmentJitterMs: number;
  /** `index.interval.bytes`: the number of bytes of log between two index entries. */
  readonly indexIntervalBytes: number;
  /**
   * `retention.ms`: closed segments whose newest record is older are deleted. -1 keeps them
   * forever.
   */
  readonly retentionMs: number;
  /**
   * `retention.bytes`: the oldest closed segments are deleted while more than this remains. -1: no
   * limit.
   */
  readonly retentionBytes: number;
  /** Whether `cleanup.policy` contains `delete`: retention by time and size applies. */
  readonly delete: boolean;
  /** Whether `cleanup.policy` contains `compact`: records need keys, and offsets may have gaps. */
  readonly compact: boolean;
  /**
   * `delete.retention.ms`: how long compaction keeps tombstones and markers after it first saw
   * them.
   */
  readonly deleteRetentionMs: number;
  /** `min.compaction.lag.ms`: segments with a newer record are not compacted. 0: no limit. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: a segment with an older record is always compacted. */
  readonly maxCompactionLagMs: number;
  /**
   * `min.cleanable.dirty.ratio`: the share of a log that must be new before it is compacted, 0 to
   * 1.
   */
  readonly minCleanableDirtyRatio: number;
  /** `max.message.bytes`: the maximum size of a batch as it arrives. */
  readonly maxMessageBytes: number;
  /** `message.timestamp.type`: whether the producer or the broker sets the timestamps. */
  readonly messageTimestampType: TimestampType;
  /** `message.timestamp.before.max.ms`: how far a timestamp may be behind the broker's clock. */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how far a timestamp may be ahead of the broker's clock. */
  readonly messageTimestampAfterMaxMs: number;
  /** `file.delete.delay.ms`: how long a deleted segment's file is kept, for reads in progress. */
  readonly fileDeleteDelayMs: number;
  /**
   * `flush.messages`: records are not acknowledged while this many or more, including them, are not
   * durable. 1: every record is flushed first. {@linkcode NO_LIMIT}: no flush by number.
   */
  readonly flushMessages: number;
  /** `flush.ms`: records of this age are flushed. {@linkcode NO_LIMIT}: no flush by age. */
  readonly flushMs: number;
  /**
   * `compression.type` and its level: the compression of clients' batches on arrival, or null to keep
   * that of the producer.
   */
  readonly recompression: Recompression | null;
}

/** Apache Kafka's defaults. */
export const DEFAULT_LOG_CONFIG: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  indexIntervalBytes: 4_096,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  delete: true,
  compact: false,
  deleteRetentionMs: 86_400_000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: NO_LIMIT,
  minCleanableDirtyRatio: 0.5,
  maxMessageBytes: 1_048_588,
  messageTimestampType: "CreateTime",
  messageTimestampBeforeMaxMs: NO_LIMIT,
  messageTimestampAfterMaxMs: 3_600_000,
  fileDeleteDelayMs: 60_000,
  flushMessages: NO_LIMIT,
  flushMs: NO_LIMIT,
  recompression: null,
};
