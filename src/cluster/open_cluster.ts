/**
 * Starts the nodes of a cluster in this process.
 *
 * @module
 */
import { silentLogger } from "../logger.ts";
import type { Node } from "../node/node.ts";
import type { NodeParts } from "../node/parts/node_parts.ts";
import type { ApiSummary } from "../protocol/api.ts";
import type { KafkaError } from "../protocol/errors.ts";
import { randomUuid } from "../protocol/uuid.ts";
import { hostRuntime } from "../runtime/host.ts";
import { MemoryFileSystem } from "../runtime/memory_files.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Cluster } from "./cluster.ts";
import {
  checkClusterOptions,
  type ClusterOptions,
  flushSettings,
  isInMemory,
  SMALL_CLUSTER,
} from "./cluster_options.ts";
import { createInitialTopics } from "./initial_topics.ts";
import { Interceptions } from "./interceptions.ts";
import {
  layoutSettings,
  type NodePlan,
  type NodePorts,
  type NodeRole,
  planLoneNode,
  planNodes,
  reachableHost,
} from "./layout.ts";
import { Links } from "./links.ts";
import { LocalCluster } from "./local_cluster.ts";
import { DEFAULT_HOST, directoryOf, loneNodeOptions } from "./lone_node.ts";
import { Member, type MemberOptions } from "./member.ts";
import { clusterIdFor } from "./process_setup.ts";
import { ReservedPorts } from "./reserved_ports.ts";

/** What depends on the purpose of the process. */
export interface Purpose {
  /** The code that the nodes are started with. */
  readonly parts: NodeParts;
  /** The requests that can be intercepted. */
  readonly apis: readonly ApiSummary[];
  /** Whether nodes can be killed. */
  readonly isKillable: boolean;
}

/** What the nodes of a cluster share. */
interface Shared extends Purpose {
  readonly options: ClusterOptions;
  readonly plans: readonly NodePlan[];
  readonly runtime: Runtime;
  readonly links: Links;
  readonly interceptions: Interceptions;
}

/** Starts a cluster: see `startCluster`. */
export async function openCluster(options: ClusterOptions, purpose: Purpose): Promise<Cluster> {
  checkClusterOptions(options);
  const { runtime = hostRuntime(), brokers = 1, controllers = 0, topics = [] } = options;
  const shared: Shared = {
    ...purpose,
    options,
    plans: brokers + controllers === 1
      ? [planLoneNode(options.config ?? {})]
      : planNodes(brokers, controllers),
    runtime,
    links: new Links(),
    interceptions: new Interceptions(purpose.apis),
  };
  const { promise: failed, resolve: onFailed } = Promise.withResolvers<KafkaError>();
  const ports = new ReservedPorts();
  const members: Member[] = [];
  try {
    const memberOptions = shared.plans.length === 1
      ? [{
        ...commonOptions(shared, shared.plans[0]!),
        ...loneNodeOptions(options, { ...runtime, files: filesOf(options, runtime) }),
      }]
      : await nodesOf(shared, ports);
    for (const [index, plan] of shared.plans.entries()) {
      members.push(new Member(plan, memberOptions[index]!, onFailed));
    }
    await Promise.all(members.map((member) => member.start()));
    const nodes = members.map(({ lastNode }) => lastNode);
    const notices = [
      ...new Set(nodes.flatMap(({ notices }) => notices)),
      ...await createInitialTopics(nodes, topics),
    ];
    await settled(nodes);
    return new LocalCluster({ ...shared, members, notices, failed });
  } catch (error) {
    await Promise.allSettled(members.map((member) => member.stop({ handsOver: false })));
    throw error;
  } finally {
    ports.close();
  }
}

/** Resolves when all brokers know what is committed: all brokers in service, and the topics. */
async function settled(nodes: readonly Node[]): Promise<void> {
  if (nodes.length === 1) return;
  const committed = nodes.map(({ quorum }) => quorum.replica.status.highWatermark - 1);
  const offset = Math.max(...committed);
  const brokers = nodes.filter(({ config }) => config.isBroker);
  await Promise.all(brokers.map(({ quorum }) => quorum.loader.waitFor(offset)));
}

/** Returns the file system of one node. */
function filesOf(options: ClusterOptions, runtime: Runtime): Runtime["files"] {
  return isInMemory(options) ? new MemoryFileSystem() : runtime.files;
}

/** The nodes of a cluster that connect to each other. */
async function nodesOf(shared: Shared, reserved: ReservedPorts): Promise<MemberOptions[]> {
  const { options, runtime, plans, links } = shared;
  const { host = DEFAULT_HOST } = options;
  const portsOf = await reservePorts(shared, reserved);
  for (const [id, ports] of portsOf) {
    for (const port of ports.values()) links.add(id, port);
  }
  const network = reserved.over(runtime);
  const common = plans.map((plan) => commonOptions(shared, plan));
  const directories = common.flatMap(({ directory }) => directory?.split(",") ?? []);
  // With a cluster id from here no node has to ask the others for one.
  const clusterId = isInMemory(options)
    ? randomUuid(runtime.random)
    : clusterIdFor(directories, runtime);
  const openFileLimit = runtime.openFileLimit?.();
  return plans.map((plan, index) => ({
    ...common[index]!,
    runtime: {
      ...runtime,
      files: filesOf(options, runtime),
      network: links.of(plan.id, network),
      // The nodes share the descriptors of this process.
      openFileLimit: () => openFileLimit && Math.floor(openFileLimit / plans.length),
    },
    clusterId,
    config: {
      ...SMALL_CLUSTER,
      ...options.config,
      ...flushSettings(options),
      ...layoutSettings(plan, host, portsOf),
    },
  }));
}

/** Opens the listeners of all nodes. Brokers have consecutive ports if one is given. */
async function reservePorts(
  { options, runtime, plans }: Shared,
  reserved: ReservedPorts,
): Promise<ReadonlyMap<number, NodePorts>> {
  const { host = DEFAULT_HOST, port = 0 } = options;
  const portsOf = new Map<number, NodePorts>();
  for (const { id, roles } of plans) {
    const ports = new Map<NodeRole, number>();
    for (const role of roles) {
      const at = role === "broker" ? host : reachableHost(host);
      const wanted = role === "broker" && port > 0 ? port + id - 1 : 0;
      ports.set(role, await reserved.reserve(runtime, at, wanted));
    }
    portsOf.set(id, ports);
  }
  return portsOf;
}

function commonOptions(
  { options, parts, isKillable, interceptions, plans }: Shared,
  plan: NodePlan,
) {
  const { logger = silentLogger, interceptors = [] } = options;
  const all = [...interceptors, interceptions.at(plan.id)];
  return {
    ...directoryOf(options, plans.length === 1 ? "" : `/node-${plan.id}`),
    logger,
    parts,
    isKillable,
    interceptors: all,
    controllerInterceptors: all,
  };
}
