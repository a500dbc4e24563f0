/**
 * Supervises the nodes of a cluster, each in a process of its own: starts them, reports and restarts those
 * that end by themselves, and stops them in order.
 *
 * @module
 */
import { readLines } from "./child_lines.ts";
import { CommandError } from "./fail.ts";
import type { ChildProcess } from "./host.ts";

/** A node to supervise. */
export interface SupervisedNode {
  readonly id: number;
  /** The arguments of its process. */
  readonly args: readonly string[];
  /** Whether it is a voter of the quorum, which brokers need for an orderly stop. */
  readonly isVoter: boolean;
}

/** The first line that the process of a node prints when it serves, as JSON. */
export interface ReadyLine {
  readonly clusterId: string;
  /** The addresses of its listeners for clients, `host:port`. */
  readonly addresses: readonly string[];
  readonly notices: readonly string[];
}

/** The environment of a supervisor. */
export interface SupervisorOptions {
  readonly nodes: readonly SupervisedNode[];
  /** Whether a node that ends by itself is started again. */
  readonly restarts: boolean;
  /** Starts the process of a node. */
  spawn(args: readonly string[]): Promise<ChildProcess>;
  /** Prints a line for the operator. */
  print(line: string): void;
  readonly clock: SupervisorClock;
}

/** The time. */
export interface SupervisorClock {
  nowMs(): number;
  /** Calls `callback` after a delay. Returns a function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Delay before the first restart of a node, ms. It doubles with each further one in a minute. */
const FIRST_RESTART_MS = 200;
const MAX_RESTART_MS = 5_000;
/** Maximum number of restarts of a node in {@linkcode RESTART_PERIOD_MS}. */
const MAX_RESTARTS = 5;
const RESTART_PERIOD_MS = 60_000;
/** How long a node may take to stop, ms. */
const STOP_TIMEOUT_MS = 30_000;

/** What the process of a node does. */
type State =
  | { readonly type: "starting" | "serving" | "stopping"; readonly child: ChildProcess }
  | { readonly type: "waiting"; readonly cancel: () => void }
  | { readonly type: "stopped" };

/** Supervises the nodes of one cluster. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #nodes: readonly NodeSupervisor[];
  #stopping: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#nodes = options.nodes.map((node) => new NodeSupervisor(node, options));
  }

  /**
   * Starts all nodes. Resolves when all serve, with their ready lines. Rejects with a CommandError as soon
   * as one ends instead; the others run on.
   */
  async start(): Promise<ReadyLine[]> {
    return await Promise.all(this.#nodes.map((node) => node.start()));
  }

  /** Resolves when no node runs and none will be started again. */
  async ended(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.ended));
  }

  /** Stops all nodes: brokers first, together, then the voters one after another. May be called twice. */
  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  /** Ends all nodes at once. */
  kill(): void {
    for (const node of this.#nodes) node.kill();
  }

  async #stop(): Promise<void> {
    const isVoter = ({ node }: NodeSupervisor) => node.isVoter;
    for (const one of this.#nodes) one.stopRestarting();
    await Promise.all(this.#nodes.filter((one) => !isVoter(one)).map((one) => one.stop()));
    for (const one of this.#nodes.filter(isVoter).reverse()) await one.stop();
  }
}

/** Supervises one node. */
class NodeSupervisor {
  readonly node: SupervisedNode;
  /** Resolves when it does not run and will not be started again. */
  readonly ended: Promise<void>;
  readonly #options: SupervisorOptions;
  readonly #setEnded: () => void;
  #state: State = { type: "stopped" };
  #restarts: boolean;
  /** Whether the whole cluster stops. */
  #isEnding = false;
  #hasServed = false;
  /** The times of the restarts in the last period. */
  #restartedAt: number[] = [];
  /** The reason that the process printed last, if it is the reason of its end. */
  #reason: string | null = null;

  constructor(node: SupervisedNode, options: SupervisorOptions) {
    this.node = node;
    this.#options = options;
    this.#restarts = options.restarts;
    ({ promise: this.ended, resolve: this.#setEnded } = Promise.withResolvers<void>());
  }

  /** Starts the node for the first time: it is not restarted if it never serves. */
  async start(): Promise<ReadyLine> {
    const ready = Promise.withResolvers<ReadyLine>();
    // A signal may arrive before the result is awaited.
    ready.promise.catch(() => {});
    await this.#spawn(ready.resolve, (how) => {
      const sentence = `Node ${this.node.id} did not start: ${how}`;
      ready.reject(new CommandError(sentence));
      this.#setStopped();
    });
    return await ready.promise;
  }

  /** Called before the first node of the cluster is stopped. */
  stopRestarting(): void {
    this.#restarts = false;
    this.#isEnding = true;
    if (this.#state.type !== "waiting") return;
    this.#state.cancel();
    this.#setStopped();
  }

  async stop(): Promise<void> {
    const state = this.#state;
    if (state.type === "stopped" || state.type === "waiting") return;
    const { child } = state;
    this.#state = { type: "stopping", child };
    child.endInput();
    const { clock, print } = this.#options;
    const cancel = clock.after(STOP_TIMEOUT_MS, () => {
      print(
        `Node ${this.node.id} has not stopped within ${STOP_TIMEOUT_MS / 1_000} s: it is killed`,
      );
      child.kill();
    });
    await child.ended;
    cancel();
    await this.ended;
  }

  kill(): void {
    this.stopRestarting();
    if ("child" in this.#state) this.#state.child.kill();
  }

  /** Starts the process. `onFailed` is called if it ends before it serves. */
  async #spawn(
    onReady: (ready: ReadyLine) => void,
    onFailed: (how: string) => void,
  ): Promise<void> {
    const { id, args } = this.node;
    const { print, spawn } = this.#options;
    this.#reason = null;
    let child: ChildProcess;
    try {
      child = await spawn(args);
    } catch (error) {
      return onFailed(`its process cannot be started, ${(error as Error).message}`);
    }
    this.#state = { type: "starting", child };
    const output = readLines(child.output, (line) => {
      const ready = this.#state.type === "starting" ? parseReady(line) : null;
      if (ready === null) return print(`node ${id}: ${line}`);
      this.#state = { type: "serving", child };
      this.#hasServed = true;
      onReady(ready);
    });
    const errors = readLines(child.errors, (line) => {
      const [, reason] = /^millrace node: (.*)$/.exec(line) ?? [];
      if (reason !== undefined) this.#reason = reason;
      // That the other nodes end is no news while all of them stop.
      else if (!this.#isEnding || / ERROR /.test(line)) {
        print(`node ${id}: ${line}`);
      }
    });
    Promise.all([child.ended, output, errors]).then(([how]) => {
      const { type } = this.#state;
      const reason = this.#reason ?? sentenceOf(how);
      if (type === "stopping") {
        // The reason of a start that failed is that of another node, which has been reported.
        if (how !== 0 && this.#hasServed) print(`Node ${id} did not stop in order: ${reason}`);
        this.#setStopped();
      } else if (type === "starting") onFailed(reason);
      else this.#onEnded(reason);
    });
  }

  /** The node has ended by itself. */
  #onEnded(reason: string): void {
    const { print, clock } = this.#options;
    const what = `Node ${this.node.id} ended: ${reason}`;
    if (!this.#restarts) {
      print(what);
      return this.#setStopped();
    }
    const nowMs = clock.nowMs();
    this.#restartedAt = this.#restartedAt.filter((ms) => nowMs - ms < RESTART_PERIOD_MS);
    const count = this.#restartedAt.length;
    if (count >= MAX_RESTARTS) {
      print(`${what}; it is not started again, after ${count} restarts within a minute`);
      return this.#setStopped();
    }
    const delayMs = Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** count);
    print(`${what}; it is started again in ${delayMs} ms`);
    const cancel = clock.after(delayMs, () => this.#restart());
    this.#state = { type: "waiting", cancel };
  }

  #restart(): void {
    const { print, clock } = this.#options;
    this.#restartedAt.push(clock.nowMs());
    const onReady = () => print(`Node ${this.node.id} serves again`);
    this.#spawn(onReady, (reason) => this.#onEnded(reason));
  }

  #setStopped(): void {
    this.#state = { type: "stopped" };
    this.#setEnded();
  }
}

/** Returns the ready line, or null for another line. */
function parseReady(line: string): ReadyLine | null {
  if (!line.startsWith("{")) return null;
  try {
    const ready = JSON.parse(line);
    return typeof ready.clusterId === "string" && Array.isArray(ready.addresses) ? ready : null;
  } catch {
    return null;
  }
}

/** Returns how a process has ended, in words. */
function sentenceOf(how: number | string): string {
  return typeof how === "string" ? `killed by ${how}` : `exit code ${how}`;
}
