/**
 * The broker's configuration keys about logs: segments, retention, flushing, timestamps, compression
 * and compaction.
 *
 * @module
 */
import {
  type ConfigDefinition,
  dynamicKey as dynamic,
  fixedKey as fixed,
  MAX_INT,
  MAX_LONG_TEXT,
} from "./definition.ts";

const NOT_ZERO = (text: string) =>
  Number(text) === 0 ? "it must be at least 1, or -1 for no limit" : null;

/** Keys about segments, retention, flushing and records. */
export const LOG_KEYS: readonly ConfigDefinition[] = [
  dynamic({
    name: "log.segment.bytes",
    type: "int",
    default: "1073741824",
    min: 1_048_576,
    documentation: "Maximum size of a log segment, in bytes.",
  }),
  dynamic({
    name: "log.roll.ms",
    type: "long",
    default: null,
    min: 1,
    documentation:
      "Age of its first record at which a segment is closed. Takes precedence over log.roll.hours.",
  }),
  fixed({
    name: "log.roll.hours",
    type: "int",
    default: "168",
    min: 1,
    documentation: "Age of its first record at which a segment is closed, in hours.",
  }),
  dynamic({
    name: "log.roll.jitter.ms",
    type: "long",
    default: null,
    min: 0,
    documentation:
      "Maximum random time subtracted from log.roll.ms, chosen per segment. Takes precedence " +
      "over log.roll.jitter.hours.",
  }),
  fixed({
    name: "log.roll.jitter.hours",
    type: "int",
    default: "0",
    min: 0,
    documentation:
      "Maximum random time subtracted from the age at which segments are closed, in hours.",
  }),
  dynamic({
    name: "log.retention.ms",
    type: "long",
    default: null,
    reject: NOT_ZERO,
    documentation: "Age at which records may be deleted. -1: never. Takes precedence over " +
      "log.retention.minutes.",
  }),
  fixed({
    name: "log.retention.minutes",
    type: "int",
    default: null,
    reject: NOT_ZERO,
    documentation:
      "Age at which records may be deleted, in minutes. Takes precedence over log.retention.hours.",
  }),
  fixed({
    name: "log.retention.hours",
    type: "int",
    default: "168",
    reject: NOT_ZERO,
    documentation: "Age at which records may be deleted, in hours. -1: never.",
  }),
  dynamic({
    name: "log.retention.bytes",
    type: "long",
    default: "-1",
    documentation:
      "Maximum size of a partition before its oldest segments are deleted. -1: no limit.",
  }),
  fixed({
    name: "log.retention.check.interval.ms",
    type: "long",
    default: "300000",
    min: 1,
    max: MAX_INT,
    documentation: "Interval between checks for expired records.",
  }),
  dynamic({
    name: "log.segment.delete.delay.ms",
    type: "long",
    default: "60000",
    min: 0,
    documentation: "Delay between the deletion of a segment and the removal of its file.",
  }),
  dynamic({
    name: "log.flush.interval.messages",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation:
      "Number of unflushed records at which a log is flushed to disk before the last of them is " +
      "acknowledged. 1 flushes before every acknowledgement.",
  }),
  dynamic({
    name: "log.flush.interval.ms",
    type: "long",
    default: null,
    min: 0,
    documentation:
      "Maximum time records remain unflushed; the flush runs in the background. Defaults to " +
      "log.flush.scheduler.interval.ms.",
  }),
  fixed({
    name: "log.flush.scheduler.interval.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation:
      "Interval between checks for records that are due to be flushed. If unset, each log is " +
      "flushed when it is due.",
  }),
  fixed({
    name: "log.flush.offset.checkpoint.interval.ms",
    type: "int",
    default: "60000",
    min: 0,
    documentation:
      "Interval at which recovery points are written. After a crash, a log is checked from its " +
      "recovery point on. They are also written after each segment and at shutdown.",
  }),
  dynamic({
    name: "log.index.interval.bytes",
    type: "int",
    default: "4096",
    min: 0,
    documentation: "Bytes of the log between two entries of its offset index.",
  }),
  dynamic({
    name: "log.message.timestamp.type",
    type: "string",
    default: "CreateTime",
    oneOf: ["CreateTime", "LogAppendTime"],
    documentation: "Source of record timestamps: the producer (CreateTime) or the broker's clock " +
      "(LogAppendTime).",
  }),
  dynamic({
    name: "log.message.timestamp.before.max.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "How far a record's timestamp may be behind the broker's clock.",
  }),
  dynamic({
    name: "log.message.timestamp.after.max.ms",
    type: "long",
    default: "3600000",
    min: 0,
    documentation: "How far a record's timestamp may be ahead of the broker's clock.",
  }),
  dynamic({
    name: "log.cleanup.policy",
    type: "list",
    default: "delete",
    oneOf: ["compact", "delete"],
    documentation:
      'What happens to old records: "delete" removes them by age and size, "compact" keeps the ' +
      "last record of each key; both may be given, and an empty value keeps everything.",
  }),
  dynamic({
    name: "compression.type",
    type: "string",
    default: "producer",
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    documentation:
      'Compression of batches on disk. "producer" keeps that of the producer; any other value makes ' +
      "the broker recompress batches that arrive differently.",
  }),
  dynamic({
    name: "compression.gzip.level",
    type: "int",
    default: "-1",
    min: -1,
    max: 9,
    reject: (text) => Number(text) === 0 ? "it must be from 1 to 9, or -1" : null,
    documentation: "Level at which the broker compresses with gzip; -1 is zlib's default.",
  }),
  dynamic({
    name: "compression.lz4.level",
    type: "int",
    default: "9",
    min: 1,
    max: 17,
    documentation: "Level at which the broker compresses with lz4.",
  }),
  dynamic({
    name: "compression.zstd.level",
    type: "int",
    default: "3",
    min: -131_072,
    max: 22,
    documentation: "Level at which the broker compresses with zstd.",
  }),
];

