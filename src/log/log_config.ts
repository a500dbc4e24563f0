/**
 * The settings of one partition's log, as numbers and flags. `src/config/topic_config.ts` makes them
 * of a topic's configuration; the log itself never sees a configuration key.
 *
 * @module
 */
import type { TimestampType } from "../protocol/records/batch.ts";
import type { Recompression } from "../protocol/records/recompress.ts";

/**
 * The number for Long.MAX_VALUE, the value with which a key says "no limit": 2^63, which is above every
 * difference of two 64-bit timestamps. Values between 2^53 and it are the nearest `number`.
 */
export const NO_LIMIT: number = 2 ** 63;

/** How one log rolls, keeps and checks. Each field names the topic's key it comes from. */
export interface LogConfig {
  /** `segment.bytes`: a segment is closed before it would grow beyond this, 1 to 2^31 - 1. */
  readonly segmentBytes: number;
  /** `segment.ms`: a segment is closed when its first record is older than this. */
  readonly segmentMs: number;
  /** `segment.jitter.ms`: up to so much is taken off `segment.ms`, another amount each segment. */
  readonly segmentJitterMs: number;
  /** `index.interval.bytes`: bytes of log between two entries of the index. */
  readonly indexIntervalBytes: number;
  /** `retention.ms`: closed segments whose newest record is older go. -1 keeps them for ever. */
  readonly retentionMs: number;
  /** `retention.bytes`: the oldest closed segments go while more than this stays. -1: no bound. */
  readonly retentionBytes: number;
  /** Whether `cleanup.policy` has `delete`: retention by time and size applies. */
  readonly delete: boolean;
  /** Whether `cleanup.policy` has `compact`: records need keys, offsets may have gaps. */
  readonly compact: boolean;
  /** `delete.retention.ms`: how long a compacted log keeps tombstones and markers it has met. */
  readonly deleteRetentionMs: number;
  /** `min.compaction.lag.ms`: segments with a newer record are not compacted. 0: no bound. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: a segment with an older record is compacted in any case. */
  readonly maxCompactionLagMs: number;
  /** `min.cleanable.dirty.ratio`: which part of a log must be new before it is compacted, 0 to 1. */
  readonly minCleanableDirtyRatio: number;
  /** `max.message.bytes`: the largest batch, as it arrives. */
  readonly maxMessageBytes: number;
  /** `message.timestamp.type`: whose clock stamps the records. */
  readonly messageTimestampType: TimestampType;
  /** `message.timestamp.before.max.ms`: how far behind the broker's clock a record may be. */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how far ahead of the broker's clock a record may be. */
  readonly messageTimestampAfterMaxMs: number;
  /** `file.delete.delay.ms`: how long a deleted segment's file stays, for those who still read it. */
  readonly fileDeleteDelayMs: number;
  /**
   * `flush.messages`: records are not acknowledged while so many, these among them, are not on the
   * disk. 1: before each acknowledgement. {@linkcode NO_LIMIT}: never for their number.
   */
  readonly flushMessages: number;
  /** `flush.ms`: records of this age are flushed. {@linkcode NO_LIMIT}: never for their age. */
  readonly flushMs: number;
  /**
   * `compression.type` and its level: what clients' batches are compressed with on arrival. Null
   * leaves them as their producers sent them.
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
