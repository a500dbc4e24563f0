/**
 * The watch of an active controller over the brokers of its cluster: registrations and heartbeats, which
 * begin and extend the sessions of brokers, and the fencing of brokers whose sessions end.
 *
 * @module
 */
import type { Logger } from "../../logger.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { DecisionQueue } from "../active/decision_queue.ts";
import { Timetable } from "../active/timetable.ts";
import {
  type BrokerRegistrationContext,
  type BrokerRegistrationRequest,
  decideBrokerRegistration,
} from "./broker_registration.ts";
import { decideFence, decideUnregister } from "./fencing.ts";
import { decideHeartbeat, type HeartbeatDecision, type HeartbeatRequest } from "./heartbeats.ts";
import { BrokerLiveness, type ExpiredBroker } from "./liveness.ts";

/**
 * How long the end of a session must be past before its broker is fenced, ms. A process that was suspended runs
 * its timers before it reads the heartbeats that arrived meanwhile.
 */
const CONFIRM_MS = 100;

/** The answer to a heartbeat. */
export interface HeartbeatResult {
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/** The dependencies of a watch. */
export interface BrokerWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionTimeoutMs: number;
  /** How often brokers send heartbeats. */
  readonly heartbeatIntervalMs: number;
  /** The state that decisions are made from. */
  readonly image: MetadataImage;
  /** What registrations depend on besides the image and the sessions. */
  readonly registrationContext: Pick<
    BrokerRegistrationContext,
    "clusterId" | "controllerListenerNames"
  >;
  /** Carries out decisions. */
  readonly run: DecisionQueue["run"];
}

/** The watch of one leadership. */
export class BrokerWatch {
  readonly #options: BrokerWatchOptions;
  readonly #liveness: BrokerLiveness;
  readonly #timetable: Timetable;
  /** When all sessions were last extended because this controller was held up. */
  #extendedAt = -Infinity;
  /** When brokers whose sessions are over are fenced; null while there is none. */
  #confirmAt: number | null = null;

  constructor(options: BrokerWatchOptions) {
    const { clock, sessionTimeoutMs } = this.#options = options;
    this.#liveness = new BrokerLiveness({ sessionTimeoutMs });
    this.#timetable = new Timetable(clock, (lateMs) => this.#onTimer(lateMs));
  }

  /** Begins a session for each broker in service. */
  begin(): void {
    this.#liveness.begin(this.#options.image.brokers(), this.#now);
    this.#schedule();
  }

  /** Ends with the leadership. */
  stop(): void {
    this.#timetable.stop();
  }

