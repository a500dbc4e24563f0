/**
 * The 33 configuration keys of a topic, as Apache Kafka 4.4 has them. All can be read; those that
 * need something Millrace does not have yet say so in `needs`, and take no other value than the one
 * in force.
 *
 * @module
 */
import { type ConfigDefinition, MAX_INT, MAX_LONG_TEXT } from "./definition.ts";

/** A topic's key, and the broker key that gives its default. */
export interface TopicKey extends ConfigDefinition {
  readonly default: string;
  /** The broker key whose value is this one's default, where there is one. */
  readonly brokerKey?: string;
}

const REMOTE = "remote storage";
const REPLICATION = "replication";

function key(definition: Omit<TopicKey, "dynamic">): TopicKey {
  return { ...definition, dynamic: true };
}

const segments: readonly TopicKey[] = [
  key({
    name: "segment.bytes",
    brokerKey: "log.segment.bytes",
    type: "int",
    default: "1073741824",
    min: 1_048_576,
    documentation: "A segment of the log is closed before it grows beyond this.",
  }),
  key({
    name: "segment.ms",
    brokerKey: "log.roll.ms",
    type: "long",
    default: "604800000",
    min: 1,
    documentation: "A segment is closed when its first record is older.",
  }),
  key({
    name: "segment.jitter.ms",
    brokerKey: "log.roll.jitter.ms",
    type: "long",
    default: "0",
    min: 0,
    documentation: "Up to so much is taken off segment.ms, another amount for each segment.",
  }),
  key({
    name: "segment.index.bytes",
    type: "int",
    default: "10485760",
    min: 4,
    needs: "index files of a limited size",
    documentation: "The size of an index file. The indexes here are in memory and grow as needed.",
  }),
  key({
    name: "index.interval.bytes",
    brokerKey: "log.index.interval.bytes",
    type: "int",
    default: "4096",
    min: 0,
    documentation: "How many bytes of the log lie between two entries of its index.",
  }),
  key({
    name: "preallocate",
    type: "boolean",
    default: "false",
    needs: "preallocated segment files",
    documentation: "Whether a new segment's file gets its full size at once.",
  }),
  key({
    name: "flush.messages",
    brokerKey: "log.flush.interval.messages",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation:
      "After how many records the log is flushed to the disk, before the last of them is " +
      "acknowledged. 1: before each acknowledgement.",
  }),
  key({
    name: "flush.ms",
    brokerKey: "log.flush.interval.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "After how long records are flushed to the disk, in the background.",
  }),
  key({
    name: "file.delete.delay.ms",
    brokerKey: "log.segment.delete.delay.ms",
    type: "long",
    default: "60000",
    min: 0,
    documentation: "How long the file of a deleted segment stays.",
  }),
];

const retention: readonly TopicKey[] = [
  key({
    name: "cleanup.policy",
    brokerKey: "log.cleanup.policy",
    type: "list",
    default: "delete",
    oneOf: ["compact", "delete"],
    documentation:
      'What becomes of old records: "delete" removes them by time and size, "compact" keeps the ' +
      "last of each key, an empty value keeps all.",
  }),
  key({
    name: "retention.ms",
    brokerKey: "log.retention.ms",
    type: "long",
    default: "604800000",
    min: -1,
    documentation: "Records older than this may go. -1: never.",
  }),
  key({
    name: "retention.bytes",
    brokerKey: "log.retention.bytes",
    type: "long",
    default: "-1",
    documentation: "The oldest records of a partition may go while more than this stays. -1: no " +
      "limit.",
  }),
  key({
    name: "delete.retention.ms",
    brokerKey: "log.cleaner.delete.retention.ms",
    type: "long",
    default: "86400000",
    min: 0,
    documentation: "How long a compacted log keeps the marks of deleted keys.",
  }),
  key({
    name: "min.compaction.lag.ms",
    brokerKey: "log.cleaner.min.compaction.lag.ms",
    type: "long",
    default: "0",
    min: 0,
    documentation: "How long a record stays before compaction may remove it.",
  }),
  key({
    name: "max.compaction.lag.ms",
    brokerKey: "log.cleaner.max.compaction.lag.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation: "How long a record may wait for compaction.",
  }),
  key({
    name: "min.cleanable.dirty.ratio",
    brokerKey: "log.cleaner.min.cleanable.ratio",
    type: "double",
    default: "0.5",
    min: 0,
    max: 1,
    documentation: "Which part of a log must be new before it is compacted again.",
  }),
];

