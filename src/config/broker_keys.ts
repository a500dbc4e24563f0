/**
 * The broker's configuration keys. Those in this file have an effect; `settled_keys.ts` has those that
 * take the one value that is in force anyway. Of Apache Kafka's other keys, `idle_keys.ts` has those
 * that are accepted with a notice, and `foreign_keys.ts` says why the rest is refused.
 * Which of them can be changed while the broker runs is as in Apache Kafka.
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
import { refuseConnectionLimits } from "./connection_limits.ts";
import { refuseSecurityProtocolMap } from "./listener_settings.ts";
import { refuseAdvertisedListeners, refuseListeners } from "./listeners.ts";
import { CLEANER_KEYS, LOG_KEYS } from "./log_keys.ts";
import { refuseVoters } from "./quorum.ts";
import { SETTLED_KEYS } from "./settled_keys.ts";

function refuseDirectories(text: string): string | null {
  const directories = splitList(text);
  if (directories.length === 0) return "name a directory";
  return directories.includes("") ? "a directory's name is empty" : null;
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
  [...node, ...topics, ...limits, ...LOG_KEYS, ...CLEANER_KEYS, ...groups, ...SETTLED_KEYS]
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
