/**
 * Executes the life of a broker: sends what {@linkcode BrokerLifecycle} decides to the active controller
 * and reports what happens to it.
 *
 * @module
 */
import type { BrokerLifecycleSettings } from "../../config/node_config.ts";
import type { Logger } from "../../logger.ts";
import { SUPPORTED_FEATURES } from "../../metadata/features.ts";
import { ErrorCode, errorName, KafkaError } from "../../protocol/errors.ts";
import { brokerHeartbeat } from "../../protocol/messages/broker_heartbeat.ts";
import { brokerRegistration } from "../../protocol/messages/broker_registration.ts";
import type { Clock, Timer } from "../../runtime/runtime.ts";
import type { ControllerChannel } from "../controller_channel.ts";
import { BrokerLifecycle } from "./broker_lifecycle.ts";
import type { BrokerState, LifecycleEffect, LifecycleEvent } from "./lifecycle_types.ts";
import { type RefusedBroker, registrationRefusal } from "./registration_refusal.ts";

/** How long one attempt to register lasts, ms. */
const REGISTRATION_ATTEMPT_MS = 5_000;

/** What a broker registers. */
export interface BrokerIdentity extends RefusedBroker {
  /** Drawn at random for each process. */
  readonly incarnationId: string;
  readonly rack: string | null;
  /** The epoch before the orderly shutdown of the last process, -1 after any other end. */
  readonly previousBrokerEpoch: number;
  /** Returns the ids of the log directories in service. */
  onlineDirectories(): readonly string[];
}

/** The image of the broker. */
export interface FollowedImage {
  /** The offset of the last record that the broker has applied, -1 before the first. */
  readonly offset: number;
  /** Resolves once the broker has applied the record at `offset`. */
  waitFor(offset: number): Promise<void>;
}

/** The dependencies of a session. */
export interface BrokerSessionOptions {
  readonly clock: Clock;
  /** A channel that no other request uses: heartbeats must not wait. */
  readonly channel: Pick<ControllerChannel, "request">;
  readonly settings: BrokerLifecycleSettings;
  readonly identity: BrokerIdentity;
  readonly image: FollowedImage;
  readonly logger: Logger;
}

/** The session of a broker with the controllers of its cluster. */
export class BrokerSession {
  /** Resolves with the reason if the broker cannot register and must stop. */
  readonly failed: Promise<KafkaError>;
  readonly #options: BrokerSessionOptions;
  readonly #lifecycle: BrokerLifecycle;
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #unfenced = Promise.withResolvers<void>();
  readonly #mayStop = Promise.withResolvers<void>();
  readonly #fail: (failure: KafkaError) => void;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: BrokerSessionOptions) {
    this.#options = options;
    this.#lifecycle = new BrokerLifecycle(options.settings);
    ({ promise: this.failed, resolve: this.#fail } = Promise.withResolvers<KafkaError>());
    // A caller awaits one of them, or none after `stop`.
    for (const { promise } of [this.#caughtUp, this.#unfenced]) promise.catch(() => {});
  }

  get state(): BrokerState {
    return this.#lifecycle.state;
  }

  /** The epoch of the registration, for requests to controllers and leaders; -1 before the first. */
  get brokerEpoch(): number {
    return this.#lifecycle.brokerEpoch;
  }

  /** Whether the broker must not acknowledge records: see {@linkcode BrokerLifecycle.isIsolated}. */
  get isIsolated(): boolean {
    return this.#lifecycle.isIsolated(this.#options.clock.monotonicMs());
  }

  /**
   * Registers, and resolves when the broker has the metadata up to its own registration. Rejects with a
   * `KafkaError` that says what to do if it cannot register in time.
   */
  start(): Promise<void> {
    this.#dispatch({ kind: "start" });
    return this.#caughtUp.promise;
  }

  /**
   * Call it when the logs are open and the listeners accept requests. Resolves when the broker is unfenced
   * and may lead partitions. Rejects as {@linkcode start}.
   */
  becomeReady(): Promise<void> {
    this.#dispatch({ kind: "ready" });
    return this.#unfenced.promise;
  }

  /** Reports the offset of the broker's image at once, if the broker is in service. */
  reportOffset(): void {
    this.#dispatch({ kind: "offset awaited" });
  }

  /** Reports at once that a log directory has gone out of service. */
  reportFailedDirectory(id: string): void {
    this.#dispatch({ kind: "directory failed", id });
  }

  /**
   * Asks the controllers to move leaderships to other brokers, and resolves when the process may stop.
   * Never rejects: without controllers it resolves after a session timeout.
   */
  async shutDown(): Promise<void> {
    this.#dispatch({ kind: "shut down" });
    await this.#mayStop.promise;
  }

  /** Sends nothing any more. */
  stop(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    const stopped = new KafkaError(
      ErrorCode.BROKER_NOT_AVAILABLE,
      "Cannot take part in the cluster: this broker has been stopped",
    );
    this.#caughtUp.reject(stopped);
    this.#unfenced.reject(stopped);
    this.#mayStop.resolve();
  }

  #dispatch(event: LifecycleEvent): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    for (const effect of this.#lifecycle.handle(event, clock.monotonicMs())) this.#execute(effect);
    this.#timer?.cancel();
    this.#timer = null;
    const { tickAt } = this.#lifecycle;
    if (tickAt === null || this.#isClosed) return;
    const delayMs = Math.max(0, Math.ceil(tickAt - clock.monotonicMs()));
    this.#timer = clock.setTimer(delayMs, () => this.#dispatch({ kind: "tick" }));
  }

  #execute(effect: LifecycleEffect): void {
    const { identity, image, logger } = this.#options;
    switch (effect.kind) {
      case "register":
        this.#ask("registration failed", this.#register());
        return;
      case "heartbeat":
        this.#ask("heartbeat failed", this.#beat(effect));
        return;
      case "await image": {
        const { offset } = effect;
        image.waitFor(offset).then(
          () => this.#dispatch({ kind: "image reached", offset }),
          (error) => logger.log("warn", `Cannot follow the metadata: ${(error as Error).message}`),
        );
        return;
      }
      case "caught up":
        return this.#caughtUp.resolve();
      case "unfenced":
        return this.#unfenced.resolve();
      case "may stop":
        return this.#mayStop.resolve();
      case "notice":
        return logger.log(effect.level, effect.text);
      case "registration refused": {
        const { code, reason } = effect;
        return logger.log("warn", `${registrationRefusal(identity, code, reason)}; it tries again`);
      }
      case "fatal":
        return this.#end(effect.code, effect.reason);
    }
  }

  /** Dispatches the event that `request` resolves with, or its failure. */
  #ask(failed: "registration failed" | "heartbeat failed", request: Promise<LifecycleEvent>): void {
    request.then((event) => this.#dispatch(event), (error) => {
      const code = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR;
      this.#dispatch({ kind: failed, code, reason: (error as Error).message });
    });
  }