const records: readonly TopicKey[] = [
  key({
    name: "max.message.bytes",
    brokerKey: "message.max.bytes",
    type: "int",
    default: "1048588",
    min: 0,
    documentation: "The largest record batch accepted, in bytes, as it arrives.",
  }),
  key({
    name: "message.timestamp.type",
    brokerKey: "log.message.timestamp.type",
    type: "string",
    default: "CreateTime",
    oneOf: ["CreateTime", "LogAppendTime"],
    documentation: "Whose clock stamps records: the producer's or the broker's.",
  }),
  key({
    name: "message.timestamp.before.max.ms",
    brokerKey: "log.message.timestamp.before.max.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "How far behind the broker's clock a record's timestamp may be.",
  }),
  key({
    name: "message.timestamp.after.max.ms",
    brokerKey: "log.message.timestamp.after.max.ms",
    type: "long",
    default: "3600000",
    min: 0,
    documentation: "How far ahead of the broker's clock a record's timestamp may be.",
  }),
  key({
    name: "compression.type",
    brokerKey: "compression.type",
    type: "string",
    default: "producer",
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    documentation:
      'How batches are compressed on disk. "producer": as they were sent. Anything else costs the ' +
      "broker the time to compress again what was sent otherwise.",
  }),
  key({
    name: "compression.gzip.level",
    brokerKey: "compression.gzip.level",
    type: "int",
    default: "-1",
    min: -1,
    max: 9,
    refuse: (text) => Number(text) === 0 ? "it must be from 1 to 9, or -1" : null,
    documentation: "How hard the broker compresses with gzip.",
  }),
  key({
    name: "compression.lz4.level",
    brokerKey: "compression.lz4.level",
    type: "int",
    default: "9",
    min: 1,
    max: 17,
    documentation: "How hard the broker compresses with lz4.",
  }),
  key({
    name: "compression.zstd.level",
    brokerKey: "compression.zstd.level",
    type: "int",
    default: "3",
    min: -131_072,
    max: 22,
    documentation: "How hard the broker compresses with zstd.",
  }),
];

const replication: readonly TopicKey[] = [
  key({
    name: "min.insync.replicas",
    brokerKey: "min.insync.replicas",
    type: "int",
    default: "1",
    min: 1,
    max: MAX_INT,
    documentation: "How many replicas must be in sync for a write with acks=all to be accepted.",
  }),
  key({
    name: "unclean.leader.election.enable",
    type: "boolean",
    default: "false",
    needs: REPLICATION,
    documentation: "Whether a replica that is behind may become leader, losing records.",
  }),
  key({
    name: "leader.replication.throttled.replicas",
    type: "list",
    default: "",
    needs: REPLICATION,
    documentation: "The partition:broker pairs whose leader sends at a limited rate.",
  }),
  key({
    name: "follower.replication.throttled.replicas",
    type: "list",
    default: "",
    needs: REPLICATION,
    documentation: "The partition:broker pairs that follow at a limited rate.",
  }),
];

const remote: readonly TopicKey[] = [
  key({
    name: "remote.storage.enable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether closed segments move to remote storage.",
  }),
  key({
    name: "remote.log.copy.disable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether no further segments move to remote storage.",
  }),
  key({
    name: "remote.log.delete.on.disable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether what is in remote storage goes when it is switched off.",
  }),
  key({
    name: "local.retention.ms",
    type: "long",
    default: "-2",
    min: -2,
    needs: REMOTE,
    documentation: "How long records stay here once they are in remote storage. -2: retention.ms.",
  }),
  key({
    name: "local.retention.bytes",
    type: "long",
    default: "-2",
    min: -2,
    needs: REMOTE,
    documentation: "How much stays here of what is in remote storage. -2: retention.bytes.",
  }),
];

/** Every topic key by its name, in the order of the alphabet. */
export const TOPIC_KEYS: ReadonlyMap<string, TopicKey> = new Map(
  [...segments, ...retention, ...records, ...replication, ...remote]
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .map((entry) => [entry.name, entry]),
);
