/**
 * The life of a broker in its cluster, as a state machine without a clock or a network:
 *
 * - starting: it registers with the active controller;
 * - recovery: it is registered and fenced until its image has its own registration, its logs are open and
 *   its listeners accept requests, so that a leader that clients find is ready to serve;
 * - running: it serves, and heartbeats keep its session alive;
 * - controlled shutdown: its leaderships move to other brokers;
 * - stopped.
 *
 * A heartbeat leaves at each interval, and at once when there is something to report; never two at a time.
 * A running broker whose registration is gone, since it was unregistered or its controllers lost it,
 * registers again; Apache Kafka's stays out until it is restarted. Two processes with copies of the same
 * directories would replace each other for ever: the one that joined last stops.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { BrokerLifecycleSettings } from "../../config/node_config.ts";
import { ErrorCode, errorName } from "../../protocol/errors.ts";
import type {
  BrokerState,
  HeartbeatAnswer,
  LifecycleEffect,
  LifecycleEvent,
} from "./lifecycle_types.ts";

/** The delay after a failed registration, ms. */
const REGISTRATION_RETRY_MS = 100;
/** The delay after a failed heartbeat, ms: its request was retried before. */
const HEARTBEAT_RETRY_MS = 50;
/** The intervals of heartbeats during a controlled shutdown, ms, from the first on: they double. */
const SHUTDOWN_INTERVAL_MS = { first: 10, most: 100 };
/** How long a controlled shutdown may take, ms, as in Apache Kafka. */
const MAX_SHUTDOWN_MS = 300_000;

/** A broker that another process replaces so soon after its registration, ms, shares its directories. */
const REPLACED_WITHIN_MS = 60_000;
/** How often in a row before it stops. Once may be a late request of a process that has ended. */
const MAX_REPLACEMENTS = 2;

/** The registration codes that a change of the configuration alone can heal. */
const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.INCONSISTENT_CLUSTER_ID,
  ErrorCode.INVALID_REGISTRATION,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.INVALID_REQUEST,
]);

/** The settings that the machine depends on. */
export type LifecycleSettings = Pick<
  BrokerLifecycleSettings,
  "heartbeatIntervalMs" | "sessionTimeoutMs" | "registrationTimeoutMs" | "controlledShutdownEnable"
>;

/** The life of one broker process. All times are monotonic, in milliseconds. */
export class BrokerLifecycle {
  readonly #settings: LifecycleSettings;
  #state: BrokerState = { kind: "starting" };
  /** Whether a request is under way, and whether another one must follow at once. */
  #isInFlight = false;
  #isUrgent = false;
  /** When the request under way was sent. */
  #sentAt = -Infinity;
  /** When the next request is due. */
  #dueAt = Infinity;
  /** When the last request was sent that a controller has accepted. */
  #contactAt = -Infinity;
  #isReady = false;
  #hasOwnRegistration = false;
  #isFenced = true;
  /** When the attempts to register began, and when they have failed for good. */
  #registeringSince = -Infinity;
  #brokerEpoch = -1;
  /** When the broker was registered last, and how often another process replaced it soon after. */
  #registeredAt = -Infinity;
  #replacements = 0;
  /** The last refusal that was reported. */
  #reportedCode: number = ErrorCode.NONE;
  #shutdownSince = Infinity;
  #shutdownIntervalMs = SHUTDOWN_INTERVAL_MS.first;
  readonly #offlineDirectories = new Set<string>();

  constructor(settings: LifecycleSettings) {
    this.#settings = settings;
  }

  get state(): BrokerState {
    return this.#state;
  }

