/**
 * Broker keys that accept only the value that describes what this version does. An ordinary
 * `server.properties` for a single node contains them. Any other value needs an unsupported feature and
 * is rejected.
 *
 * @module
 */
import { type ConfigDefinition, MAX_INT } from "./definition.ts";

const ONE_NODE = "more than one node";
const REMOTE = "remote storage";
const QUOTAS = "quotas";
const OTHER_GROUPS = "the newer group protocols";

type SingleValueKey = Pick<ConfigDefinition, "name" | "type" | "needs" | "documentation"> & {
  readonly default: string;
  readonly supported?: readonly string[];
  /** Whether Apache Kafka allows it to be changed while a broker runs. */
  readonly dynamic?: true;
};

const keys: readonly SingleValueKey[] = [
  {
    name: "offsets.topic.replication.factor",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "Number of replicas of committed offsets.",
  },
  {
    name: "transaction.state.log.replication.factor",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "Number of replicas of the transaction state.",
  },
  {
    name: "transaction.state.log.min.isr",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "Number of replicas that must be in sync for a transaction to change state.",
  },
  {
    name: "share.coordinator.state.topic.replication.factor",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "Number of replicas of share group state.",
  },
  {
    name: "share.coordinator.state.topic.min.isr",
    type: "int",
    default: "1",
    needs: ONE_NODE,
    documentation: "Number of replicas that must be in sync for share group state to change.",
  },
  {
    name: "unclean.leader.election.enable",
    type: "boolean",
    default: "false",
    dynamic: true,
    needs: "replication",
    documentation:
      "Whether a replica that is not in sync may become leader, at the cost of lost records.",
  },
  {
    name: "group.coordinator.rebalance.protocols",
    type: "list",
    default: "classic",
    needs: OTHER_GROUPS,
    documentation: "Group protocols served.",
  },
  {
    name: "security.inter.broker.protocol",
    type: "string",
    default: "PLAINTEXT",
    needs: "TLS and SASL",
    documentation: "Security protocol between brokers.",
  },
  {
    name: "ssl.client.auth",
    type: "string",
    default: "none",
    needs: "TLS",
    documentation: "Whether clients must present a certificate.",
  },
  {
    name: "connections.max.reauth.ms",
    type: "long",
    default: "0",
    needs: "SASL",
    documentation: "Time after which a client must authenticate again. 0: never.",
  },
  {
    name: "authorizer.class.name",
    type: "string",
    default: "",
    needs: "access control",
    documentation: "Authorizer. Empty: every client may do everything.",
  },
  {
    name: "metric.reporters",
    type: "list",
    default: "",
    dynamic: true,
    needs: "metrics",
    documentation: "Metric reporters.",
  },
  {
    name: "max.connection.creation.rate",
    type: "int",
    default: String(MAX_INT),
    dynamic: true,
    needs: QUOTAS,
    documentation: "Maximum number of connections accepted per second.",
  },
  {
    name: "queued.max.request.bytes",
    type: "long",
    default: "-1",
    needs: "a separate limit for queued requests",
    documentation: "Maximum bytes of queued requests. -1: bounded by the memory limits only.",
  },
  {
    name: "log.preallocate",
    type: "boolean",
    default: "false",
    dynamic: true,
    needs: "preallocated segment files",
    documentation: "Whether a new segment file is allocated at its full size.",
  },
  {
    name: "log.index.size.max.bytes",
    type: "int",
    default: "10485760",
    dynamic: true,
    needs: "index files of limited size",
    documentation: "Size of an index file. Indexes are kept in memory and grow as needed.",
  },
  {
    name: "cordoned.log.dirs",
    type: "list",
    default: "",
    needs: "cordoned directories",
    documentation: "Data directories in which no new partition is placed.",
  },
  {
    name: "transaction.two.phase.commit.enable",
    type: "boolean",
    default: "false",
    needs: "transactions",
    documentation: "Whether transactions may take part in a two-phase commit.",
  },
  {
    name: "remote.log.storage.system.enable",
    type: "boolean",
    default: "false",
    needs: REMOTE,
    documentation: "Whether closed segments may be moved to remote storage.",
  },
  {
    name: "log.local.retention.ms",
    type: "long",
    default: "-2",
    dynamic: true,
    needs: REMOTE,
    documentation:
      "Age at which records that are in remote storage may be deleted locally. -2: as " +
      "retention.ms.",
  },
  {
    name: "log.local.retention.bytes",
    type: "long",
    default: "-2",
    dynamic: true,
    needs: REMOTE,
    documentation:
      "Maximum local size of a partition whose segments are in remote storage. -2: as " +
      "retention.bytes.",
  },
  {
    name: "follower.fetch.last.tiered.offset.enable",
    type: "boolean",
    default: "false",
    dynamic: true,
    needs: REMOTE,
    documentation: "Whether a new follower starts after the records in remote storage.",
  },
];

/** The keys, as definitions. */
export const SINGLE_VALUE_KEYS: readonly ConfigDefinition[] = keys.map((key) => ({
  ...key,
  dynamic: key.dynamic ?? false,
}));
