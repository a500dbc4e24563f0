/**
 * The active controller's knowledge of which brokers are alive. It is not replicated: a new active
 * controller begins with a whole session for every broker in service.
 *
 * A broker's session ends a session timeout after its last heartbeat. A killed process is noticed
 * earlier: its connections end, and a connect to its listener is refused. A heartbeat after such a
 * fence shows that it was wrong: something else, such as a proxy, refused the connection. After two
 * wrong fences within a minute, only the session timeout counts for that broker: for one minute at
 * first, then twice as long each time.
 *
 * @module
 */
import { assert } from "../../assert.ts";

const MINUTE_MS = 60_000;
/** Mistakes within {@linkcode MINUTE_MS} that disable fast fencing. */
const MAX_MISTAKES = 2;
const MAX_DISTRUST_MS = 24 * 60 * MINUTE_MS;

/** A broker as it is registered. */
export interface RegisteredBroker {
  readonly id: number;
  readonly epoch: number;
  readonly fenced: boolean;
}

/** A broker whose session has ended. */
export interface ExpiredBroker {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** Refers to one process of a broker. */
interface Session {
  readonly epoch: number;
  /** When the session ends; null if it has ended. */
  deadline: number | null;
  /** The highest metadata offset that the broker has reported, -1 for none. */
  metadataOffset: number;
  shutdownOffset: number | undefined;
  /** Whether all its connections ended since its last heartbeat. */
  isSuspect: boolean;
  wasFencedFast: boolean;
}

/** The record of wrong fast fences. It outlives sessions. */
interface Distrust {
  mistakes: number[];
  /** Before this time, no fast fence. */
  until: number;
  /** The length of the next period without fast fences. */
  nextMs: number;
}

/** Tracks the sessions of brokers. All times are those of a monotonic clock, in milliseconds. */
export class BrokerLiveness {
  readonly #sessionTimeoutMs: number;
  readonly #sessions = new Map<number, Session>();
  readonly #distrust = new Map<number, Distrust>();

  constructor({ sessionTimeoutMs }: { readonly sessionTimeoutMs: number }) {
    assert(sessionTimeoutMs > 0, `A session timeout of ${sessionTimeoutMs} ms`);
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  /**
   * Begins the sessions of a new active controller: a whole one for each unfenced broker, none for a
   * fenced one. Forgets everything else.
   */
  begin(brokers: Iterable<RegisteredBroker>, now: number): void {
    this.#sessions.clear();
    this.#distrust.clear();
    for (const { id, epoch, fenced } of brokers) {
      this.register(id, epoch, now);
      if (fenced) this.end(id);
    }
  }

  /** Begins the session of a broker that has registered, unless it has this epoch already. */
  register(brokerId: number, epoch: number, now: number): void {
    if (this.#sessions.get(brokerId)?.epoch === epoch) {
      this.touch(brokerId, epoch, now);
      return;
    }
    this.#sessions.set(brokerId, {
      epoch,
      deadline: now + this.#sessionTimeoutMs,
      metadataOffset: -1,
      shutdownOffset: undefined,
      isSuspect: false,
      wasFencedFast: false,
    });
  }

  /**
   * Extends the session of a broker, or begins a new one after its end. To be called when a heartbeat
   * arrives, before it waits for its turn, so that a busy controller fences no live broker. Returns
   * false and changes nothing unless `epoch` is the registered one.
   */
  touch(brokerId: number, epoch: number, now: number, metadataOffset = -1): boolean {
    const session = this.#sessions.get(brokerId);
    if (session?.epoch !== epoch) return false;
    if (session.wasFencedFast) this.#recordMistake(brokerId, now);
    session.deadline = now + this.#sessionTimeoutMs;
    session.isSuspect = false;
    session.wasFencedFast = false;
    session.metadataOffset = Math.max(session.metadataOffset, metadataOffset);
    return true;
  }

  /** Returns whether the broker with this epoch has a session that has not ended. */
  hasSession(brokerId: number, epoch: number, now: number): boolean {
    const session = this.#sessions.get(brokerId);
    return session?.epoch === epoch && session.deadline !== null && session.deadline > now;
  }

  /** Ends the session of a broker. A heartbeat of the same registration begins a new one. */
  end(brokerId: number): void {
    const session = this.#sessions.get(brokerId);
    if (session !== undefined) session.deadline = null;
  }

