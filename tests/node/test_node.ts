/**
 * Nodes of a cluster in this process, each with files in memory.
 *
 * @module
 */
import { assertRejects } from "@std/assert";
import { Node, type NodeOptions } from "../../src/node/node.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";

const HOST = "127.0.0.1";
/** Maximum time for a line of the log. */
const LIMIT_MS = 20_000;

/** One or more controllers, as `controller.quorum.voters` has them. */
export function votersOf(ports: Readonly<Record<number, number>>): string {
  return Object.entries(ports).map(([id, port]) => `${id}@${HOST}:${port}`).join(",");
}

/** The settings of a controller that listens on `port`. */
export function controllerConfig(id: number, port: number, voters: string): Record<string, string> {
  return {
    "process.roles": "controller",
    "node.id": String(id),
    "listeners": `CONTROLLER://${HOST}:${port}`,
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": voters,
  };
}

/** The settings of a broker. It gives up after a short time. */
export function brokerConfig(id: number, voters: string): Record<string, string> {
  return {
    "process.roles": "broker",
    "node.id": String(id),
    "listeners": `PLAINTEXT://${HOST}:0`,
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": voters,
    "initial.broker.registration.timeout.ms": "300",
  };
}

/** The nodes of a test. All are shut down at its end. */
export class TestNodes {
  /** All that the nodes have logged, each line once. */
  readonly lines = new Set<string>();
  #onLine: () => void = () => {};
  readonly #nodes: Node[] = [];

  /** Starts a node on `files`. */
  async start(
    config: Record<string, string>,
    files: MemoryFileSystem = new MemoryFileSystem(),
    options: Pick<NodeOptions, "controllerInterceptors"> = {},
  ): Promise<Node> {
    const node = await Node.start({
      ...options,
      parts: ALL_PARTS,
      runtime: { ...hostRuntime(), files },
      directory: "/data",
      config,
      logger: {
        log: (_level, text) => {
          this.lines.add(text);
          this.#onLine();
        },
      },
    });
    this.#nodes.push(node);
    return node;
  }

  /** Resolves when a node has logged `line`. */
  async logged(line: string | RegExp): Promise<void> {
    const isLogged = () =>
      typeof line === "string"
        ? this.lines.has(line)
        : [...this.lines].some((one) => line.test(one));
    while (!isLogged()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () =>
            reject(new Error(`There is no line\n${line}\namong\n${[...this.lines].join("\n")}`)),
          LIMIT_MS,
        );
        this.#onLine = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Starts a node that must not start, and returns the message. */
  async fail(config: Record<string, string>, files?: MemoryFileSystem): Promise<string> {
    const error = await assertRejects(() => this.start(config, files), Error);
    return error.message;
  }

  /** Shuts all nodes down, brokers first. */
  async close(): Promise<void> {
    const nodes = this.#nodes.splice(0);
    for (const node of nodes.filter(({ config }) => !config.isController)) await node.shutdown();
    await Promise.all(
      nodes.filter(({ config }) => config.isController).map((node) => node.shutdown()),
    );
  }
}
