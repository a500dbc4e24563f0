/**
 * The nodes of `start --brokers N`: their ids, roles, ports and directories.
 *
 * @module
 */
import { CommandError, UsageError } from "./fail.ts";

/** The size of a cluster. */
export interface ClusterSize {
  /** 1 to {@linkcode MOST_BROKERS}. */
  readonly brokers: number;
  /** Number of nodes that are controllers only. 0 if brokers are controllers too. */
  readonly controllers: number;
}

/** A node to start. */
export interface PlannedNode {
  readonly id: number;
  readonly isBroker: boolean;
  /** Whether it is a controller, which is a voter of the quorum. */
  readonly isVoter: boolean;
  /** Kafka's keys of this node. */
  readonly config: Readonly<Record<string, string>>;
  /** Its data directory, or null for data in memory. */
  readonly directory: string | null;
}

/** Where the nodes of a cluster are. */
export interface Places {
  /** The address that all nodes listen on. */
  readonly host: string;
  /** One for each of {@linkcode portCount}: those for clients come first. */
  readonly ports: readonly number[];
  /** The directory with those of the nodes, or null for data in memory. */
  readonly dataDir: string | null;
}

/** Maximum number of brokers, and of nodes that are controllers only. */
export const MOST_BROKERS = 100;
/** The number of voters if brokers are controllers too, and there are as many brokers. */
const COMBINED_VOTERS = 3;

/** Keys that are derived for each node. */
export const DERIVED_KEYS: readonly string[] = [
  "node.id",
  "broker.id",
  "process.roles",
  "listeners",
  "advertised.listeners",
  "inter.broker.listener.name",
  "listener.security.protocol.map",
  "controller.listener.names",
  "controller.quorum.voters",
  "controller.quorum.bootstrap.servers",
  "controller.quorum.auto.join.enable",
  "log.dirs",
  "log.dir",
  "metadata.log.dir",
];

/** Returns the ids of the controllers: the first brokers, or nodes of their own from 101 on. */
export function voterIds({ brokers, controllers }: ClusterSize): number[] {
  const length = controllers > 0 ? controllers : brokers >= COMBINED_VOTERS ? COMBINED_VOTERS : 1;
  const first = controllers > 0 ? MOST_BROKERS + 1 : 1;
  return Array.from({ length }, (_, i) => first + i);
}

/** Returns the number of ports that the cluster needs. A node alone needs none for controllers. */
export function portCount(size: ClusterSize): number {
  return isAlone(size) ? 1 : size.brokers + voterIds(size).length;
}

/** Returns `count` ports from `first` on. Throws a UsageError if there are not as many. */
export function portsFrom(first: number, count: number): number[] {
  if (first + count - 1 <= 65_535) return Array.from({ length: count }, (_, i) => first + i);
  throw new UsageError(
    `--port ${first} is too high: the nodes need ${count} ports from there on, up to 65535`,
  );
}

/** Returns the nodes of a cluster. */
export function planNodes(size: ClusterSize, places: Places): PlannedNode[] {
  const { host, ports, dataDir } = places;
  const voters = voterIds(size);
  const bracketed = host.includes(":") ? `[${host}]` : host;
  const controllerAddress = (id: number) =>
    `${bracketed}:${ports[size.brokers + voters.indexOf(id)]}`;
  const quorum = isAlone(size) ? {} : {
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": voters.map((id) => `${id}@${controllerAddress(id)}`).join(","),
  };
  const brokerIds = Array.from({ length: size.brokers }, (_, i) => 1 + i);
  return [...new Set([...brokerIds, ...voters])].map((id) => {
    const isBroker = id <= size.brokers;
    const isVoter = voters.includes(id);
    const listeners = [
      ...(isBroker ? [`PLAINTEXT://${bracketed}:${ports[id - 1]}`] : []),
      ...(isVoter && !isAlone(size) ? [`CONTROLLER://${controllerAddress(id)}`] : []),
    ];
    const roles = [...(isBroker ? ["broker"] : []), ...(isVoter ? ["controller"] : [])];
    return {
      id,
      isBroker,
      isVoter,
      config: {
        "node.id": String(id),
        "process.roles": roles.join(","),
        listeners: listeners.join(","),
        ...quorum,
      },
      directory: dataDir === null || isAlone(size) ? dataDir : `${dataDir}/node-${id}`,
    };
  });
}

/**
 * Throws a CommandError if the directories in `dataDir` belong to a cluster with other controllers: new
 * ones could elect a leader that lacks committed metadata. `names` are the names in that directory.
 */
export function checkVoters(size: ClusterSize, dataDir: string, names: readonly string[]): void {
  const ids = names.flatMap((name) => {
    const [, id] = /^node-(\d{1,9})$/.exec(name) ?? [];
    return id === undefined ? [] : [Number(id)];
  });
  const before = {
    brokers: ids.filter((id) => id <= MOST_BROKERS).length,
    controllers: ids.filter((id) => id > MOST_BROKERS).length,
  };
  const [old, now] = [voterIds(before), voterIds(size)].map((voters) => voters.join(", "));
  if (ids.length === 0 || isAlone(size) || old === now) return;
  const change = before.controllers === 0
    ? `--brokers ${before.brokers}`
    : `--brokers ${before.brokers} --controllers ${before.controllers}`;
  throw new CommandError(
    `Cannot start ${size.brokers} brokers in ${dataDir}: the controllers of its cluster are nodes ${old}, ` +
      `and would become ${now}; start it with ${change}, or name another directory`,
  );
}

/**
 * Throws a CommandError if `dataDir` is the data directory of a node alone, whose topics would be missing from
 * the cluster. `names` are the names in that directory.
 */
export function checkNotAlone(size: ClusterSize, dataDir: string, names: readonly string[]): void {
  if (isAlone(size) || !names.includes("meta.properties")) return;
  throw new CommandError(
    `Cannot start ${size.brokers} brokers in ${dataDir}: it is the data directory of one node; start that node ` +
      "without --brokers and --controllers, or name another directory with --data-dir",
  );
}

/** Throws a CommandError if `dataDir` has the directories of a cluster. `names` are the names in it. */
export function checkAlone(dataDir: string, names: readonly string[]): void {
  const count = names.filter((name) => /^node-\d{1,2}$|^node-100$/.test(name)).length;
  if (names.includes("meta.properties") || !names.includes("node-1")) return;
  throw new CommandError(
    `Cannot start a node in ${dataDir}: it has the directories of a cluster, node-1 and others; start that ` +
      `with --brokers ${count}, or name another directory with --data-dir`,
  );
}

/** Whether the cluster is one node. */
function isAlone({ brokers, controllers }: ClusterSize): boolean {
  return brokers === 1 && controllers === 0;
}
