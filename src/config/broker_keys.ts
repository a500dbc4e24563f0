/**
 * The broker's configuration keys. Those in this file have an effect; `settled_keys.ts` has those that
 * take the one value that is in force anyway. Of Apache Kafka's other keys, `idle_keys.ts` has those
 * that are accepted with a notice, and `foreign_keys.ts` says why the rest is refused.
 * Which of them can be changed while the broker runs is as in Apache Kafka.
 *
 * @module
 */
import { type ConfigDefinition, MAX_INT, MAX_LONG_TEXT, splitList } from "./definition.ts";
import { refuseConnectionLimits } from "./connection_limits.ts";
import { refuseSecurityProtocolMap } from "./listener_settings.ts";
import { refuseAdvertisedListeners, refuseListeners } from "./listeners.ts";
import { refuseVoters } from "./quorum.ts";
import { SETTLED_KEYS } from "./settled_keys.ts";

const NOT_ZERO = (text: string) =>
  Number(text) === 0 ? "it must be at least 1, or -1 for no limit" : null;

function refuseDirectories(text: string): string | null {
  const directories = splitList(text);
  if (directories.length === 0) return "name a directory";
  return directories.includes("") ? "a directory's name is empty" : null;
}

/** A key that is fixed while the broker runs. */
function fixed(definition: Omit<ConfigDefinition, "dynamic">): ConfigDefinition {
  return { ...definition, dynamic: false };
}

/** A key that can be changed while the broker runs. */
function dynamic(definition: Omit<ConfigDefinition, "dynamic">): ConfigDefinition {
  return { ...definition, dynamic: true };
}

const node: readonly ConfigDefinition[] = [
  fixed({
    name: "node.id",
    type: "int",
    default: "1",
    min: 0,
    documentation: "The number of this node in its cluster.",
  }),
  fixed({
    name: "broker.id",
    type: "int",
    default: null,
    min: 0,
    documentation: "The older name of node.id.",
  }),
  fixed({
    name: "broker.rack",
    type: "string",
    default: null,
    documentation: "Where this node stands. Clients learn it from the cluster's metadata.",
  }),
  fixed({
    name: "controller.quorum.voters",
    type: "list",
    default: null,
    refuse: refuseVoters,
    documentation: "The controllers, as id@host:port: this node and no other.",
  }),
  fixed({
    name: "log.dirs",
    type: "list",
    default: "data",
    refuse: refuseDirectories,
    documentation: "The directories in which the node keeps everything, with commas between them.",
  }),
  fixed({
    name: "log.dir",
    type: "list",
    default: null,
    refuse: refuseDirectories,
    documentation: "The directories in which the node keeps everything, where log.dirs is not set.",
  }),
  fixed({
    name: "metadata.log.dir",
    type: "string",
    default: null,
    documentation: "The one of log.dirs that holds the metadata log: the first, unless set.",
  }),
  fixed({
    name: "listeners",
    type: "list",
    default: "PLAINTEXT://127.0.0.1:9092",
    refuse: refuseListeners,
    documentation:
      "The addresses and ports to listen on. Port 0 takes any free one, an empty host " +
      "every address.",
  }),
  fixed({
    name: "advertised.listeners",
    type: "list",
    default: null,
    refuse: refuseAdvertisedListeners,
    documentation: "The addresses and ports that clients connect to, by the name of a listener, " +
      "where they are not those listened on.",
  }),
  fixed({
    name: "listener.security.protocol.map",
    type: "string",
    default: null,
    refuse: refuseSecurityProtocolMap,
    documentation:
      "The security protocol of each listener, as NAME:PROTOCOL with commas between. " +
      "Unset: a listener with the name of a protocol has that one.",
  }),
  fixed({
    name: "controller.listener.names",
    type: "list",
    default: null,
    documentation:
      "The listeners that are for controllers. A node that is its own controller does " +
      "not open them.",
  }),
];

const topics: readonly ConfigDefinition[] = [
  fixed({
    name: "num.partitions",
    type: "int",
    default: "1",
    min: 1,
    documentation: "How many partitions a topic gets when its creator does not say.",
  }),
  fixed({
    name: "default.replication.factor",
    type: "int",
    default: "1",
    min: 1,
    max: 32_767,
    needs: "more than one node",
    documentation: "How many replicas a partition gets when its creator does not say.",
  }),
  fixed({
    name: "auto.create.topics.enable",
    type: "boolean",
    default: "true",
    documentation: "Whether a topic is created when a client first asks for it.",
  }),
  fixed({
    name: "delete.topic.enable",
    type: "boolean",
    default: "true",
    documentation: "Whether topics can be deleted.",
  }),
  dynamic({
    name: "min.insync.replicas",
    type: "int",
    default: "1",
    min: 1,
    documentation: "How many replicas must be in sync for a write with acks=all to be accepted.",
  }),
];