  async #register(): Promise<LifecycleEvent> {
    const { channel, identity, settings } = this.#options;
    const { brokerEpoch } = this.#lifecycle;
    const answer = await channel.request(brokerRegistration, {
      brokerId: identity.nodeId,
      clusterId: identity.clusterId,
      incarnationId: identity.incarnationId,
      listeners: identity.endpoints,
      features: [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
      rack: identity.rack,
      isMigratingZkBroker: false,
      logDirs: identity.onlineDirectories(),
      // A process that is alive has lost nothing since its last registration.
      previousBrokerEpoch: brokerEpoch < 0 ? identity.previousBrokerEpoch : brokerEpoch,
    }, { timeoutMs: Math.min(REGISTRATION_ATTEMPT_MS, settings.registrationTimeoutMs) });
    return answer.errorCode === ErrorCode.NONE
      ? { kind: "registered", epoch: answer.brokerEpoch }
      : failure("registration failed", answer.errorCode);
  }

  async #beat(
    { epoch, wantFence, wantShutDown, offlineDirectories }: LifecycleEffect & { kind: "heartbeat" },
  ): Promise<LifecycleEvent> {
    const { channel, identity, image, settings } = this.#options;
    const { errorCode, isFenced, shouldShutDown } = await channel.request(brokerHeartbeat, {
      brokerId: identity.nodeId,
      brokerEpoch: epoch,
      currentMetadataOffset: image.offset,
      wantFence,
      wantShutDown,
      offlineLogDirs: offlineDirectories,
      cordonedLogDirs: null,
    }, {
      // A connection that has died silently leaves time for another heartbeat within the session.
      timeoutMs: Math.max(settings.heartbeatIntervalMs, Math.floor(settings.sessionTimeoutMs / 2)),
    });
    return errorCode === ErrorCode.NONE
      ? { kind: "heartbeat answered", isFenced, shouldShutDown }
      : failure("heartbeat failed", errorCode);
  }

  #end(code: number, reason: string): void {
    const { identity } = this.#options;
    const error = new KafkaError(
      code as ErrorCode,
      registrationRefusal(identity, code, reason),
    );
    this.#fail(error);
    this.#caughtUp.reject(error);
    this.#unfenced.reject(error);
    this.#mayStop.resolve();
  }
}

function failure(
  kind: "registration failed" | "heartbeat failed",
  code: number,
): LifecycleEvent {
  return { kind, code, reason: `the active controller answers ${errorName(code)}` };
}
