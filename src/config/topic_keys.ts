/**
 * The 33 configuration keys of a topic in Apache Kafka 4.4. All can be read; those that need an
 * unsupported feature name it in `needs`, and accept only the value in force.
 *
 * @module
 */
import { type ConfigDefinition, MAX_INT, MAX_LONG_TEXT } from "./definition.ts";

/** A topic's key, and the broker key that gives its default. */
export interface TopicKey extends ConfigDefinition {
  readonly default: string;
  /** The broker key whose value is this key's default, if there is one. */
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
    documentation: "Maximum size of a log segment, in bytes.",
  }),
  key({
    name: "segment.ms",
    brokerKey: "log.roll.ms",
    type: "long",
    default: "604800000",
    min: 1,
    documentation: "Age of its first record at which a segment is closed.",
  }),
  key({
    name: "segment.jitter.ms",
    brokerKey: "log.roll.jitter.ms",
    type: "long",
    default: "0",
    min: 0,
    documentation: "Maximum random time subtracted from segment.ms, chosen per segment.",
  }),
  key({
    name: "segment.index.bytes",
    type: "int",
    default: "10485760",
    min: 4,
    needs: "index files of limited size",
    documentation: "Size of an index file. Indexes are kept in memory and grow as needed.",
  }),
  key({
    name: "index.interval.bytes",
    brokerKey: "log.index.interval.bytes",
    type: "int",
    default: "4096",
    min: 0,
    documentation: "Bytes of the log between two entries of its offset index.",
  }),
  key({
    name: "preallocate",
    type: "boolean",
    default: "false",
    needs: "preallocated segment files",
    documentation: "Whether a new segment file is allocated at its full size.",
  }),
  key({
    name: "flush.messages",
    brokerKey: "log.flush.interval.messages",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation:
      "Number of unflushed records at which a log is flushed to disk before the last of them is " +
      "acknowledged. 1 flushes before every acknowledgement.",
  }),
  key({
    name: "flush.ms",
    brokerKey: "log.flush.interval.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "Maximum time records remain unflushed; the flush runs in the background.",
  }),
  key({
    name: "file.delete.delay.ms",
    brokerKey: "log.segment.delete.delay.ms",
    type: "long",
    default: "60000",
    min: 0,
    documentation: "Delay between the deletion of a segment and the removal of its file.",
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
      'What happens to old records: "delete" removes them by age and size, "compact" keeps the ' +
      "last record of each key; both may be given, and an empty value keeps everything.",
  }),
  key({
    name: "retention.ms",
    brokerKey: "log.retention.ms",
    type: "long",
    default: "604800000",
    min: -1,
    documentation: "Age at which records may be deleted. -1: never.",
  }),
  key({
    name: "retention.bytes",
    brokerKey: "log.retention.bytes",
    type: "long",
    default: "-1",
    documentation:
      "Maximum size of a partition before its oldest segments are deleted. -1: no limit.",
  }),
  key({
    name: "delete.retention.ms",
    brokerKey: "log.cleaner.delete.retention.ms",
    type: "long",
    default: "86400000",
    min: 0,
    documentation: "Time a compacted log keeps tombstones (records that delete a key).",
  }),
  key({
    name: "min.compaction.lag.ms",
    brokerKey: "log.cleaner.min.compaction.lag.ms",
    type: "long",
    default: "0",
    min: 0,
    documentation: "Minimum age at which compaction may remove a record.",
  }),
  key({
    name: "max.compaction.lag.ms",
    brokerKey: "log.cleaner.max.compaction.lag.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 1,
    documentation: "Maximum time a record may remain uncompacted.",
  }),
  key({
    name: "min.cleanable.dirty.ratio",
    brokerKey: "log.cleaner.min.cleanable.ratio",
    type: "double",
    default: "0.5",
    min: 0,
    max: 1,
    documentation: "Minimum share of a log that must be uncompacted before it is compacted again.",
  }),
];

