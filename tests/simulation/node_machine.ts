/**
 * A machine with a node on it, which is restarted whenever it ends, as by a supervisor.
 *
 * @module
 */
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import type { Address } from "../../src/runtime/runtime.ts";
import type { WatchedPartition } from "./partition_invariants.ts";
import type { World } from "./world.ts";

/** The roles of a node in its cluster. */
export type NodeRole = "broker" | "controller";

/** How a node is set up. */
export interface NodeOptions {
  /** The machine's name. */
  readonly name: string;
  readonly roles: readonly NodeRole[];
  readonly config?: Readonly<Record<string, string>>;
  /** Whether a start may fail with a `KafkaError`, because the disk is made to fail. */
  readonly mayRefuse?: boolean;
  /** The data directory, or several with commas between them. Defaults to {@linkcode DATA}. */
  readonly directory?: string;
  /** Called when the files of each of its processes are open. */
  readonly onOpened?: (node: Node, machine: NodeMachine) => void;
}

/** Where nodes listen. */
export const PORT = 9092;
/** The data directory of a node, unless it has others. */
export const DATA = "/data";

/** The pause between a start that failed and the next one. */
const RESTART_MS = 40;
/** The reasons of errors in the node's log that the scenario has caused. */
const MADE_FAULT = /the simulation makes it fail|the simulated disk is full/;
/** The reason of errors in the log of a node that may open few files, which it tries again. */
const SHORTAGE = /too many open files/;

/** A node of a scenario. */
export class NodeMachine {
  readonly name: string;
  /** The node that serves now, or null. */
  serving: Node | null = null;
  /** The node whose process runs now, from when its files are open, or null. */
  opened: Node | null = null;
  /** Whether a partition is out of service until the node is started again. */
  hasOfflinePartition = false;
  /** Counts processes: what one of them still does after its end does not count. */
  #life = 0;
  /** The process that is being shut down, which still logs. */
  #endingLife = -1;

  constructor(private readonly world: World, private readonly options: NodeOptions) {
    this.name = options.name;
    world.addNode(this);
  }

  /** Whether clients may connect to the node. */
  get isBroker(): boolean {
    return this.options.roles.includes("broker");
  }

  /** Whether its process is being shut down. */
  get isEnding(): boolean {
    return this.serving === null && this.#endingLife === this.#life - 1;
  }

  /** Where the node listens. */
  get address(): Address {
    return { host: this.name, port: PORT };
  }

  /** The partitions that are in service on the node. */
  get partitions(): Iterable<WatchedPartition> {
    return this.serving?.partitions ?? [];
  }

  /** Starts the node, again and again until it serves or the process is replaced. Never rejects. */
  async start(): Promise<void> {
    const life = ++this.#life;
    const { world, name, options } = this;
    for (;;) {
      try {
        const node = await Node.start({
          parts: ALL_PARTS,
          runtime: world.runtime(name),
          directory: options.directory ?? DATA,
          config: {
            "listeners": `PLAINTEXT://${name}:${PORT}`,
            "process.roles": options.roles.join(","),
            "auto.create.topics.enable": "false",
            ...options.config,
          },
          // Controllers decide about more replicas than brokers keep in this version.
          maxReplicas: Infinity,
          logger: { log: (level, message) => this.#onLog(life, level, message) },
          interceptors: world.options.interceptors ?? [],
          onOpened: (node) => {
            if (life !== this.#life) return;
            this.opened = node;
            options.onOpened?.(node, this);
          },
        });
        if (life !== this.#life) return;
        this.serving = node;
        world.count("starts");
        node.failed.then(() => this.#succeed(life, node));
        return;
      } catch (error) {
        if (life !== this.#life) return;
        this.#judgeRefusal(error);
        world.expectNothingHeld(name);
        await world.pause(RESTART_MS);
        if (life !== this.#life || world.failures.length > 0) return;
        world.replaceProcess(name);
      }
    }
  }

  /** Kills the node and starts another process after `deadMs`. */
  async replace(deadMs: number): Promise<void> {
    this.#end();
    this.world.replaceProcess(this.name);
    await this.#startAfter(deadMs);
  }

  /** Cuts the power and starts another process after `deadMs`. */
  async losePower(deadMs: number): Promise<void> {
    this.crash();
    await this.#startAfter(deadMs);
  }

  /** Ends the node in an orderly way if it serves, kills it otherwise, and starts it after `deadMs`. */
  async restart(deadMs: number): Promise<void> {
    const { serving, world } = this;
    if (serving === null) return await this.replace(deadMs);
    this.#end(this.#life);
    const life = this.#life;
    this.opened = serving;
    await serving.shutdown();
    if (life !== this.#life) return;
    this.opened = null;
    await world.expectEnd(this.name);
    // It may have been killed meanwhile.
    if (life === this.#life) await this.replace(deadMs);
  }

  async #startAfter(deadMs: number): Promise<void> {
    const life = this.#life;
    await this.world.pause(deadMs);
    // It may have been killed once more meanwhile.
    if (life === this.#life) this.start();
  }

  /** Cuts the power. Nothing starts by itself then. */
  crash(): void {
    this.#end();
    this.world.crash(this.name);
  }

  /** Ends the node in an orderly way, and checks that nothing is left of it. */
  async shutdown(): Promise<void> {
    const { serving, world } = this;
    this.#end(this.#life);
    await serving?.shutdown();
    await world.expectEnd(this.name);
  }

  /** Starts the next process after the node has ended by itself because its disk failed. */
  async #succeed(life: number, node: Node): Promise<void> {
    if (life !== this.#life) return;
    const { world } = this;
    world.count("ended by its disk");
    this.serving = null;
    await node.shutdown().catch((error) => this.#onLog(life, "error", (error as Error).message));
    if (life !== this.#life) return;
    world.expectNothingHeld(this.name);
    await world.pause(RESTART_MS);
    if (life !== this.#life || world.failures.length > 0) return;
    this.#end();
    world.replaceProcess(this.name);
    await this.start();
  }

  /** `endingLife` is a process that still logs while it shuts down. */
  #end(endingLife = -1): void {
    this.#life++;
    this.#endingLife = endingLife;
    this.serving = null;
    this.opened = null;
    this.hasOfflinePartition = false;
  }

  #onLog(life: number, level: string, message: string): void {
    if (life !== this.#life && life !== this.#endingLife) return;
    const { world, name } = this;
    world.simulation.trace(`${name} ${level}: ${message}`);
    if (/ is offline: | is out of service /.test(message)) this.hasOfflinePartition = true;
    if (level !== "error" || MADE_FAULT.test(message)) return;
    const isShort = Number.isFinite(world.simulation.disk(name).maxOpenFiles);
    if (isShort && SHORTAGE.test(message)) world.count("shortages logged");
    else world.fail(`the log of ${name} has an error: ${message}`);
  }

  #judgeRefusal(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    // Without the stack, which differs between runtimes.
    this.world.simulation.trace(`start refused: ${(error as Error).message}`);
    this.world.count("refusals");
    const isJustified = (this.options.mayRefuse ?? true) && error instanceof KafkaError &&
      MADE_FAULT.test(text);
    if (!isJustified) this.world.fail(`${this.name} refuses to start: ${text}`);
  }
}
