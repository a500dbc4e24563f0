/**
 * The report of the command `cluster`: what the cluster says of its nodes, quorum and features, as text for
 * people and as JSON for scripts.
 *
 * @module
 */
import type {
  BrokerDescription,
  ClusterDescription,
  ControllerListener,
  FeatureInfo,
  QuorumDescription,
  QuorumReplica,
} from "../src/client/mod.ts";
import { bold, columns, dim, whole } from "./output.ts";

/** What is known of a cluster. */
export interface ClusterReport {
  readonly cluster: ClusterDescription;
  /** Null while the quorum has no leader. */
  readonly quorum: QuorumDescription | null;
  readonly features: readonly FeatureInfo[];
}

/** A node of the cluster. */
interface ReportedNode {
  readonly id: number;
  /** Empty if the node only reads the metadata log. */
  readonly roles: readonly ("broker" | "controller")[];
  /** The broker, unless the node is not registered as one. */
  readonly broker: BrokerDescription | null;
  readonly controllerListeners: readonly ControllerListener[];
}

/** Returns the report as lines. */
export function reportLines({ cluster, quorum, features }: ClusterReport): string[] {
  const lines = [`${bold("Cluster")} ${cluster.clusterId ?? "without an id"}`, "", bold("Nodes")];
  const nodes = nodesOf(cluster, quorum).map(({ id, roles, broker, controllerListeners }) => [
    String(id),
    roles.join(", ") || "observer",
    broker === null
      ? controllerListeners.map(addressOf).join(", ") || "unknown"
      : addressOf(broker),
    broker?.rack ?? "-",
    broker === null ? "-" : broker.isFenced ? "fenced" : "running",
  ]);
  lines.push(...columns([["id", "roles", "address", "rack", "broker is"], ...nodes], 2), "");
  lines.push(
    ...quorum === null
      ? [
        `${
          bold("Quorum")
        }  no controller answers: the nodes above are as the broker knew them last`,
        "",
      ]
      : quorumLines(quorum),
  );
  const levels = features.map(({ name, level, minSupported, maxSupported }) => [
    name,
    String(level),
    minSupported === maxSupported ? String(minSupported) : `${minSupported} to ${maxSupported}`,
  ]);
  lines.push(bold("Features"), ...columns([["name", "level", "supported"], ...levels], 2));
  return lines;
}

function quorumLines(quorum: QuorumDescription): string[] {
  const { leaderId, leaderEpoch, highWatermark, voters, observers } = quorum;
  const now = voters.find(({ nodeId }) => nodeId === leaderId)?.lastFetchMs ?? null;
  const row = (replica: QuorumReplica, role: string) => [
    String(replica.nodeId),
    role,
    replica.logEndOffset < 0 ? "unknown" : whole(replica.logEndOffset),
    whole(replica.lag),
    role === "leader" ? "-" : ago(now, replica.lastFetchMs),
    role === "leader" ? "-" : ago(now, replica.lastCaughtUpMs),
    replica.directoryId ?? "-",
  ];
  const rows = [
    ...voters.map((voter) => row(voter, voter.nodeId === leaderId ? "leader" : "voter")),
    ...observers.map((observer) => row(observer, "observer")),
  ];
  const head = ["id", "role", "end offset", "lag", "last fetch", "caught up", "directory id"];
  const summary = `leader ${leaderId}, epoch ${leaderEpoch}, high watermark ${
    whole(highWatermark)
  }`;
  return [`${bold("Quorum")}  ${dim(summary)}`, ...columns([head, ...rows], 2), ""];
}

/** Returns the report as a value for JSON. Its properties stay the same in later versions. */
export function reportValue({ cluster, quorum, features }: ClusterReport): unknown {
  return {
    clusterId: cluster.clusterId,
    nodes: nodesOf(cluster, quorum).map(({ id, roles, broker, controllerListeners }) => ({
      id,
      roles,
      host: broker?.host ?? null,
      port: broker?.port ?? null,
      rack: broker?.rack ?? null,
      isFenced: broker?.isFenced ?? null,
      controllerListeners,
    })),
    quorum: quorum === null ? null : {
      leaderId: quorum.leaderId,
      leaderEpoch: quorum.leaderEpoch,
      highWatermark: quorum.highWatermark,
      voters: quorum.voters.map(replicaValue),
      observers: quorum.observers.map(replicaValue),
    },
    features: features.map(({ name, level, minSupported, maxSupported }) => ({
      name,
      level,
      minSupported,
      maxSupported,
    })),
  };
}

function replicaValue({ nodeId, ...replica }: QuorumReplica): unknown {
  const { directoryId, logEndOffset, lag, lastFetchMs, lastCaughtUpMs } = replica;
  return { id: nodeId, directoryId, logEndOffset, lag, lastFetchMs, lastCaughtUpMs };
}

/**
 * Returns all nodes by their ids. An observer of the quorum that is no registered broker has no known role:
 * it may be a controller without a vote, or a broker that was unregistered.
 */
function nodesOf(cluster: ClusterDescription, quorum: QuorumDescription | null): ReportedNode[] {
  const brokers = new Map(cluster.brokers.map((broker) => [broker.nodeId, broker]));
  const voters = new Set(quorum?.voters.map(({ nodeId }) => nodeId));
  const observers = (quorum?.observers ?? []).map(({ nodeId }) => nodeId);
  const ids = [...new Set([...brokers.keys(), ...voters, ...observers])].sort((a, b) => a - b);
  return ids.map((id) => {
    const broker = brokers.get(id) ?? null;
    return {
      id,
      roles: [
        ...(broker === null ? [] : ["broker"] as const),
        ...(voters.has(id) ? ["controller"] as const : []),
      ],
      broker,
      controllerListeners: quorum?.listeners.get(id) ?? [],
    };
  });
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Formats how long before `nowMs` a time was. */
function ago(nowMs: number | null, ms: number | null): string {
  if (nowMs === null || ms === null) return "never";
  const passed = Math.max(0, nowMs - ms);
  if (passed < 1_000) return `${passed} ms ago`;
  if (passed < 120_000) return `${Math.round(passed / 1_000)} s ago`;
  return `${whole(passed / 60_000)} min ago`;
}
