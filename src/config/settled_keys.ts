/**
 * Broker keys that take one value only: the one that describes what a node of this version does. An
 * ordinary `server.properties` for a single node has them. Any other value asks for something that is
 * not there yet, and is refused.
 *
 * @module
 */
import { type ConfigDefinition, MAX_INT } from "./definition.ts";

const ONE_NODE = "more than one node";
const REMOTE = "remote storage";
const QUOTAS = "quotas";
const OTHER_GROUPS = "the newer group protocols";

type SettledKey = Pick<ConfigDefinition, "name" | "type" | "needs" | "documentation"> & {
  readonly default: string;
  readonly supported?: readonly string[];
  /** Whether Apache Kafka lets it be set while a broker runs. */
  readonly dynamic?: true;
};

const keys: readonly SettledKey[] = [
  {
    name: "process.roles",
    type: "list",
    default: "broker,controller",
    supported: ["broker,controller", "controller,broker"],
    needs: "controllers and brokers as processes of their own",
    documentation: "What this process is: a broker and the cluster's controller in one.",
  },
  {
    name: "controller.quorum.auto.join.enable",
    type: "boolean",
    default: "false",
    needs: "a quorum of controllers",
    documentation: "Whether a controller joins the quorum by itself.",
  },
  {
    name: "offsets.topic.replication.factor",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "How many nodes have the committed offsets of groups.",
  },
  {
    name: "transaction.state.log.replication.factor",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "How many nodes have the state of transactions.",
  },
  {
    name: "transaction.state.log.min.isr",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "How many nodes must have the state of a transaction before it changes.",
  },
  {
    name: "share.coordinator.state.topic.replication.factor",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "How many nodes have the state of share groups.",
  },
  {
    name: "share.coordinator.state.topic.min.isr",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "How many nodes must have the state of a share group before it changes.",
  },
  {
    name: "unclean.leader.election.enable",
    type: "boolean",
    default: "false",
    dynamic: true,
    needs: "replication",
    documentation: "Whether a replica that is behind may become leader, losing records.",
  },
  {
    name: "group.coordinator.rebalance.protocols",
    type: "list",
    default: "classic",
    needs: OTHER_GROUPS,
    documentation: "The group protocols that are served.",
  },
  {
    name: "security.inter.broker.protocol",
    type: "string",
    default: "PLAINTEXT",
    needs: "TLS and SASL",
    documentation: "The security protocol between brokers.",
  },
  {
    name: "ssl.client.auth",
    type: "string",
    default: "none",
    needs: "TLS",
    documentation: "Whether clients must show a certificate.",
  },
  {
    name: "connections.max.reauth.ms",
    type: "long",
    default: "0",
    needs: "SASL",
    documentation: "After how long a client must authenticate again. 0: never.",
  },
  {
    name: "authorizer.class.name",
    type: "string",
    default: "",
    needs: "access control",
    documentation: "The authorizer. Empty: every client may do everything.",
  },
  {
    name: "metric.reporters",
    type: "list",
    default: "",
    dynamic: true,
    needs: "metrics",
    documentation: "What metrics are reported to.",
  },
  {
    name: "max.connection.creation.rate",
    type: "int",
    default: String(MAX_INT),
    dynamic: true,
    needs: QUOTAS,
    documentation: "How many connections a second the broker accepts.",
  },
  {
    name: "queued.max.request.bytes",
    type: "long",
    default: "-1",
    needs: "a limit of its own for requests that wait",
    documentation: "How many bytes of requests may wait. -1: as many as there is room for.",
  },
  {
    name: "log.preallocate",
    type: "boolean",
    default: "false",
    dynamic: true,
    needs: "preallocated segment files",
    documentation: "Whether a new segment's file gets its full size at once.",
  },
  {
    name: "log.index.size.max.bytes",
    type: "int",
    default: "10485760",
    dynamic: true,
    needs: "index files of a limited size",
    documentation: "The size of an index file. The indexes here are in memory and grow as needed.",
  },
  {
    name: "cordoned.log.dirs",
    type: "list",
    default: "",
    needs: "cordoned directories",
    documentation: "The data directories in which no new partition is placed.",
  },
  {
    name: "transaction.two.phase.commit.enable",
    type: "boolean",
    default: "false",
    needs: "transactions",
    documentation: "Whether a transaction may be part of a larger one.",
  },
  {
    name: "remote.log.storage.system.enable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether closed segments can move to remote storage.",
  },
  {
    name: "log.local.retention.ms",
    type: "long",
    default: "-2",
    dynamic: true,
    needs: REMOTE,
    documentation: "How long records stay here once they are in remote storage. -2: retention.ms.",
  },
  {
    name: "log.local.retention.bytes",
    type: "long",
    default: "-2",
    dynamic: true,
    needs: REMOTE,
    documentation: "How much stays here of what is in remote storage. -2: retention.bytes.",
  },
  {
    name: "follower.fetch.last.tiered.offset.enable",
    type: "boolean",
    default: "false",
    dynamic: true,
    needs: REMOTE,
    documentation: "Whether a new follower begins after what is in remote storage.",
  },
];

/** The keys, as definitions. */
export const SETTLED_KEYS: readonly ConfigDefinition[] = keys.map((key) => ({
  ...key,
  dynamic: key.dynamic ?? false,
}));
