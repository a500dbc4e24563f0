/**
 * A cluster in this process: real nodes on real sockets, with data on disk or in memory, ready in
 * milliseconds.
 *
 * @module
 */
import type { ListenerAddress } from "../config/listeners.ts";
import type { KafkaError } from "../protocol/errors.ts";
import type { ClusterInterceptor, Interception } from "./interceptions.ts";
import type { NodeRole } from "./layout.ts";
import type { NodeState } from "./member.ts";

/** A node of a cluster. */
export interface ClusterNode {
  readonly id: number;
  readonly roles: readonly NodeRole[];
  /** `"127.0.0.1:PORT"`: where clients reach a broker, and other nodes a node that is a controller only. */
  readonly address: string;
  readonly state: NodeState;
}

/**
 * A running cluster.
 *
 * Faults are those of processes and networks: nodes are killed, started again, cut off from each other, and
 * their requests intercepted. Files stay in the page cache, so a kill loses nothing that was written.
 *
 * ```ts
 * import { Admin, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster({ brokers: 3, controllers: 3 });
 * await using admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
 *
 * await cluster.kill(cluster.activeController!);
 * await admin.createTopics([{ name: "events", partitions: 3 }]); // The other two elect a new one.
 * ```
 */
export interface Cluster extends AsyncDisposable {
  /**
   * The addresses of all brokers for clients on this machine, with commas between them. With several
   * `listeners` in `config`, those of the first.
   */
  readonly bootstrapServers: string;
  /** The host of the first broker's first listener. */
  readonly host: string;
  /** The port of the first broker's first listener. */
  readonly port: number;
  /** The listeners of the first broker: one, unless `config` has several `listeners`. */
  readonly listeners: readonly ListenerAddress[];
  readonly clusterId: string;
  /** Notices about options that were not applied as given: a lowered replication factor, a key without effect. */
  readonly notices: readonly string[];
  /**
   * Resolves with the reason if a node ends because the disk of its metadata log has failed or the controllers
   * refuse its broker. Never resolves otherwise.
   */
  readonly failed: Promise<KafkaError>;
  /** All nodes, controllers first. */
  readonly nodes: readonly ClusterNode[];
  /** The id of the active controller, or null while there is none. */
  readonly activeController: number | null;
  /**
   * Ends a node at once, as `kill -9` ends a process: its timers never fire, its connections break, its files
   * are closed without a sync, and no other node is informed. Does nothing if the node is not running. Resolves
   * when its ports are free.
   *
   * ```ts
   * import { startCluster } from "@millrace/millrace/cluster";
   *
   * await using cluster = await startCluster({ brokers: 3 });
   * await cluster.kill(2);
   * cluster.nodes.find(({ id }) => id === 2)?.state; // "killed"
   * await cluster.restart(2);
   * ```
   */
  kill(id: number): Promise<void>;
  /**
   * Starts a node again, on the same directory and the same ports, and resolves when it serves. A node that
   * is running is shut down in order first: its leaderships move to other nodes.
   */
  restart(id: number): Promise<void>;
  /**
   * Cuts groups of nodes off from each other: connections between nodes of different groups break, and new
   * ones are not established before {@linkcode Cluster.heal}. A node in no group keeps its connections, and so
   * do clients. Replaces an earlier partition.
   *
   * ```ts
   * import { startCluster } from "@millrace/millrace/cluster";
   *
   * await using cluster = await startCluster({ brokers: 3 });
   * cluster.partition([1], [2, 3]);
   * cluster.heal();
   * ```
   */
  partition(...groups: readonly (readonly number[])[]): void;
  /** Ends the partition. */
  heal(): void;
  /**
   * Calls `interceptor` for each request of one kind, by its name or its key in Kafka's protocol, at brokers
   * and at controllers, until it is removed. It may observe, delay, change or answer a request, let it fail,
   * or close its connection: see {@linkcode Interceptor}. Requests that a node makes to itself are not sent,
   * and not intercepted. A node that starts again has the interceptors of the cluster. Throws a `KafkaError`
   * INVALID_REQUEST if no node serves such a request.
   *
   * ```ts
   * import { Admin, ErrorCode, KafkaError, startCluster } from "@millrace/millrace";
   *
   * await using cluster = await startCluster();
   * using interception = cluster.intercept("CreateTopics", ({ nodeId }) => {
   *   interception.remove();
   *   throw new KafkaError(ErrorCode.NOT_CONTROLLER, `Node ${nodeId} is not the controller`);
   * });
   * await using admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
   * await admin.createTopics([{ name: "events" }]); // The second attempt succeeds.
   * ```
   */
  intercept(request: string | number, interceptor: ClusterInterceptor): Interception;
  /** Completes requests in progress, closes the files and shuts down. May be called twice. */
  shutdown(): Promise<void>;
}