  /** Registers a broker; see {@linkcode decideBrokerRegistration}. */
  async register(
    request: BrokerRegistrationRequest,
  ): Promise<{ readonly brokerEpoch: number }> {
    const { image, registrationContext, run } = this.#options;
    const { brokerId } = request;
    const liveness = this.#liveness;
    let brokerEpoch = -1;
    await run(() => {
      const before = image.broker(brokerId);
      const { cleanup, register } = decideBrokerRegistration(request, {
        image,
        ...registrationContext,
        hasSession: before !== undefined && liveness.hasSession(brokerId, before.epoch, this.#now),
        isKnownDead: liveness.isKnownDead(brokerId),
      });
      const epilogue = (offset: number) => {
        const registered = register(offset);
        ({ brokerEpoch } = registered);
        return registered.records;
      };
      return { records: cleanup, epilogue, result: undefined };
    }, {
      isDivisible: true,
      onApplied: () => {
        liveness.register(brokerId, brokerEpoch, this.#now);
        this.#schedule();
      },
    });
    return { brokerEpoch };
  }

  /** Processes a heartbeat; see {@linkcode decideHeartbeat}. */
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResult> {
    const { image, run } = this.#options;
    const { brokerId, brokerEpoch, currentMetadataOffset } = request;
    const liveness = this.#liveness;
    // Noted before the request waits for its turn, so that a busy controller fences no live broker.
    liveness.touch(brokerId, brokerEpoch, this.#now, currentMetadataOffset);
    this.#schedule();
    let state: HeartbeatDecision["state"];
    return run(() => {
      const others = [...image.brokers()].filter((broker) =>
        broker.id !== brokerId && !broker.fenced && !broker.inControlledShutdown
      );
      const shutdownOffset = liveness.shutdownOffset(brokerId);
      const decision = decideHeartbeat(request, {
        image,
        lowestActiveOffset: liveness.lowestOffset(others.map(({ id }) => id)),
        ...(shutdownOffset !== undefined && { shutdownOffset }),
      });
      state = decision.state;
      const { records, isCaughtUp, isFenced, shouldShutDown } = decision;
      return {
        records,
        // The broker ends for good: the records of an earlier request that moved its partitions must stay.
        isReadOfUncommitted: !shouldShutDown,
        result: { isCaughtUp, isFenced, shouldShutDown },
      };
    }, {
      isDivisible: true,
      onApplied: (lastOffset) => {
        if (state === "controlled shutdown") liveness.beginShutdown(brokerId, lastOffset);
        if (state === "shut down") liveness.end(brokerId);
        this.#schedule();
      },
    });
  }

  /** Removes a broker from the cluster. Throws BROKER_ID_NOT_REGISTERED. */
  unregister(brokerId: number): Promise<void> {
    const { image, run } = this.#options;
    return run(
      () => ({ records: decideUnregister(brokerId, image), result: undefined }),
      { isDivisible: true, isForClient: true, onApplied: () => this.forget(brokerId) },
    );
  }

  /** Watches over a broker no longer, since it was unregistered or ends with its controller. */
  forget(brokerId: number): void {
    this.#liveness.remove(brokerId);
    this.#schedule();
  }

  /**
   * Records that all connections of a broker have ended. Returns whether the caller should try to connect to
   * its listener and report a refusal with {@linkcode BrokerWatch.refused}.
   */
  connectionsClosed(brokerId: number): boolean {
    return this.#liveness.connectionsClosed(brokerId, this.#now);
  }

  /** Fences a broker whose connections have ended and whose listener refuses a connection. */
  refused(brokerId: number): void {
    const expired = this.#liveness.refused(brokerId);
    if (expired !== undefined) this.#fence(expired, "its process has ended");
  }

  get #now(): number {
    return this.#options.clock.monotonicMs();
  }

  #fence({ brokerId, brokerEpoch }: ExpiredBroker, reason: string): void {
    const { image, logger, run } = this.#options;
    let isFenced = false;
    run(() => {
      // It may have registered again, or sent a heartbeat, while this decision waited for its turn.
      const isSame = image.broker(brokerId)?.epoch === brokerEpoch &&
        !this.#liveness.hasSession(brokerId, brokerEpoch, this.#now);
      const records = isSame ? [...decideFence(brokerId, image)] : [];
      isFenced = records.length > 0;
      return { records, result: undefined };
    }, { isDivisible: true, onApplied: () => this.#schedule() }).then(() => {
      if (isFenced) logger.log("warn", `Fenced broker ${brokerId}: ${reason}`);
    }, (error) => {
      // The next active controller gives the broker a new session.
      if (error instanceof KafkaError && error.code === ErrorCode.NOT_CONTROLLER) return;
      logger.log("error", `Cannot fence broker ${brokerId}: ${(error as Error).message}`);
    });
  }

  #onTimer(lateMs: number): void {
    if (lateMs > 0) this.#extendAll(lateMs);
    if (this.#nextDeadline <= this.#now) {
      this.#confirmAt ??= this.#now + CONFIRM_MS;
      if (this.#confirmAt <= this.#now) this.#fenceExpired();
    }
    this.#schedule();
  }

  #fenceExpired(): void {
    const expired = this.#liveness.sweep(this.#now);
    if (expired === undefined) return;
    this.#fence(expired, "it has sent no heartbeat for a session timeout");
  }

  /**
   * Extends all sessions by the time for which this controller was held up: heartbeats may have arrived that
   * it has not read. Once in a session timeout it leaves them the time for another one; if it did so always,
   * an overloaded controller would never fence a broker.
   */
  #extendAll(lateMs: number): void {
    const { sessionTimeoutMs, heartbeatIntervalMs } = this.#options;
    const now = this.#now;
    const isFirst = now - this.#extendedAt > sessionTimeoutMs;
    if (isFirst) this.#extendedAt = now;
    this.#liveness.extendAll(lateMs + (isFirst ? heartbeatIntervalMs : 0));
  }

  get #nextDeadline(): number {
    return this.#liveness.nextDeadline ?? Infinity;
  }

  #schedule(): void {
    if (this.#nextDeadline > this.#now) this.#confirmAt = null;
    this.#timetable.wakeAt(this.#confirmAt ?? this.#nextDeadline);
  }
}
