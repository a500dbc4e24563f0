/**
 * A cluster whose nodes are processes of Millrace or of Apache Kafka, configured by the same files.
 *
 * @module
 */
import { Admin } from "../../mod.ts";
import { freePorts } from "../../src/cluster/process_setup.ts";
import { type Side, treeOf } from "../kafka/brokers.ts";
import { dataDirectory, java } from "../kafka/environment.ts";
import { run } from "../kafka/process.ts";
import { NodeProbe } from "./probe.ts";

/** What runs as a cluster: Kafka, or this tree. */
export type ClusterSide = Extract<Side, "kafka" | "millrace">;

/** The roles of a node. */
export type Roles = "controller" | "broker" | "broker,controller";

/** A node as it is configured. */
interface Node {
  readonly id: number;
  readonly roles: Roles;
  readonly host: string;
  /** The port for clients, or null without the role `broker`. */
  readonly brokerPort: number | null;
  /** The port for other nodes, or null without the role `controller`. */
  readonly controllerPort: number | null;
}

/** A process of a node. */
interface NodeProcess {
  readonly child: Deno.ChildProcess;
  readonly ended: Promise<void>;
  hasEnded: boolean;
}

/** Where a broker listens, and how its program is started. */
export interface BrokerPlace {
  readonly host: string;
  /** A command that runs the program that follows it. */
  readonly prefix: readonly string[];
}

/** The options of a cluster. */
export interface ProcessClusterOptions {
  readonly side: ClusterSide;
  /** The nodes' roles. Brokers with and without another role have ids from 101 and 1. */
  readonly nodes: readonly Roles[];
  /** The address at which all other nodes listen. Defaults to 127.0.0.1. */
  readonly host?: string;
  /** The place of the last broker, if it differs from that of the others. */
  readonly lastBroker?: BrokerPlace;
  /** A module that is loaded before Millrace. */
  readonly preload?: string;
  /** The environment of a node of Millrace. */
  env?(id: number): Readonly<Record<string, string>>;
}

/** Three controllers and three brokers. */
export const SEPARATE: readonly Roles[] = [
  ...["controller", "controller", "controller"] as const,
  ...["broker", "broker", "broker"] as const,
];
/** Three nodes with both roles. */
export const COMBINED: readonly Roles[] = Array.from({ length: 3 }, () => "broker,controller");

const FIRST_BROKER_ID = 101;
const READY_WITHIN_MS = 180_000;
const STOPPED_WITHIN_MS = 30_000;
/** The interval at which a starting node is asked. */
const ASKED_EVERY_MS = 5;

/** Both use Kafka's defaults, except for what needs more than one replica in Kafka. */
const SETTINGS = [
  "controller.listener.names=CONTROLLER",
  "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
  "auto.create.topics.enable=false",
  "group.initial.rebalance.delay.ms=0",
  "offsets.topic.replication.factor=1",
  "transaction.state.log.replication.factor=1",
  "transaction.state.log.min.isr=1",
];

/** A cluster of processes. */
export class ProcessCluster implements AsyncDisposable {
  readonly #options: ProcessClusterOptions;
  readonly #nodes: ReadonlyMap<number, Node>;
  readonly #directory: string;
  readonly #processes = new Map<number, NodeProcess>();

  private constructor(options: ProcessClusterOptions, nodes: readonly Node[], directory: string) {
    this.#options = options;
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#directory = directory;
  }