/** Keys about compaction. */
export const CLEANER_KEYS: readonly ConfigDefinition[] = [
  fixed({
    name: "log.cleaner.enable",
    type: "boolean",
    default: "true",
    documentation: "Whether topics with cleanup.policy=compact are compacted.",
  }),
  dynamic({
    name: "log.cleaner.backoff.ms",
    type: "long",
    default: "15000",
    min: 0,
    documentation: "Time the cleaner waits when there is nothing to compact.",
  }),
  dynamic({
    name: "log.cleaner.dedupe.buffer.size",
    type: "long",
    default: "134217728",
    min: 24,
    documentation:
      "Maximum memory for the keys of a log during compaction, at 24 bytes per key. Keys that " +
      "do not fit are left for another pass.",
  }),
  dynamic({
    name: "log.cleaner.io.buffer.size",
    type: "int",
    default: "524288",
    min: 0,
    documentation:
      "Bytes of a log that compaction reads at a time. Values above 49152 have no further effect.",
  }),
  dynamic({
    name: "log.cleaner.io.buffer.load.factor",
    type: "double",
    default: "0.9",
    documentation: "Maximum fill of the key memory, as a fraction of 1.",
  }),
  dynamic({
    name: "log.cleaner.io.max.bytes.per.second",
    type: "double",
    default: "1.7976931348623157E308",
    documentation: "Maximum bytes per second that compaction reads and writes together.",
  }),
  dynamic({
    name: "log.cleaner.min.cleanable.ratio",
    type: "double",
    default: "0.5",
    min: 0,
    max: 1,
    documentation: "Minimum share of a log that must be uncompacted before it is compacted again.",
  }),
  dynamic({
    name: "log.cleaner.delete.retention.ms",
    type: "long",
    default: "86400000",
    min: 0,
    documentation: "Time a compacted log keeps tombstones (records that delete a key).",
  }),
  dynamic({
    name: "log.cleaner.min.compaction.lag.ms",
    type: "long",
    default: "0",
    min: 0,
    documentation: "Minimum age at which compaction may remove a record.",
  }),
  dynamic({
    name: "log.cleaner.max.compaction.lag.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation: "Maximum time a record may remain uncompacted.",
  }),
];
