/**
 * The settings of one partition's log, as numbers and flags. `src/config/topic_config.ts` makes them
 * of a topic's configuration; the log itself never sees a configuration key.
 *
 * @module
 */
import type { TimestampType } from "../protocol/records/batch.ts";

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
  maxMessageBytes: 1_048_588,
  messageTimestampType: "CreateTime",
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: 3_600_000,
  fileDeleteDelayMs: 60_000,
};