  /** The epoch of the last registration, -1 before the first. */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  /** When to call {@linkcode handle} with a tick at the latest, or null for never. */
  get tickAt(): number | null {
    const { kind } = this.#state;
    const giveUpAt = kind === "controlled shutdown" ? this.#shutdownEndsAt() : Infinity;
    const at = Math.min(this.#isInFlight ? Infinity : this.#dueAt, giveUpAt);
    return kind === "stopped" || at === Infinity ? null : at;
  }

  /**
   * Returns whether the session of the broker may have ended: no controller has accepted a request that
   * was sent within the session timeout. Another broker may lead its partitions then, so it must not
   * acknowledge records.
   */
  isIsolated(now: number): boolean {
    return now - this.#contactAt >= this.#settings.sessionTimeoutMs;
  }

  /** Processes an event and returns what to do, in this order. */
  handle(event: LifecycleEvent, now: number): LifecycleEffect[] {
    if (this.#state.kind === "stopped") return [];
    const effects: LifecycleEffect[] = [];
    this.#apply(event, now, effects);
    this.#communicate(now, effects);
    return effects;
  }

  #apply(event: LifecycleEvent, now: number, effects: LifecycleEffect[]): void {
    switch (event.kind) {
      case "start":
        this.#beginRegistration(now);
        return;
      case "ready":
        this.#isReady = true;
        this.#isUrgent = true;
        return;
      case "image reached":
        // Another registration may have followed the one that was awaited.
        if (!("epoch" in this.#state) || event.offset < this.#state.epoch) return;
        this.#hasOwnRegistration = true;
        this.#isUrgent = true;
        effects.push({ kind: "caught up" });
        return;
      case "offset awaited":
        // Another broker's shutdown waits for the brokers in service alone.
        this.#isUrgent ||= this.#state.kind === "running";
        return;
      case "directory failed":
        this.#isUrgent ||= !this.#offlineDirectories.has(event.id);
        this.#offlineDirectories.add(event.id);
        return;
      case "shut down":
        return this.#beginShutdown(now, effects);
      case "tick":
        if (now >= this.#shutdownEndsAt()) this.#abandonShutdown(now, effects);
        return;
      case "registered":
        return this.#onRegistered(event.epoch, effects);
      case "registration failed":
        return this.#onRegistrationFailure(event, now, effects);
      case "heartbeat answered":
        return this.#onHeartbeat(event, effects);
      case "heartbeat failed":
        return this.#onHeartbeatFailure(event, now, effects);
    }
  }

  /** Sends the request that is due, if none is under way. */
  #communicate(now: number, effects: LifecycleEffect[]): void {
    if (this.#isInFlight || this.#state.kind === "stopped") return;
    if (this.#state.kind === "starting") {
      if (now < this.#dueAt) return;
      effects.push({ kind: "register" });
    } else {
      if (now < this.#dueAt && !this.#isUrgent) return;
      const wantShutDown = this.#state.kind === "controlled shutdown";
      effects.push({
        kind: "heartbeat",
        epoch: this.#state.epoch,
        wantFence: !this.#hasOwnRegistration || !this.#isReady,
        wantShutDown,
        offlineDirectories: [...this.#offlineDirectories],
      });
      this.#isUrgent = false;
    }
    this.#isInFlight = true;
    this.#sentAt = now;
  }

  #beginRegistration(now: number): void {
    this.#state = { kind: "starting" };
    this.#registeringSince = now;
    this.#dueAt = now;
    this.#hasOwnRegistration = false;
    this.#isFenced = true;
    this.#reportedCode = ErrorCode.NONE;
  }

  #onRegistered(epoch: number, effects: LifecycleEffect[]): void {
    assert(this.#state.kind === "starting", "a registration was answered that was not sent");
    this.#isInFlight = false;
    this.#contactAt = this.#sentAt;
    this.#registeredAt = this.#sentAt;
    this.#brokerEpoch = epoch;
    this.#state = { kind: "recovery", epoch };
    this.#dueAt = this.#sentAt;
    effects.push({ kind: "await image", offset: epoch });
  }

  #onRegistrationFailure(
    { code, reason }: LifecycleEvent & { kind: "registration failed" },
    now: number,
    effects: LifecycleEffect[],
  ): void {
    this.#isInFlight = false;
    this.#dueAt = now + REGISTRATION_RETRY_MS;
    const { registrationTimeoutMs, sessionTimeoutMs } = this.#settings;
    const isDuplicate = code === ErrorCode.DUPLICATE_BROKER_REGISTRATION;
    const isRefused = isDuplicate || REFUSALS.has(code);
    // A broker that has served waits for controllers as long as it takes: it may be a partition.
    if (!isRefused && this.#brokerEpoch >= 0) this.#registeringSince = now;
    // The session of a process that was killed ends first.
    const limitMs = isDuplicate
      ? Math.max(registrationTimeoutMs, 2 * sessionTimeoutMs)
      : registrationTimeoutMs;
    if (now - this.#registeringSince >= limitMs) {
      this.#stop();
      effects.push({ kind: "fatal", code, reason, waitedMs: limitMs });
    } else if (isRefused && code !== this.#reportedCode) {
      this.#reportedCode = code;
      effects.push({ kind: "registration refused", code, reason });
    }
  }

  #onHeartbeat(answer: HeartbeatAnswer, effects: LifecycleEffect[]): void {
    const state = this.#state;
    assert("epoch" in state, "a heartbeat was answered that was not sent");
    this.#isInFlight = false;
    this.#contactAt = this.#sentAt;
    this.#dueAt = this.#sentAt + this.#settings.heartbeatIntervalMs;
    if (state.kind === "controlled shutdown") {
      this.#dueAt = Math.min(this.#dueAt, this.#sentAt + this.#shutdownIntervalMs);
      this.#shutdownIntervalMs = Math.min(2 * this.#shutdownIntervalMs, SHUTDOWN_INTERVAL_MS.most);
      if (answer.shouldShutDown) this.#mayStop(effects);
      return;
    }
    if (answer.isFenced === this.#isFenced) return;
    this.#isFenced = answer.isFenced;
    if (answer.isFenced) {
      effects.push(
        notice("warn", "The controllers have fenced this broker: it leads no partition"),
      );
      return;
    }
    if (state.kind === "running") effects.push(notice("info", "This broker is unfenced again"));
    else {
      this.#state = { kind: "running", epoch: state.epoch };
      effects.push({ kind: "unfenced" });
    }
  }

  #onHeartbeatFailure(
    { code, reason }: LifecycleEvent & { kind: "heartbeat failed" },
    now: number,
    effects: LifecycleEffect[],
  ): void {
    this.#isInFlight = false;
    this.#dueAt = now + HEARTBEAT_RETRY_MS;
    const isGone = code === ErrorCode.STALE_BROKER_EPOCH ||
      code === ErrorCode.BROKER_ID_NOT_REGISTERED;
    if (!isGone) {
      effects.push(notice("debug", `A heartbeat has failed: ${reason}`));
      return;
    }
    if (this.#state.kind === "controlled shutdown") {
      // It leads nothing any more.
      this.#mayStop(effects);
      return;
    }
    // No other reason makes the epoch of a registered broker stale.
    if (code === ErrorCode.STALE_BROKER_EPOCH && this.#isReplacedForGood(now)) {
      this.#stop();
      effects.push({ kind: "fatal", code, reason, waitedMs: now - this.#registeredAt });
      return;
    }
    effects.push(notice(
      "warn",
      `The controllers do not know the registration of this broker (${errorName(code)}): it ` +
        "registers again",
    ));
    this.#beginRegistration(now);
  }

  /** Takes note that another process has replaced this broker, and returns whether it has to give way. */
  #isReplacedForGood(now: number): boolean {
    const isSoon = now - this.#registeredAt < REPLACED_WITHIN_MS;
    this.#replacements = isSoon ? this.#replacements + 1 : 0;
    return this.#replacements >= MAX_REPLACEMENTS;
  }

  #beginShutdown(now: number, effects: LifecycleEffect[]): void {
    if (this.#state.kind === "controlled shutdown") return;
    const isPossible = this.#settings.controlledShutdownEnable &&
      (this.#state.kind === "recovery" || this.#state.kind === "running");
    if (!isPossible) return this.#mayStop(effects);
    this.#state = { kind: "controlled shutdown", epoch: this.brokerEpoch };
    this.#shutdownSince = now;
    this.#isUrgent = true;
  }

  /** When a controlled shutdown is given up: nothing is handed over while no controller answers. */
  #shutdownEndsAt(): number {
    const { sessionTimeoutMs } = this.#settings;
    return Math.min(
      this.#shutdownSince + MAX_SHUTDOWN_MS,
      Math.max(this.#shutdownSince, this.#contactAt) + sessionTimeoutMs,
    );
  }

  #abandonShutdown(now: number, effects: LifecycleEffect[]): void {
    const seconds = ((now - this.#shutdownSince) / 1_000).toLocaleString("en-US");
    effects.push(notice(
      "warn",
      `The controllers did not move the leaderships of this broker within ${seconds} s: it stops ` +
        "without, and they elect leaders when its session has ended",
    ));
    this.#mayStop(effects);
  }

  #mayStop(effects: LifecycleEffect[]): void {
    this.#stop();
    effects.push({ kind: "may stop" });
  }

  #stop(): void {
    this.#state = { kind: "stopped" };
    this.#isInFlight = false;
  }
}

function notice(level: "debug" | "info" | "warn", text: string): LifecycleEffect {
  return { kind: "notice", level, text };
}
