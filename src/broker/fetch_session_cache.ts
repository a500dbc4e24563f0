/**
 * The incremental fetch sessions of a broker (KIP-227), as many as
 * `max.incremental.fetch.session.cache.slots` allows.
 *
 * @module
 */
import type { FetchRequest } from "../protocol/messages/fetch.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Reader } from "../replication/partition_read.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";
import { FetchSession } from "./fetch_session.ts";
import type { WaitingFetch } from "./waiting_fetch.ts";

/** A session that has not been used for this long may be evicted for a new one. */
const EVICTABLE_AFTER_MS = 120_000;
const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
const MAX_EPOCH = 0x7fffffff;
const NO_SESSION = 0;

/** The session of one fetch. */
export interface FetchPlan {
  readonly session: FetchSession;
  /** Whether partitions without anything new are left out of the answer. */
  readonly isIncremental: boolean;
}

interface CachedSession {
  readonly session: FetchSession;
  /** The epoch that the next request must have. */
  nextEpoch: number;
  lastUsedMs: number;
}

/** The sessions of one broker. */
export class FetchSessionCache {
  /** The fetches whose answers wait for data. */
  readonly waiting: Set<WaitingFetch> = new Set();
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #maxSessions: () => number;
  // In the order of their last use, the oldest first.
  readonly #sessions = new Map<number, CachedSession>();

  /** `maxSessions` returns the maximum number of sessions. */
  constructor(clock: Clock, random: RandomSource, maxSessions: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#maxSessions = maxSessions;
  }

  /** How many sessions there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Answers all fetches that wait, with what there is. */
  shutdown(): void {
    for (const fetch of [...this.waiting]) fetch.end();
  }

  /**
   * Returns the session of `request`, brought up to date with it, or one that ends with the request.
   * Throws FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or FETCH_SESSION_TOPIC_ID_ERROR, upon
   * which the client begins a new session.
   */
  plan(request: FetchRequest, reader: Reader, usesTopicIds: boolean): FetchPlan {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#remove(sessionId);
      const isKept = sessionEpoch === INITIAL_EPOCH &&
        request.topics.some(({ partitions }) => partitions.length > 0) &&
        this.#makeRoom(reader.replicaId >= 0);
      const session = isKept
        ? this.#create(usesTopicIds, reader)
        : new FetchSession(NO_SESSION, usesTopicIds, reader);
      session.update(request);
      return { session, isIncremental: false };
    }
    const cached = this.#sessions.get(sessionId);
    if (cached === undefined) {
      throw new KafkaError(
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
        `Fetch session ${sessionId} is not known here: begin a new one`,
      );
    }
    const { session } = cached;
    if (cached.nextEpoch !== sessionEpoch) {
      throw new KafkaError(
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        `Fetch session ${sessionId} is at epoch ${cached.nextEpoch}, not ${sessionEpoch}`,
      );
    }
    if (session.usesTopicIds !== usesTopicIds) {
      throw new KafkaError(
        ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
        `Fetch session ${sessionId} names topics by ${session.usesTopicIds ? "id" : "name"}`,
      );
    }
    // A client may send its next fetch before the answer to this one.
    session.waiting?.end();
    session.readAs(reader);
    session.update(request);
    cached.nextEpoch = sessionEpochAfter(sessionEpoch);
    cached.lastUsedMs = this.#clock.monotonicMs();
    this.#sessions.delete(sessionId);
    if (session.size > 0) this.#sessions.set(sessionId, cached);
    return { session, isIncremental: true };
  }

  /**
   * Returns whether there is room for one more session, which may take the place of another: of one that
   * has been idle for two minutes, or, if it is a replica's, of any consumer's. A replica's session is
   * never evicted for a consumer's.
   */
  #makeRoom(isReplica: boolean): boolean {
    const limit = this.#maxSessions();
    if (this.#sessions.size < limit) return true;
    if (limit <= 0) return false;
    const evictable = this.#oldest(false) ?? (isReplica ? this.#oldest(true) : undefined);
    if (evictable === undefined) return false;
    const { session, lastUsedMs } = evictable;
    const isIdle = this.#clock.monotonicMs() - lastUsedMs >= EVICTABLE_AFTER_MS;
    const isOutranked = isReplica && !session.isReplica;
    if (!isIdle && !isOutranked) return false;
    this.#remove(session.id);
    return true;
  }

  /** Returns the session of a replica, or of a consumer, that has not been used for the longest time. */
  #oldest(isReplica: boolean): CachedSession | undefined {
    for (const cached of this.#sessions.values()) {
      if (cached.session.isReplica === isReplica) return cached;
    }
  }

  #create(usesTopicIds: boolean, reader: Reader): FetchSession {
    let id = NO_SESSION;
    while (id === NO_SESSION || this.#sessions.has(id)) id = this.#random.below(MAX_EPOCH) + 1;
    const session = new FetchSession(id, usesTopicIds, reader);
    this.#sessions.set(id, { session, nextEpoch: 1, lastUsedMs: this.#clock.monotonicMs() });
    return session;
  }

  #remove(id: number): void {
    this.#sessions.get(id)?.session.close();
    this.#sessions.delete(id);
  }
}

/** Returns the epoch of the request after that of `epoch`. 0 would begin a new session, so 1 is next. */
export function sessionEpochAfter(epoch: number): number {
  return epoch === MAX_EPOCH ? 1 : epoch + 1;
}
