/**
 * The broker's configuration keys. Those declared here and in `node_keys.ts`, `cluster_keys.ts` and
 * `log_keys.ts` have an effect, except those that `unused_keys.ts` lists as pending; `single_value_keys.ts` declares those that accept only the value already in force. Of Apache Kafka's other
 * keys, `unused_keys.ts` declares those that are accepted with a notice, and `rejected_keys.ts` gives the
 * reason why the rest are rejected. Which keys can be changed while the broker runs is as in Apache
 * Kafka.
 *
 * @module
 */
import {
  type ConfigDefinition,
  dynamicKey as dynamic,
  fixedKey as fixed,
  MAX_INT,
} from "./definition.ts";
import { rejectConnectionLimits } from "./connection_limits.ts";
import { BROKER_LIFECYCLE_KEYS, METADATA_LOG_KEYS, QUORUM_KEYS } from "./cluster_keys.ts";
import { CLEANER_KEYS, LOG_KEYS } from "./log_keys.ts";
import { NODE_KEYS } from "./node_keys.ts";
import { SINGLE_VALUE_KEYS } from "./single_value_keys.ts";

const topics: readonly ConfigDefinition[] = [
  fixed({
    name: "num.partitions",
    type: "int",
    default: "1",
    min: 1,
    documentation: "Number of partitions of a new topic whose creator does not specify it.",
  }),
  fixed({
    name: "default.replication.factor",
    type: "int",
    default: "1",
    min: 1,
    max: 32_767,
    needs: "more than one node",
    documentation: "Number of replicas of a new topic whose creator does not specify it.",
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
    documentation:
      "Number of replicas that must be in sync for a write with acks=all to be accepted.",
  }),
];

const limits: readonly ConfigDefinition[] = [
  dynamic({
    name: "message.max.bytes",
    type: "int",
    default: "1048588",
    min: 0,
    documentation: "Largest record batch accepted, in bytes, as received (compressed).",
  }),
  fixed({
    name: "socket.request.max.bytes",
    type: "int",
    default: "104857600",
    min: 1,
    documentation: "Largest request accepted, in bytes. A larger request closes its connection.",
  }),
  fixed({
    name: "fetch.max.bytes",
    type: "int",
    default: "57671680",
    min: 1_024,
    documentation:
      "Maximum bytes of records in a fetch response. A larger first batch is still returned, " +
      "alone.",
  }),
  dynamic({
    name: "max.connections",
    type: "int",
    default: String(MAX_INT),
    min: 0,
    documentation: "Maximum number of open connections. Further ones are closed at once.",
  }),
  dynamic({
    name: "max.connections.per.ip",
    type: "int",
    default: String(MAX_INT),
    min: 0,
    documentation: "Maximum number of open connections per client address.",
  }),
  dynamic({
    name: "max.connections.per.ip.overrides",
    type: "string",
    default: "",
    reject: rejectConnectionLimits,
    documentation:
      "Limits for single addresses that replace max.connections.per.ip, as address:number " +
      "separated by commas.",
  }),
  fixed({
    name: "connections.max.idle.ms",
    type: "long",
    default: "600000",
    documentation: "Idle time after which a connection is closed. Negative: never.",
  }),
  fixed({
    name: "max.incremental.fetch.session.cache.slots",
    type: "int",
    default: "1000",
    min: 0,
    documentation:
      "Maximum number of incremental fetch sessions. Further fetches work without a session.",
  }),
  fixed({
    name: "max.request.partition.size.limit",
    type: "int",
    default: "2000",
    min: 1,
    documentation: "Maximum number of partitions in one DescribeTopicPartitions response.",
  }),
  dynamic({
    name: "producer.id.expiration.ms",
    type: "int",
    default: "86400000",
    min: 1,
    documentation: "Time without a record after which an idempotent producer's state expires.",
  }),
];

const groups: readonly ConfigDefinition[] = [
  fixed({
    name: "group.min.session.timeout.ms",
    type: "int",
    default: "6000",
    min: 0,
    documentation: "Shortest session timeout that a group member may request.",
  }),
  fixed({
    name: "group.max.session.timeout.ms",
    type: "int",
    default: "1800000",
    min: 0,
    documentation: "Longest session timeout that a group member may request.",
  }),
  fixed({
    name: "group.initial.rebalance.delay.ms",
    type: "int",
    default: "3000",
    min: 0,
    documentation:
      "Time a new group waits for further members before its first rebalance. startCluster() " +
      "and the start command default to 0.",
  }),
  fixed({
    name: "group.max.size",
    type: "int",
    default: String(MAX_INT),
    min: 1,
    documentation: "Maximum number of members of a group.",
  }),
  fixed({
    name: "offset.metadata.max.bytes",
    type: "int",
    default: "4096",
    min: 0,
    documentation: "Maximum length of the metadata stored with a committed offset, in bytes.",
  }),
];

/** The keys that have an effect, by subject. */
export const BROKER_KEY_GROUPS: Readonly<Record<string, readonly ConfigDefinition[]>> = {
  "Node and listeners": NODE_KEYS,
  "New topics": topics,
  "Limits": limits,
  "Logs": LOG_KEYS,
  "Compaction": CLEANER_KEYS,
  "Consumer groups": groups,
  "Controller quorum": QUORUM_KEYS,
  "Brokers in the cluster": BROKER_LIFECYCLE_KEYS,
  "Metadata log": METADATA_LOG_KEYS,
};

/** Every broker key, by name. */
export const BROKER_KEYS: ReadonlyMap<string, ConfigDefinition> = new Map(
  [...Object.values(BROKER_KEY_GROUPS).flat(), ...SINGLE_VALUE_KEYS].map((key) => [key.name, key]),
);

/**
 * Keys with the same meaning, in other units or under an older name, by the key with the highest
 * precedence: the first that has a value is in force.
 */
export const BROKER_KEY_FAMILIES: ReadonlyMap<string, readonly string[]> = new Map([
  ["log.roll.ms", ["log.roll.ms", "log.roll.hours"]],
  ["log.roll.jitter.ms", ["log.roll.jitter.ms", "log.roll.jitter.hours"]],
  ["log.retention.ms", ["log.retention.ms", "log.retention.minutes", "log.retention.hours"]],
  ["log.flush.interval.ms", ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]],
  ["log.dirs", ["log.dirs", "log.dir"]],
  ["node.id", ["node.id", "broker.id"]],
]);
