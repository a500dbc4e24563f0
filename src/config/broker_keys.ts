/**
 * The broker's configuration keys. Those declared here and in `log_keys.ts` have an effect;
 * `single_value_keys.ts` declares those that accept only the value already in force. Of Apache Kafka's other
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
  splitList,
} from "./definition.ts";
import { rejectConnectionLimits } from "./connection_limits.ts";
import { rejectSecurityProtocolMap } from "./listener_settings.ts";
import { rejectAdvertisedListeners, rejectListeners } from "./listeners.ts";
import { CLEANER_KEYS, LOG_KEYS } from "./log_keys.ts";
import { rejectVoters } from "./quorum.ts";
import { SINGLE_VALUE_KEYS } from "./single_value_keys.ts";

function rejectDirectories(text: string): string | null {
  const directories = splitList(text);
  if (directories.length === 0) return "name at least one directory";
  return directories.includes("") ? "a directory's name is empty" : null;
}

const node: readonly ConfigDefinition[] = [
  fixed({
    name: "node.id",
    type: "int",
    default: "1",
    min: 0,
    documentation: "Id of this node in its cluster.",
  }),
  fixed({
    name: "broker.id",
    type: "int",
    default: null,
    min: 0,
    documentation: "Older name of node.id.",
  }),
  fixed({
    name: "broker.rack",
    type: "string",
    default: null,
    documentation: "Rack or zone of this node. Clients read it in the cluster's metadata.",
  }),
  fixed({
    name: "controller.quorum.voters",
    type: "list",
    default: null,
    reject: rejectVoters,
    documentation: "Controllers of the quorum, as id@host:port. Only this node may be listed.",
  }),
  fixed({
    name: "log.dirs",
    type: "list",
    default: "data",
    reject: rejectDirectories,
    documentation:
      "Data directories, separated by commas. The first holds the metadata log unless " +
      "metadata.log.dir is set.",
  }),
  fixed({
    name: "log.dir",
    type: "list",
    default: null,
    reject: rejectDirectories,
    documentation: "Data directories, used if log.dirs is not set.",
  }),
  fixed({
    name: "metadata.log.dir",
    type: "string",
    default: null,
    documentation: "Which of log.dirs holds the metadata log. Defaults to the first.",
  }),
  fixed({
    name: "listeners",
    type: "list",
    default: "PLAINTEXT://127.0.0.1:9092",
    reject: rejectListeners,
    documentation:
      "Addresses to listen on, as NAME://host:port. Port 0 selects any free port; an empty host " +
      "means every address.",
  }),
  fixed({
    name: "advertised.listeners",
    type: "list",
    default: null,
    reject: rejectAdvertisedListeners,
    documentation:
      "Addresses that clients connect to, as NAME://host:port, for listeners where it differs " +
      "from the address listened on.",
  }),
  fixed({
    name: "listener.security.protocol.map",
    type: "string",
    default: null,
    reject: rejectSecurityProtocolMap,
    documentation:
      "Security protocol of each listener, as NAME:PROTOCOL separated by commas. If unset, a " +
      "listener named like a protocol uses that protocol.",
  }),
  fixed({
    name: "controller.listener.names",
    type: "list",
    default: null,
    documentation:
      "Listeners reserved for controllers. A node that is its own controller does not open them.",
  }),
];

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
  "Node and listeners": node,
  "New topics": topics,
  "Limits": limits,
  "Logs": LOG_KEYS,
  "Compaction": CLEANER_KEYS,
  "Consumer groups": groups,
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
