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
    documentation: "A segment of a log is closed before it grows beyond this.",
  }),
  dynamic({
    name: "log.roll.ms",
    type: "long",
    default: null,
    min: 1,
    documentation:
      "A segment is closed when its first record is older. Goes before log.roll.hours.",
  }),
  fixed({
    name: "log.roll.hours",
    type: "int",
    default: "168",
    min: 1,
    documentation: "A segment is closed when its first record is older, in hours.",
  }),
  dynamic({
    name: "log.roll.jitter.ms",
    type: "long",
    default: null,
    min: 0,
    documentation:
      "Up to so much is taken off log.roll.ms, another amount for each segment. Goes " +
      "before log.roll.jitter.hours.",
  }),
  fixed({
    name: "log.roll.jitter.hours",
    type: "int",
    default: "0",
    min: 0,
    documentation: "Up to so much is taken off the time after which segments close, in hours.",
  }),
  dynamic({
    name: "log.retention.ms",
    type: "long",
    default: null,
    refuse: NOT_ZERO,
    documentation: "Records older than this may go. -1: never. Goes before log.retention.minutes.",
  }),
  fixed({
    name: "log.retention.minutes",
    type: "int",
    default: null,
    refuse: NOT_ZERO,
    documentation: "Records older than this may go, in minutes. Goes before log.retention.hours.",
  }),
  fixed({
    name: "log.retention.hours",
    type: "int",
    default: "168",
    refuse: NOT_ZERO,
    documentation: "Records older than this may go, in hours. -1: never.",
  }),
  dynamic({
    name: "log.retention.bytes",
    type: "long",
    default: "-1",
    documentation: "The oldest records of a partition may go while more than this stays. -1: no " +
      "limit.",
  }),
  fixed({
    name: "log.retention.check.interval.ms",
    type: "long",
    default: "300000",
    min: 1,
    max: MAX_INT,
    documentation: "How often the broker looks for records whose time has passed.",
  }),
  dynamic({
    name: "log.segment.delete.delay.ms",
    type: "long",
    default: "60000",
    min: 0,
    documentation: "How long the file of a deleted segment stays.",
  }),
  dynamic({
    name: "log.flush.interval.messages",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation:
      "After how many records a log is flushed to the disk, before the last of them is " +
      "acknowledged. 1: before each acknowledgement.",
  }),
  dynamic({
    name: "log.flush.interval.ms",
    type: "long",
    default: null,
    min: 0,
    documentation: "After how long records are flushed to the disk, in the background. " +
      "log.flush.scheduler.interval.ms where it is not set.",
  }),
  fixed({
    name: "log.flush.scheduler.interval.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "How often the broker looks for records that are to be flushed for their age. " +
      "Unless set, it flushes each when its time has come.",
  }),
  fixed({
    name: "log.flush.offset.checkpoint.interval.ms",
    type: "int",
    default: "60000",
    min: 0,
    documentation:
      "How often it is written down up to where each log is on the disk: from there on " +
      "a log is checked after a crash. Also after each segment, and when the broker ends.",
  }),
  dynamic({
    name: "log.index.interval.bytes",
    type: "int",
    default: "4096",
    min: 0,
    documentation: "How many bytes of a log lie between two entries of its index.",
  }),
  dynamic({
    name: "log.message.timestamp.type",
    type: "string",
    default: "CreateTime",
    oneOf: ["CreateTime", "LogAppendTime"],
    documentation: "Whose clock stamps records: the producer's or the broker's.",
  }),
  dynamic({
    name: "log.message.timestamp.before.max.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "How far behind the broker's clock a record's timestamp may be.",
  }),
  dynamic({
    name: "log.message.timestamp.after.max.ms",
    type: "long",
    default: "3600000",
    min: 0,
    documentation: "How far ahead of the broker's clock a record's timestamp may be.",
  }),
  dynamic({
    name: "log.cleanup.policy",
    type: "list",
    default: "delete",
    oneOf: ["compact", "delete"],
    documentation:
      'What becomes of old records: "delete" removes them by time and size, "compact" keeps the ' +
      "last of each key, an empty value keeps all.",
  }),
  dynamic({
    name: "compression.type",
    type: "string",
    default: "producer",
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    documentation:
      'How batches are compressed on disk. "producer": as they were sent. Anything else costs the ' +
      "broker the time to compress again what was sent otherwise.",
  }),
  dynamic({
    name: "compression.gzip.level",
    type: "int",
    default: "-1",
    min: -1,
    max: 9,
    refuse: (text) => Number(text) === 0 ? "it must be from 1 to 9, or -1" : null,
    documentation: "How hard the broker compresses with gzip, -1 for zlib's default.",
  }),
  dynamic({
    name: "compression.lz4.level",
    type: "int",
    default: "9",
    min: 1,
    max: 17,
    documentation: "How hard the broker compresses with lz4.",
  }),
  dynamic({
    name: "compression.zstd.level",
    type: "int",
    default: "3",
    min: -131_072,
    max: 22,
    documentation:
      "How hard the broker compresses with zstd, where the runtime has a zstd of its own.",
  }),
];

/** Keys about compaction. */
export const CLEANER_KEYS: readonly ConfigDefinition[] = [
  fixed({
    name: "log.cleaner.enable",
    type: "boolean",
    default: "true",
    documentation: "Whether logs whose cleanup.policy has compact are compacted.",
  }),
  dynamic({
    name: "log.cleaner.backoff.ms",
    type: "long",
    default: "15000",
    min: 0,
    documentation: "How long the cleaner waits when there was nothing to compact.",
  }),
  dynamic({
    name: "log.cleaner.dedupe.buffer.size",
    type: "long",
    default: "134217728",
    min: 24,
    documentation:
      "The most memory that compaction takes for the keys of a log, 24 bytes each. Keys that do " +
      "not fit are left for another pass.",
  }),
  dynamic({
    name: "log.cleaner.io.buffer.size",
    type: "int",
    default: "524288",
    min: 0,
    documentation: "How much compaction reads of a log at a time, in bytes.",
  }),
  dynamic({
    name: "log.cleaner.io.buffer.load.factor",
    type: "double",
    default: "0.9",
    documentation: "How full the memory for keys may become, as a part of 1.",
  }),
  dynamic({
    name: "log.cleaner.io.max.bytes.per.second",
    type: "double",
    default: "1.7976931348623157E308",
    documentation: "How many bytes a second compaction reads and writes together at most.",
  }),
  dynamic({
    name: "log.cleaner.min.cleanable.ratio",
    type: "double",
    default: "0.5",
    min: 0,
    max: 1,
    documentation: "Which part of a log must be new before it is compacted again.",
  }),
  dynamic({
    name: "log.cleaner.delete.retention.ms",
    type: "long",
    default: "86400000",
    min: 0,
    documentation: "How long a compacted log keeps the marks of deleted keys.",
  }),
  dynamic({
    name: "log.cleaner.min.compaction.lag.ms",
    type: "long",
    default: "0",
    min: 0,
    documentation: "How long a record stays before compaction may remove it.",
  }),
  dynamic({
    name: "log.cleaner.max.compaction.lag.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation: "How long a record may wait for compaction.",
  }),
];