const limits: readonly ConfigDefinition[] = [
  dynamic({
    name: "message.max.bytes",
    type: "int",
    default: "1048588",
    min: 0,
    documentation: "The largest record batch accepted, in bytes, as it arrives.",
  }),
  fixed({
    name: "socket.request.max.bytes",
    type: "int",
    default: "104857600",
    min: 1,
    documentation: "The largest request accepted, in bytes. A larger one closes its connection.",
  }),
  fixed({
    name: "fetch.max.bytes",
    type: "int",
    default: "57671680",
    min: 1_024,
    documentation: "The most record bytes in the answer to a fetch. A larger single batch still " +
      "goes out, alone.",
  }),
  dynamic({
    name: "max.connections",
    type: "int",
    default: String(MAX_INT),
    min: 0,
    documentation: "How many connections the broker keeps open. Further ones are closed at once.",
  }),
  dynamic({
    name: "max.connections.per.ip",
    type: "int",
    default: String(MAX_INT),
    min: 0,
    documentation: "How many connections one address may have open.",
  }),
  dynamic({
    name: "max.connections.per.ip.overrides",
    type: "string",
    default: "",
    refuse: refuseConnectionLimits,
    documentation: "How many connections single addresses may have open, as address:number with " +
      "commas between, in the place of max.connections.per.ip.",
  }),
  fixed({
    name: "connections.max.idle.ms",
    type: "long",
    default: "600000",
    documentation: "A connection without a request for so long is closed. Negative: never.",
  }),
  fixed({
    name: "max.incremental.fetch.session.cache.slots",
    type: "int",
    default: "1000",
    min: 0,
    documentation: "How many fetch sessions are kept. Fetches beyond them go without a session.",
  }),
  fixed({
    name: "max.request.partition.size.limit",
    type: "int",
    default: "2000",
    min: 1,
    documentation: "The most partitions in one answer of DescribeTopicPartitions.",
  }),
  dynamic({
    name: "producer.id.expiration.ms",
    type: "int",
    default: "86400000",
    min: 1,
    documentation: "An idempotent producer that is silent for so long is forgotten.",
  }),
];

const log: readonly ConfigDefinition[] = [
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

const cleaner: readonly ConfigDefinition[] = [
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

const groups: readonly ConfigDefinition[] = [
  fixed({
    name: "group.min.session.timeout.ms",
    type: "int",
    default: "6000",
    min: 0,
    documentation: "The shortest session timeout that a member of a group may ask for.",
  }),
  fixed({
    name: "group.max.session.timeout.ms",
    type: "int",
    default: "1800000",
    min: 0,
    documentation: "The longest session timeout that a member of a group may ask for.",
  }),
  fixed({
    name: "group.initial.rebalance.delay.ms",
    type: "int",
    default: "3000",
    min: 0,
    documentation: "How long a new group waits for more members before its first rebalance.",
  }),
  fixed({
    name: "group.max.size",
    type: "int",
    default: String(MAX_INT),
    min: 1,
    documentation: "How many members a group may have.",
  }),
  fixed({
    name: "offset.metadata.max.bytes",
    type: "int",
    default: "4096",
    min: 0,
    documentation: "The longest text that may be stored beside a committed offset, in bytes.",
  }),
];

/** Every broker key by its name. */
export const BROKER_KEYS: ReadonlyMap<string, ConfigDefinition> = new Map(
  [...node, ...topics, ...limits, ...log, ...cleaner, ...groups, ...SETTLED_KEYS]
    .map((key) => [key.name, key]),
);

/**
 * Keys that say the same, in other units or under an older name, by the one that goes first: the first
 * that has a value is in force.
 */
export const BROKER_KEY_FAMILIES: ReadonlyMap<string, readonly string[]> = new Map([
  ["log.roll.ms", ["log.roll.ms", "log.roll.hours"]],
  ["log.roll.jitter.ms", ["log.roll.jitter.ms", "log.roll.jitter.hours"]],
  ["log.retention.ms", ["log.retention.ms", "log.retention.minutes", "log.retention.hours"]],
  ["log.flush.interval.ms", ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]],
  ["log.dirs", ["log.dirs", "log.dir"]],
  ["node.id", ["node.id", "broker.id"]],
]);
