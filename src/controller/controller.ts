/**
 * The controller role of a node. While the node leads the quorum it has an {@linkcode ActiveController},
 * which makes all changes to the cluster; otherwise it refuses them and names the active controller.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Logger } from "../logger.ts";
import type { MetadataLoader } from "../metadata/loader.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ActiveController, type LedQuorum } from "./active_controller.ts";
import { CommittedState, OwnState } from "./active/decision_state.ts";

/** The quorum that a controller belongs to. */
export interface ControllerQuorum extends LedQuorum {
  /** The id of the active controller, -1 while none is known. */
  readonly leaderId: number;
}

/** The dependencies of a controller. */
export interface ControllerOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly clusterId: string;
  readonly loader: MetadataLoader;
  readonly quorum: ControllerQuorum;
  /** The records of the bootstrap checkpoint, which a new cluster begins with; empty for the defaults. */
  readonly bootstrapRecords: readonly MetadataRecordInput[];
  /** Maximum number of replicas of a new partition. Defaults to any number. */
  readonly maxReplicas?: number;
}

/** The leadership of one epoch, from its beginning. */
interface Leadership {
  readonly epoch: number;
  /** Resolves when the state has been loaded. */
  readonly active: PromiseWithResolvers<ActiveController>;
  /** Set when {@linkcode Leadership.active} has resolved. */
  controller: ActiveController | null;
}

/** The controller of a node. */
export class Controller {
  readonly #options: ControllerOptions;
  #leadership: Leadership | null = null;
  #committedOffset = 0;
  /** Ended leaderships with a decision under way. */
  readonly #ending = new Set<Promise<void>>();
  readonly #followers: ((active: ActiveController) => void)[] = [];

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** The active controller, if this node is it and has loaded its state. */
  get active(): ActiveController | null {
    return this.#leadership?.controller ?? null;
  }

  /** Calls `follower` with the active controller, if this node is it, and whenever it becomes that again. */
  follow(follower: (active: ActiveController) => void): void {
    this.#followers.push(follower);
    if (this.active !== null) follower(this.active);
  }

  /**
   * Calls `request` with the active controller, once its state has been loaded. Rejects with NOT_CONTROLLER
   * if another node is active, and as `request` does.
   */
  async run<Result>(request: (active: ActiveController) => Promise<Result>): Promise<Result> {
    const leadership = this.#leadership;
    if (leadership === null) throw this.#notActive();
    return await request(leadership.controller ?? await leadership.active.promise);
  }

  /** See {@linkcode ActiveController.createTopics}. */
  readonly createTopics: ActiveController["createTopics"] = (...request) =>
    this.run((active) => active.createTopics(...request));
  /** See {@linkcode ActiveController.deleteTopics}. */
  readonly deleteTopics: ActiveController["deleteTopics"] = (...request) =>
    this.run((active) => active.deleteTopics(...request));
  /** See {@linkcode ActiveController.createPartitions}. */
  readonly createPartitions: ActiveController["createPartitions"] = (...request) =>
    this.run((active) => active.createPartitions(...request));
  /** See {@linkcode ActiveController.alterConfigs}. */
  readonly alterConfigs: ActiveController["alterConfigs"] = (...request) =>
    this.run((active) => active.alterConfigs(...request));
  /** See {@linkcode ActiveController.incrementalAlterConfigs}. */
  readonly incrementalAlterConfigs: ActiveController["incrementalAlterConfigs"] = (...request) =>
    this.run((active) => active.incrementalAlterConfigs(...request));
  /** See {@linkcode ActiveController.electLeaders}. */
  readonly electLeaders: ActiveController["electLeaders"] = (...request) =>
    this.run((active) => active.electLeaders(...request));

  /** Begins to lead `epoch`, whose first record is at `startOffset`. */
  onActive(epoch: number, startOffset: number): void {
    const active = Promise.withResolvers<ActiveController>();
    // Requests get the rejection; there may be none.
    active.promise.catch(() => {});
    const leadership: Leadership = { epoch, active, controller: null };
    this.#leadership = leadership;
    this.#begin(leadership, startOffset).catch((error) => {
      if (this.#leadership !== leadership) return;
      const { logger, quorum } = this.#options;
      logger.log("error", `Cannot lead epoch ${epoch}: ${(error as Error).message}`);
      quorum.resign();
    });
  }

  /** Ends the leadership of `epoch`: requests under way fail with NOT_CONTROLLER. */
  onInactive(epoch: number): void {
    const leadership = this.#leadership;
    if (leadership?.epoch !== epoch) return;
    this.#leadership = null;
    const reason = this.#notActive();
    leadership.active.reject(reason);
    const { controller } = leadership;
    if (controller === null) return;
    controller.end(reason);
    const ending = controller.settled();
    this.#ending.add(ending);
    ending.finally(() => this.#ending.delete(ending));
  }

  /** Takes note that the records below `offset` are committed. */
  onCommitted(offset: number): void {
    this.#committedOffset = offset;
    this.#leadership?.controller?.onCommitted(offset);
  }

  /** Resolves when no decision is under way. Call after the end of the leadership. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending);
  }

  async #begin(leadership: Leadership, startOffset: number): Promise<void> {
    const { loader, quorum, ...environment } = this.#options;
    const { epoch } = leadership;
    // An open transaction has no effect and never ends by itself: it is aborted first of all.
    await loader.waitUntilLoaded(startOffset - 1);
    const isInTransaction = loader.isInTransaction;
    const state = quorum.isSoleVoter
      ? new CommittedState(loader)
      : new OwnState(await loader.fork());
    if (this.#leadership !== leadership) return;
    const controller = new ActiveController({ ...environment, epoch, quorum, state });
    leadership.controller = controller;
    controller.onCommitted(this.#committedOffset);
    const begun = controller.begin(isInTransaction);
    leadership.active.resolve(controller);
    for (const follower of this.#followers) follower(controller);
    await begun;
  }

  #notActive(): KafkaError {
    const { quorum: { leaderId }, config: { nodeId } } = this.#options;
    return new KafkaError(
      ErrorCode.NOT_CONTROLLER,
      // A leader that has resigned knows no other one yet.
      leaderId < 0 || leaderId === nodeId
        ? "Cannot change the metadata: no controller is active, try again"
        : `Cannot change the metadata: this node is not the active controller, node ${leaderId} is`,
    );
  }
}