const records: readonly TopicKey[] = [
  key({
    name: "max.message.bytes",
    brokerKey: "message.max.bytes",
    type: "int",
    default: "1048588",
    min: 0,
    documentation: "Largest record batch accepted, in bytes, as received (compressed).",
  }),
  key({
    name: "message.timestamp.type",
    brokerKey: "log.message.timestamp.type",
    type: "string",
    default: "CreateTime",
    oneOf: ["CreateTime", "LogAppendTime"],
    documentation: "Source of record timestamps: the producer (CreateTime) or the broker's clock " +
      "(LogAppendTime).",
  }),
  key({
    name: "message.timestamp.before.max.ms",
    brokerKey: "log.message.timestamp.before.max.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "How far a record's timestamp may be behind the broker's clock.",
  }),
  key({
    name: "message.timestamp.after.max.ms",
    brokerKey: "log.message.timestamp.after.max.ms",
    type: "long",
    default: "3600000",
    min: 0,
    documentation: "How far a record's timestamp may be ahead of the broker's clock.",
  }),
  key({
    name: "compression.type",
    brokerKey: "compression.type",
    type: "string",
    default: "producer",
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    documentation:
      'Compression of batches on disk. "producer" keeps that of the producer; any other value makes ' +
      "the broker recompress batches that arrive differently.",
  }),
  key({
    name: "compression.gzip.level",
    brokerKey: "compression.gzip.level",
    type: "int",
    default: "-1",
    min: -1,
    max: 9,
    reject: (text) => Number(text) === 0 ? "it must be from 1 to 9, or -1" : null,
    documentation: "Level at which the broker compresses with gzip; -1 is zlib's default.",
  }),
  key({
    name: "compression.lz4.level",
    brokerKey: "compression.lz4.level",
    type: "int",
    default: "9",
    min: 1,
    max: 17,
    documentation: "Level at which the broker compresses with lz4.",
  }),
  key({
    name: "compression.zstd.level",
    brokerKey: "compression.zstd.level",
    type: "int",
    default: "3",
    min: -131_072,
    max: 22,
    documentation: "Level at which the broker compresses with zstd.",
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
    documentation:
      "Number of replicas that must be in sync for a write with acks=all to be accepted.",
  }),
  key({
    name: "unclean.leader.election.enable",
    type: "boolean",
    default: "false",
    needs: REPLICATION,
    documentation:
      "Whether a replica that is not in sync may become leader, at the cost of lost records.",
  }),
  key({
    name: "leader.replication.throttled.replicas",
    type: "list",
    default: "",
    needs: REPLICATION,
    documentation: "Partition:broker pairs whose leader sends at a limited rate.",
  }),
  key({
    name: "follower.replication.throttled.replicas",
    type: "list",
    default: "",
    needs: REPLICATION,
    documentation: "Partition:broker pairs whose follower fetches at a limited rate.",
  }),
];

const remote: readonly TopicKey[] = [
  key({
    name: "remote.storage.enable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether closed segments are moved to remote storage.",
  }),
  key({
    name: "remote.log.copy.disable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether copying further segments to remote storage is disabled.",
  }),
  key({
    name: "remote.log.delete.on.disable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether segments in remote storage are deleted when it is disabled.",
  }),
  key({
    name: "local.retention.ms",
    type: "long",
    default: "-2",
    min: -2,
    needs: REMOTE,
    documentation:
      "Age at which records that are in remote storage may be deleted locally. -2: as " +
      "retention.ms.",
  }),
  key({
    name: "local.retention.bytes",
    type: "long",
    default: "-2",
    min: -2,
    needs: REMOTE,
    documentation:
      "Maximum local size of a partition whose segments are in remote storage. -2: as " +
      "retention.bytes.",
  }),
];

/** Every topic key by name, in alphabetical order. */
export const TOPIC_KEYS: ReadonlyMap<string, TopicKey> = new Map(
  [...segments, ...retention, ...records, ...replication, ...remote]
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .map((entry) => [entry.name, entry]),
);
