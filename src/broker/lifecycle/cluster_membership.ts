/**
 * The membership of a broker in a cluster of several nodes: a session with the active controller, kept by
 * heartbeats.
 *
 * @module
 */
import type { BrokerLifecycleSettings } from "../../config/node_config.ts";
import type { Logger } from "../../logger.ts";
import type { KafkaError } from "../../protocol/errors.ts";
import { randomUuid } from "../../protocol/uuid.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ControllerChannel } from "../controller_channel.ts";
import { BrokerSession, type FollowedImage } from "./broker_session.ts";
import type { BrokerMembership, BrokerPresentation } from "./membership.ts";

/** The dependencies of {@linkcode ClusterMembership}. */
export interface ClusterMembershipOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly rack: string | null;
  readonly settings: BrokerLifecycleSettings;
  /** The broker epoch before the orderly end of the last process, -1 after any other end. */
  readonly previousBrokerEpoch: number;
  /** A channel that no other request uses: heartbeats must not wait. Closed with the membership. */
  readonly heartbeatChannel: ControllerChannel;
  readonly image: FollowedImage;
  readonly logger: Logger;
  /** Called once when the controllers refuse the broker for good, at its start or later: it must stop. */
  readonly onFailed: (error: KafkaError) => void;
  /** Ends the waits of the start with its reason. */
  readonly signal: AbortSignal;
}

/** The membership of a broker that shares its cluster with other nodes. */
export class ClusterMembership implements BrokerMembership {
  readonly #options: ClusterMembershipOptions;
  #session: BrokerSession | null = null;
  #onlineIds: readonly string[] = [];

  constructor(options: ClusterMembershipOptions) {
    this.#options = options;
  }

  get brokerEpoch(): number {
    return this.#session?.brokerEpoch ?? -1;
  }

  async register({ endpoints, directoryIds }: BrokerPresentation): Promise<void> {
    const { runtime: { clock, random }, nodeId, clusterId, rack } = this.#options;
    const { settings, previousBrokerEpoch, heartbeatChannel, image, logger } = this.#options;
    this.#onlineIds = directoryIds;
    this.#session = new BrokerSession({
      clock,
      channel: heartbeatChannel,
      settings,
      identity: {
        nodeId,
        clusterId,
        endpoints,
        incarnationId: randomUuid(random),
        rack,
        previousBrokerEpoch,
        onlineDirectories: () => this.#onlineIds,
      },
      image,
      logger,
    });
    this.#session.failed.then(this.#options.onFailed);
    await untilAborted(this.#session.start(), this.#options.signal);
  }

  enterService(): Promise<void> {
    return untilAborted(this.#session!.becomeReady(), this.#options.signal);
  }

  reportDirectories(onlineIds: readonly string[]): Promise<void> {
    const failed = this.#onlineIds.filter((id) => !onlineIds.includes(id));
    this.#onlineIds = onlineIds;
    for (const id of failed) this.#session?.reportFailedDirectory(id);
    return Promise.resolve();
  }

  reportOffset(): void {
    this.#session?.reportOffset();
  }

  async leaveService(): Promise<void> {
    if (this.#options.settings.controlledShutdownEnable) await this.#session?.shutDown();
  }

  stop(): void {
    this.#session?.stop();
    this.#options.heartbeatChannel.close();
  }
}

/** Settles as `promise` does, or rejects with the reason of `signal` once it is aborted. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
