/**
 * A cluster of processes, some of Millrace and some of Apache Kafka, on one machine.
 *
 * @module
 */
import { META_PROPERTIES, readClusterId } from "../../src/log/directory/meta_properties.ts";
import { Admin } from "../../src/client/mod.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { Broker, freePort } from "./broker.ts";
import { type Kafka, run } from "./kafka.ts";

/** The program that a node runs. */
export type Program = "millrace" | "kafka";
/** A node's program and its only role. */
export type NodeKind = `${Program} ${"controller" | "broker"}`;

/** How a cluster is made. */
export interface MixedClusterOptions {
  readonly kafka: Kafka;
  /** The directory of everything that it writes. */
  readonly root: string;
  /** The nodes by id. None is started. */
  readonly nodes: Readonly<Record<number, NodeKind>>;
  /** Whether the voters are in the log (`kraft.version` 1) instead of in the configuration. */
  readonly isDynamic?: boolean;
  /** Settings of all nodes, `key=value` each. */
  readonly settings?: readonly string[];
}

/** Maximum time until a change is visible. */
const WITHIN_MS = 30_000;
const HOST = "127.0.0.1";
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk";
const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const NODE_PROCESS = new URL("./node_process.ts", import.meta.url).pathname;
/** The features that this version of Millrace does not support, at the level at which it can take part. */
const FEATURES = ["group", "transaction", "eligible.leader.replicas", "share", "streams"]
  .flatMap((name) => ["--feature", `${name}.version=0`]);
/** Keeps internal topics small, and bounds the time that the tools wait for an answer. */
const SETTINGS = [
  "group.initial.rebalance.delay.ms=0",
  "offsets.topic.num.partitions=1",
  "offsets.topic.replication.factor=1",
];
const TOOL_SETTINGS = ["default.api.timeout.ms=15000", "request.timeout.ms=10000"];

/** A node of the cluster. */
interface MixedNode {
  program: Program;
  readonly role: string;
  readonly port: number;
  process: Broker | null;
}

/** A cluster of both programs. */
export class MixedCluster {
  readonly #options: MixedClusterOptions;
  readonly #nodes: ReadonlyMap<number, MixedNode>;