  /** Forgets a broker that was unregistered. */
  remove(brokerId: number): void {
    this.#sessions.delete(brokerId);
    this.#distrust.delete(brokerId);
  }

  /**
   * Ends the session that has been over for longest, and returns its broker. Returns at most one
   * broker: it must be fenced, and the records applied, before the next call, since the decision
   * about a second broker depends on the ISRs that the first one leaves.
   */
  sweep(now: number): ExpiredBroker | undefined {
    let expired: [number, Session & { deadline: number }] | undefined;
    for (const [id, session] of this.#sessions) {
      if (!isOpen(session) || session.deadline > now) continue;
      if (expired === undefined || session.deadline < expired[1].deadline) expired = [id, session];
    }
    if (expired === undefined) return undefined;
    const [brokerId, { epoch }] = expired;
    this.end(brokerId);
    return { brokerId, brokerEpoch: epoch };
  }

  /** The time of the next call of `sweep()` that returns a broker. Undefined without a session. */
  get nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const { deadline } of this.#sessions.values()) {
      if (deadline !== null && (next === undefined || deadline < next)) next = deadline;
    }
    return next;
  }

  /**
   * Extends all sessions. To be called before `sweep()` when the controller's own timer ran late:
   * heartbeats may have arrived that it has not read.
   */
  extendAll(byMs: number): void {
    assert(byMs >= 0, `Sessions extended by ${byMs} ms`);
    for (const session of this.#sessions.values()) {
      if (session.deadline !== null) session.deadline += byMs;
    }
  }

  /**
   * Records that all connections of a broker have ended. Returns whether the caller should try to
   * connect to its listener; if that is refused, see {@linkcode BrokerLiveness.refused}.
   */
  connectionsClosed(brokerId: number, now: number): boolean {
    const session = this.#sessions.get(brokerId);
    if (session === undefined || !isOpen(session)) return false;
    if (now < (this.#distrust.get(brokerId)?.until ?? -Infinity)) return false;
    session.isSuspect = true;
    return true;
  }

  /**
   * Returns the broker to fence at once, because a connect to the listener of a suspected broker was
   * refused. Returns undefined if it has sent a heartbeat or registered again in the meantime.
   */
  refused(brokerId: number): ExpiredBroker | undefined {
    const session = this.#sessions.get(brokerId);
    if (session === undefined || !isOpen(session) || !session.isSuspect) return undefined;
    this.end(brokerId);
    session.isSuspect = false;
    session.wasFencedFast = true;
    return { brokerId, brokerEpoch: session.epoch };
  }

  /** Returns whether the last connect to a broker without connections was refused. */
  isKnownDead(brokerId: number): boolean {
    return this.#sessions.get(brokerId)?.wasFencedFast ?? false;
  }

  /**
   * Returns the lowest metadata offset that these brokers have reported: -1 if one has reported none,
   * Infinity if there is no broker.
   */
  lowestOffset(brokers: Iterable<number>): number {
    let lowest = Infinity;
    for (const id of brokers) {
      lowest = Math.min(lowest, this.#sessions.get(id)?.metadataOffset ?? -1);
    }
    return lowest;
  }

  /**
   * Records the offset of the last record with which the broker's controlled shutdown began. Later
   * calls change nothing: the shutdown would otherwise wait for records of other requests.
   */
  beginShutdown(brokerId: number, offset: number): void {
    const session = this.#sessions.get(brokerId);
    if (session !== undefined) session.shutdownOffset ??= offset;
  }

  /** Returns that offset. Undefined if no controlled shutdown began here. */
  shutdownOffset(brokerId: number): number | undefined {
    return this.#sessions.get(brokerId)?.shutdownOffset;
  }

  #recordMistake(brokerId: number, now: number): void {
    let distrust = this.#distrust.get(brokerId);
    if (distrust === undefined) {
      distrust = { mistakes: [], until: -Infinity, nextMs: MINUTE_MS };
      this.#distrust.set(brokerId, distrust);
    }
    distrust.mistakes = [...distrust.mistakes.filter((at) => at > now - MINUTE_MS), now];
    if (distrust.mistakes.length < MAX_MISTAKES) return;
    distrust.mistakes = [];
    distrust.until = now + distrust.nextMs;
    distrust.nextMs = Math.min(2 * distrust.nextMs, MAX_DISTRUST_MS);
  }
}

function isOpen(session: Session): session is Session & { deadline: number } {
  return session.deadline !== null;
}
