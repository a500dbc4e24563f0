/**
 * A node of a cluster over its processes: started, killed, started again on the same directory and the same
 * ports.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { formatListener } from "../config/listeners.ts";
import type { Logger } from "../logger.ts";
import { Node, type NodeOptions } from "../node/node.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { KillableRuntime } from "../runtime/killable_runtime.ts";
import { Accepts } from "./accepts.ts";
import type { NodePlan, NodeRole } from "./layout.ts";

/** The state of a node of a cluster. */
export type NodeState = "starting" | "running" | "stopping" | "stopped" | "killed" | "failed";

/** The part of {@linkcode NodeOptions} that stays the same when a node starts again. */
export interface MemberOptions extends NodeOptions {
  readonly config: Readonly<Record<string, string>>;
  /** Whether the node can be killed. Each of its accesses to the host takes a little longer then. */
  readonly isKillable: boolean;
}

/** A process of a node, as far as it has come. */
type Process =
  | { readonly state: "starting" | "killed" | "stopped"; readonly node: null }
  | { readonly state: "running" | "stopping" | "failed"; readonly node: Node };

/** One node of a cluster. */
export class Member {
  readonly id: number;
  readonly roles: readonly NodeRole[];
  readonly #options: MemberOptions;
  readonly #onFailed: (error: KafkaError) => void;
  #process: Process = { state: "stopped", node: null };
  /** Of the running process. Null if it cannot be killed. */
  #killable: KillableRuntime | null = null;
  #killed = Promise.withResolvers<never>();
  readonly #accepts = new Accepts();
  #lastNode: Node | null = null;

  constructor(plan: NodePlan, options: MemberOptions, onFailed: (error: KafkaError) => void) {
    this.id = plan.id;
    this.roles = plan.roles;
    this.#options = options;
    this.#onFailed = onFailed;
  }

  get state(): NodeState {
    return this.#process.state;
  }

  /** The running node, or null. */
  get node(): Node | null {
    return this.#process.state === "running" ? this.#process.node : null;
  }

  /** The node as it was started last. Throws if it has never been started. */
  get lastNode(): Node {
    return this.#lastNode!;
  }

  /** Starts the node and resolves when it serves. Rejects as `Node.start`, and when it is killed meanwhile. */
  async start(): Promise<void> {
    const { logger, runtime, isKillable } = this.#options;
    const network = this.#accepts.of(runtime.network);
    const killable = isKillable ? new KillableRuntime({ ...runtime, network }) : null;
    const killed = Promise.withResolvers<never>();
    killed.promise.catch(() => {});
    const starting: Process = { state: "starting", node: null };
    this.#killable = killable;
    this.#killed = killed;
    this.#process = starting;
    const started = Node.start({
      ...this.#options,
      config: this.#config,
      ...(killable !== null && {
        runtime: killable.runtime,
        logger: untilKilled(killable, logger),
      }),
    });
    let node: Node;
    try {
      node = await Promise.race([started, killed.promise]);
      // The kill may have come after the last step of the start.
      if (this.#process !== starting) await killed.promise;
    } catch (error) {
      if (this.#process === starting) this.#process = { state: "stopped", node: null };
      throw error;
    }
    this.#process = { state: "running", node };
    this.#lastNode = node;
    node.failed.then((error) => {
      if (this.#process.node !== node) return;
      this.#process = { state: "failed", node };
      this.#onFailed(error);
    });
  }

  /** Ends the process of the node at once, if it has one. Resolves when its ports are free. */
  async kill(): Promise<void> {
    if (this.#process.state === "stopped" || this.#process.state === "killed") return;
    assert(this.#killable !== null, `Node ${this.id} cannot be killed`);
    this.#process = { state: "killed", node: null };
    this.#killable.kill();
    this.#killed.reject(
      new KafkaError(ErrorCode.BROKER_NOT_AVAILABLE, `Node ${this.id} was killed`),
    );
    await this.#accepts.ended();
  }

  /** Ends the node in order. With `handsOver`, its leaderships move to other nodes first. */
  async stop({ handsOver }: { readonly handsOver: boolean }): Promise<void> {
    const { node } = this.#process;
    // A node that is starting may wait for others.
    if (node === null) return this.#killable === null ? undefined : await this.kill();
    this.#process = { state: "stopping", node };
    await Promise.race([node.shutdown({ handsOver }), this.#killed.promise]);
    if (this.#process.node === node) this.#process = { state: "stopped", node: null };
  }

  /** The settings, with the ports of the first start. */
  get #config(): Readonly<Record<string, string>> {
    const { config } = this.#options;
    if (this.#lastNode === null) return config;
    const { brokerListeners, controllerListeners } = this.#lastNode.config;
    return {
      ...config,
      listeners: [...brokerListeners, ...controllerListeners].map(formatListener).join(","),
    };
  }
}

/** Returns `logger` as a process has it: code that still runs when the process is killed logs nothing. */
function untilKilled(killable: KillableRuntime, logger: Logger): Logger {
  return {
    log: (level, message) => {
      if (!killable.isKilled) logger.log(level, message);
    },
    ...(logger.with !== undefined && {
      with: (context) => untilKilled(killable, logger.with!(context)),
    }),
  };
}