  constructor(options: MixedClusterOptions) {
    this.#options = options;
    this.#nodes = new Map(
      Object.entries(options.nodes).map(([id, kind]) => {
        const [program, role] = kind.split(" ") as [Program, string];
        return [Number(id), { program, role, port: freePort(), process: null }];
      }),
    );
  }

  /** Formats the directory of a node of ours, which is optional for a static quorum, with these flags. */
  async format(id: number, ...flags: string[]): Promise<void> {
    const path = `${this.directory(id)}.properties`;
    await Deno.writeTextFile(path, this.#settings(id).join("\n"));
    const command = [Deno.execPath(), "run", "-A", "--no-check", MAIN, "format"];
    const { code, err } = await run([...command, "--config", path, ...flags]);
    if (code !== 0) throw new Error(`the directory cannot be formatted: ${err}`);
  }

  /** Starts nodes, and resolves when all accept connections. */
  async start(...ids: number[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#start(id)));
  }

  /** Ends nodes with SIGKILL. */
  async kill(...ids: number[]): Promise<void> {
    await Promise.all(ids.map(async (id) => {
      const node = this.#node(id);
      await node.process?.kill();
      node.process = null;
    }));
  }

  /** Ends a node in order. */
  async stop(id: number): Promise<void> {
    const node = this.#node(id);
    try {
      await node.process!.stop();
    } catch (error) {
      throw new Error(`node ${id} (${node.program}) did not stop: ${(error as Error).message}`);
    }
    node.process = null;
  }

  /** Ends all nodes at once, before the directory is removed. */
  async close(): Promise<void> {
    await this.kill(...this.#nodes.keys());
  }

  /** Makes the other program carry on the directory of a node, which does not run. */
  setProgram(id: number, program: Program): void {
    this.#node(id).program = program;
  }

  programOf(id: number): Program {
    return this.#node(id).program;
  }

  /** The address of a node. */
  address(id: number): string {
    return `${HOST}:${this.#node(id).port}`;
  }

  directory(id: number): string {
    return `${this.#options.root}/node${id}`;
  }

  /** Returns the names of the snapshots of a node's metadata, apart from that of the format. */
  async snapshots(id: number): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(`${this.directory(id)}/__cluster_metadata-0`)) {
      if (name.endsWith(".checkpoint") && !/^0+-0+\./.test(name)) names.push(name);
    }
    return names.sort();
  }

  /** Uses an admin client of ours that begins with a node. */
  async withAdmin<T>(id: number, use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin({
      bootstrapServers: this.address(id),
      requestTimeoutMs: 10_000,
      clientId: "interop",
    });
    try {
      return await use(admin);
    } finally {
      await admin.close();
    }
  }

  /** Runs a tool of Kafka. Returns what it prints. Throws if it fails. */
  async tool(className: string, args: readonly string[], input?: string): Promise<string> {
    const { code, out, err } = await this.#options.kafka.toolWith({ input }, className, ...args);
    if (code === 0) return out + err;
    throw new Error(`${className} ${args.join(" ")} failed: ${out.slice(-600)} ${err.slice(-900)}`);
  }

  /** Runs a tool of Kafka that must fail. Returns what it prints. */
  async failingTool(className: string, args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.#options.kafka.tool(className, ...args);
    if (code !== 0) return out + err;
    throw new Error(`${className} ${args.join(" ")} did not fail: ${out}`);
  }

  /** Writes the settings of an administrative tool, with those of a node before them, and returns the path. */
  async toolSettings(id?: number): Promise<string> {
    const path = `${this.#options.root}/tool${id ?? ""}.properties`;
    const own = id === undefined ? [] : this.#settings(id);
    await Deno.writeTextFile(path, [...own, ...TOOL_SETTINGS].join("\n"));
    return path;
  }

  /** Resolves when `holds` does. Throws with the last lines of the nodes after 30 s. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const began = performance.now();
    let last = "";
    while (true) {
      try {
        if (await holds()) return;
      } catch (error) {
        last = (error as Error).message;
      }
      if (performance.now() - began > WITHIN_MS) {
        throw new Error(`${what} took longer than ${WITHIN_MS} ms: ${last}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Returns the last lines that the nodes have printed. */
  tails(): string {
    return [...this.#nodes].flatMap(([id, { program, process }]) =>
      process === null ? [] : [`node ${id} (${program}): ${process.tail().slice(-1_500)}`]
    ).join("; ");
  }

  async #start(id: number): Promise<void> {
    const node = this.#node(id);
    const path = `${this.directory(id)}.properties`;
    await Deno.writeTextFile(path, this.#settings(id).join("\n"));
    if (node.program === "kafka") await this.#format(id, path);
    const command = node.program === "kafka"
      ? [...this.#options.kafka.java, "kafka.Kafka", path]
      : [Deno.execPath(), "run", "-A", "--no-check", NODE_PROCESS, path];
    node.process = await Broker.start(command, node.port, this.directory(id));
  }

  /** Formats the directory of a node of Kafka unless it is formatted. */
  async #format(id: number, path: string): Promise<void> {
    if (this.#clusterIdOf(id) !== null) return;
    const { isDynamic = false, kafka } = this.#options;
    const known = [...this.#nodes.keys()].map((other) => this.#clusterIdOf(other));
    const clusterId = known.find((found) => found !== null) ?? CLUSTER_ID;
    const { code, out, err } = await kafka.tool(
      "kafka.tools.StorageTool",
      ...["format", "-t", clusterId, "-c", path, ...FEATURES],
      ...(isDynamic ? ["--no-initial-controllers"] : []),
    );
    if (code !== 0) throw new Error(`the directory cannot be formatted: ${out} ${err}`);
  }

  #clusterIdOf(id: number): string | null {
    return readClusterId(hostRuntime().files, `${this.directory(id)}/${META_PROPERTIES}`);
  }

  #settings(id: number): string[] {
    const { isDynamic = false, settings = [] } = this.#options;
    const { role, port } = this.#node(id);
    const controllers = [...this.#nodes].filter(([, { role }]) => role === "controller");
    const addresses = controllers.map(([id, { port }]) =>
      isDynamic ? `${HOST}:${port}` : `${id}@${HOST}:${port}`
    );
    return [
      `process.roles=${role}`,
      `node.id=${id}`,
      `controller.quorum.${isDynamic ? "bootstrap.servers" : "voters"}=${addresses.join(",")}`,
      "controller.listener.names=CONTROLLER",
      `listeners=${role === "controller" ? "CONTROLLER" : "PLAINTEXT"}://${HOST}:${port}`,
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
      `log.dirs=${this.directory(id)}`,
      ...SETTINGS,
      ...settings,
    ];
  }

  #node(id: number): MixedNode {
    return this.#nodes.get(id)!;
  }
}
