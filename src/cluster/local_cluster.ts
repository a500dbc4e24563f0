/**
 * The nodes of a cluster, and the faults that can be injected into it.
 *
 * @module
 */
import type { ListenerAddress } from "../config/listeners.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import type { ClusterInterceptor, Interception, Interceptions } from "./interceptions.ts";
import { hostAndPort, reachableHost } from "./layout.ts";
import type { Links } from "./links.ts";
import type { Member } from "./member.ts";

/** The parts of a cluster, whose nodes have been started. */
export interface LocalClusterOptions {
  readonly members: readonly Member[];
  readonly links: Links;
  readonly interceptions: Interceptions;
  readonly notices: readonly string[];
  readonly failed: Promise<KafkaError>;
}

/** A cluster in this process. */
export class LocalCluster implements Cluster {
  readonly bootstrapServers: string;
  readonly listeners: readonly ListenerAddress[];
  readonly clusterId: string;
  readonly notices: readonly string[];
  readonly failed: Promise<KafkaError>;
  readonly nodes: readonly ClusterNode[];
  readonly #options: LocalClusterOptions;
  #ended: Promise<void> | null = null;

  constructor(options: LocalClusterOptions) {
    const { members, notices, failed } = options;
    const brokers = members.filter(({ roles }) => roles.includes("broker"));
    // A process may run a single controller.
    const first = (brokers[0] ?? members[0]!).lastNode;
    this.#options = options;
    this.notices = notices;
    this.failed = failed;
    this.clusterId = first.clusterId;
    this.listeners = brokers.length > 0
      ? first.config.brokerListeners
      : first.config.controllerListeners;
    this.bootstrapServers = brokers.map(addressOf).join(",");
    this.nodes = members.map((member) => ({
      id: member.id,
      roles: member.roles,
      address: addressOf(member),
      get state() {
        return member.state;
      },
    }));
  }

  get host(): string {
    return this.listeners[0]!.host;
  }

  get port(): number {
    return this.listeners[0]!.port;
  }

  get activeController(): number | null {
    // Until a controller that is cut off notices it, there may be two.
    const active = this.#options.members.flatMap(({ node, roles }) =>
      roles.includes("controller") ? node?.controller.active ?? [] : []
    );
    const newest = active.toSorted((one, other) => other.epoch - one.epoch)[0];
    return this.#options.members
      .find(({ node, roles }) =>
        newest !== undefined && roles.includes("controller") && node?.controller.active === newest
      )?.id ?? null;
  }

  async kill(id: number): Promise<void> {
    await this.#member(id).kill();
  }

  async restart(id: number): Promise<void> {
    const member = this.#member(id);
    const { state } = member;
    this.#requireRunning(id);
    if (state === "starting" || state === "stopping") {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Cannot restart node ${id}: it is ${state}, wait for that first`,
      );
    }
    if (state === "running" || state === "failed") await member.stop({ handsOver: true });
    // A shutdown stops no node that starts after it.
    this.#requireRunning(id);
    await member.start();
  }

  partition(...groups: readonly (readonly number[])[]): void {
    const ids = groups.flat();
    const repeated = ids.find((id, index) => ids.indexOf(id) < index);
    for (const id of ids) this.#member(id);
    if (repeated !== undefined) {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Cannot partition the cluster: node ${repeated} is in two groups`,
      );
    }
    this.#options.links.partition(groups);
  }

  heal(): void {
    this.#options.links.heal();
  }

  intercept(request: string | number, interceptor: ClusterInterceptor): Interception {
    return this.#options.interceptions.add(request, interceptor);
  }

  shutdown(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #end(): Promise<void> {
    const { members } = this.#options;
    this.heal();
    const failures: unknown[] = [];
    const stop = async (member: Member) => {
      try {
        // No node is left to take over.
        await member.stop({ handsOver: false });
      } catch (error) {
        // A node that is killed meanwhile has stopped too.
        if (member.state !== "killed") failures.push(error);
      }
    };
    for (const role of ["broker", "controller"] as const) {
      await Promise.all(members.filter(({ roles }) => roles.includes(role)).map(stop));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Throws if the cluster has been shut down. `id` is the node to restart. */
  #requireRunning(id: number): void {
    if (this.#ended === null) return;
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot restart node ${id}: the cluster has been shut down`,
    );
  }

  #member(id: number): Member {
    const { members } = this.#options;
    const member = members.find((one) => one.id === id);
    if (member !== undefined) return member;
    const ids = members.map((one) => one.id).join(", ");
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `There is no node ${id} in the cluster: its nodes are ${ids}`,
    );
  }
}

/** Returns the address of the first listener of a member that has been started. */
function addressOf({ lastNode: { config } }: Member): string {
  const { host, port } = [...config.brokerListeners, ...config.controllerListeners][0]!;
  return hostAndPort(reachableHost(host), port);
}