  /** Prepares empty directories, which Kafka formats. Starts nothing. */
  static async prepare(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const { side, nodes: roles, host = "127.0.0.1", lastBroker } = options;
    const directory = await dataDirectory(`cluster-${side}`);
    const ports = await freePorts(host, roles.length * 2);
    const nodes = roles.map((roles, index): Node => {
      const isFirst = roles === "broker" ? FIRST_BROKER_ID : 1;
      const before = options.nodes.slice(0, index).filter((other) =>
        (other === "broker") === (roles === "broker")
      ).length;
      const isElsewhere = lastBroker !== undefined && index === options.nodes.length - 1;
      return {
        id: isFirst + before,
        roles,
        host: isElsewhere ? lastBroker.host : host,
        brokerPort: roles === "controller" ? null : ports[2 * index]!,
        controllerPort: roles === "broker" ? null : ports[2 * index + 1]!,
      };
    });
    const cluster = new ProcessCluster(options, nodes, directory);
    await Promise.all(nodes.map((node) => cluster.#configure(node, nodes)));
    return cluster;
  }

  /** Prepares a cluster, starts its nodes and waits until all serve. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.prepare(options);
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Starts all nodes. Returns the time from the first launch until all serve, ms. */
  async startAll(): Promise<number> {
    const began = performance.now();
    for (const id of this.#nodes.keys()) this.#spawn(id);
    await Promise.all([...this.#nodes.keys()].map((id) => this.serves(id)));
    return performance.now() - began;
  }

  /** The ids of all brokers. */
  get brokers(): readonly number[] {
    return this.#idsWith("brokerPort");
  }

  /** The ids of all controllers. */
  get controllers(): readonly number[] {
    return this.#idsWith("controllerPort");
  }

  /** The process ids of the nodes that run, in the order of the nodes. */
  get pids(): readonly number[] {
    return [...this.#processes.values()].map(({ child }) => child.pid);
  }

  /** Returns a client of all brokers. */
  admin(requestTimeoutMs = 30_000): Admin {
    const addresses = this.brokers.map((id) => {
      const { host, brokerPort } = this.#nodes.get(id)!;
      return `${host}:${brokerPort}`;
    });
    return new Admin({ bootstrapServers: addresses.join(","), requestTimeoutMs });
  }

  /** Opens a connection to a broker, or to a controller without another role. */
  async probe(id: number): Promise<NodeProbe> {
    const { host, brokerPort, controllerPort } = this.#nodes.get(id)!;
    return await NodeProbe.open(host, (brokerPort ?? controllerPort)!);
  }

  /** Ends a node as a crash does. Returns the time of the signal, by `performance.now()`. */
  async kill(id: number): Promise<number> {
    const process = this.#processes.get(id)!;
    const killedAt = performance.now();
    process.child.kill("SIGKILL");
    await process.ended;
    this.#processes.delete(id);
    return killedAt;
  }

  /** Starts a node that has been killed. Returns the time of the launch, by `performance.now()`. */
  restart(id: number): number {
    const launchedAt = performance.now();
    this.#spawn(id);
    return launchedAt;
  }

  /**
   * Resolves when a node serves: a controller once it answers, a broker once its own metadata contain all
   * brokers that run.
   */
  async serves(id: number): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    const expected = this.brokers.filter((broker) => this.#processes.has(broker));
    const hasBroker = this.#nodes.get(id)!.brokerPort !== null;
    for (;;) {
      const process = this.#processes.get(id);
      if (process === undefined || process.hasEnded) {
        throw new Error(`node ${id} of ${this.#options.side} ended before it served`);
      }
      if (await this.#answers(id, hasBroker ? expected : [])) return;
      if (performance.now() > deadline) {
        throw new Error(
          `node ${id} of ${this.#options.side} did not serve within ${READY_WITHIN_MS / 1000} s`,
        );
      }
      await elapse(ASKED_EVERY_MS);
    }
  }

  async #answers(id: number, brokers: readonly number[]): Promise<boolean> {
    try {
      using probe = await this.probe(id);
      if (brokers.length === 0) return true;
      const found = await probe.brokers();
      return brokers.every((broker) => found.includes(broker));
    } catch {
      return false;
    }
  }

  /** Ends all nodes in order: brokers first, since they hand over to the controllers. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ids = [...this.#processes.keys()];
    const hasBroker = (id: number) => this.#nodes.get(id)!.brokerPort !== null;
    await Promise.all(ids.filter(hasBroker).map((id) => this.#stop(id)));
    await Promise.all(ids.filter((id) => !hasBroker(id)).map((id) => this.#stop(id)));
  }

  async #stop(id: number): Promise<void> {
    const process = this.#processes.get(id)!;
    if (!process.hasEnded) process.child.kill("SIGTERM");
    const timer = setTimeout(
      () => process.hasEnded || process.child.kill("SIGKILL"),
      STOPPED_WITHIN_MS,
    );
    await process.ended;
    clearTimeout(timer);
    this.#processes.delete(id);
  }

  #idsWith(port: "brokerPort" | "controllerPort"): number[] {
    return [...this.#nodes.values()].filter((node) => node[port] !== null).map(({ id }) => id);
  }

  #properties(id: number): string {
    return `${this.#directory}/${id}.properties`;
  }

  async #configure(node: Node, nodes: readonly Node[]): Promise<void> {
    const { id, roles, host, brokerPort, controllerPort } = node;
    const voters = nodes.filter((other) => other.controllerPort !== null)
      .map((voter) => `${voter.id}@${voter.host}:${voter.controllerPort}`);
    const listeners = [
      ...(brokerPort === null ? [] : [`PLAINTEXT://${host}:${brokerPort}`]),
      ...(controllerPort === null ? [] : [`CONTROLLER://${host}:${controllerPort}`]),
    ];
    await Deno.writeTextFile(
      this.#properties(id),
      [
        `process.roles=${roles}`,
        `node.id=${id}`,
        `controller.quorum.voters=${voters.join(",")}`,
        `listeners=${listeners.join(",")}`,
        `log.dirs=${this.#directory}/${id}`,
        ...SETTINGS,
      ].join("\n"),
    );
    if (this.#options.side !== "kafka") return;
    const format = ["format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", this.#properties(id)];
    await run([...java(["-Xmx256M"], "kafka.tools.StorageTool"), ...format]);
  }

  #spawn(id: number): void {
    const { side, preload, env, lastBroker } = this.#options;
    const isElsewhere = id === this.brokers.at(-1) && lastBroker !== undefined;
    const [program, ...args] = [
      ...(isElsewhere ? lastBroker.prefix : []),
      ...(side === "kafka" ? [...java(["-Xmx1G", "-Xms1G"], "kafka.Kafka")] : [
        ...[Deno.execPath(), "run", "-A"],
        ...(preload === undefined ? [] : ["--preload", preload]),
        ...[`${treeOf(side)}/cli/main.ts`, "start", "--log-level", "error", "--config"],
      ]),
      this.#properties(id),
    ];
    const child = new Deno.Command(program!, {
      args,
      cwd: this.#directory,
      env: { ...env?.(id) },
      stdin: "null",
      stdout: "null",
      // Kafka reports the failures that are made here as errors, with stacks.
      stderr: side === "kafka" ? "null" : "inherit",
    }).spawn();
    const process: NodeProcess = {
      child,
      hasEnded: false,
      ended: child.status.then(() => void (process.hasEnded = true)),
    };
    this.#processes.set(id, process);
  }
}

/** Resolves after `ms`. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
