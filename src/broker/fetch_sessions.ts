/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a client reads and
 * from where, so that a request names only what changed and an answer carries only what is new.
 *
 * @module
 */
import type { FetchRequest } from "../protocol/messages/fetch.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { WaitingFetch } from "./waiting_fetch.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";

/** A session that has not been used for this long may give its place to a new one. */
const EVICTABLE_AFTER_MS = 120_000;
const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
const MAX_EPOCH = 0x7fffffff;

/** One partition that a client reads. */
export interface FetchTarget {
  /** The topic's name as asked for, "" when it was named by id. */
  readonly topic: string;
  /** The topic's id as asked for, zero when it was named by name. */
  readonly topicId: string;
  readonly partition: number;
  currentLeaderEpoch: number;
  fetchOffset: number;
  lastFetchedEpoch: number;
  maxBytes: number;
  /** What the client was last told; -1 when nothing yet. */
  sentHighWatermark: number;
  sentLogStartOffset: number;
}

interface Session {
  readonly id: number;
  /** The epoch that the next request must carry. */
  nextEpoch: number;
  lastUsedMs: number;
  readonly usesTopicIds: boolean;
  /** In the order in which they are read; those that had data go to the end. */
  readonly targets: Map<string, FetchTarget>;
}

/** What one fetch is to read, and how its answer is to be made. */
export interface FetchPlan {
  readonly targets: readonly FetchTarget[];
  /** The session to name in the answer; 0 for none. */
  readonly sessionId: number;
  /** Whether partitions without news are left out of the answer. */
  readonly incremental: boolean;
  /** Tells the session which of its partitions had data. */
  served(withData: readonly FetchTarget[]): void;
}

/** The sessions of one broker. */
export class FetchSessions {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #maxSessions: () => number;
  /** The fetches whose answers wait for data. */
  readonly waiting = new Set<WaitingFetch>();
  // In the order of their last use, the oldest first.
  readonly #sessions = new Map<number, Session>();

  constructor(clock: Clock, random: RandomSource, maxSessions: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#maxSessions = maxSessions;
  }

  /** Answers all fetches that wait, with what there is. */
  shutdown(): void {
    for (const fetch of [...this.waiting]) fetch.end();
  }

  /** How many sessions are remembered. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * What `request` asks for. Throws FETCH_SESSION_ID_NOT_FOUND or INVALID_FETCH_SESSION_EPOCH, upon
   * which the client begins a new session.
   */
  plan(request: FetchRequest, usesTopicIds: boolean): FetchPlan {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (sessionId !== 0) this.#sessions.delete(sessionId);
      const targets = targetsOf(request);
      const session = sessionEpoch === INITIAL_EPOCH && targets.size > 0
        ? this.#create(targets, usesTopicIds)
        : null;
      return this.#planOf(targets, session, false);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) {
      throw new KafkaError(
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
        `Fetch session ${sessionId} is not known here: begin a new one`,
      );
    }
    if (session.nextEpoch !== sessionEpoch) {
      throw new KafkaError(
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        `Fetch session ${sessionId} is at epoch ${session.nextEpoch}, not ${sessionEpoch}`,
      );
    }
    if (session.usesTopicIds !== usesTopicIds) {
      throw new KafkaError(
        ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
        `Fetch session ${sessionId} names topics by ${session.usesTopicIds ? "id" : "name"}`,
      );
    }
    update(session, request);
    session.nextEpoch = sessionEpochAfter(sessionEpoch);
    session.lastUsedMs = this.#clock.monotonicMs();
    this.#sessions.delete(sessionId);
    if (session.targets.size > 0) this.#sessions.set(sessionId, session);
    return this.#planOf(session.targets, session, true);
  }

  #planOf(
    targets: Map<string, FetchTarget>,
    session: Session | null,
    incremental: boolean,
  ): FetchPlan {
    return {
      targets: [...targets.values()],
      sessionId: session !== null && session.targets.size > 0 ? session.id : 0,
      incremental,
      served(withData) {
        if (session === null || session.targets.size < 2) return;
        for (const target of withData) {
          const key = keyOf(target.topicId, target.topic, target.partition);
          if (session.targets.get(key) !== target) continue;
          session.targets.delete(key);
          session.targets.set(key, target);
        }
      },
    };
  }

  #create(targets: Map<string, FetchTarget>, usesTopicIds: boolean): Session | null {
    const now = this.#clock.monotonicMs();
    const limit = this.#maxSessions();
    if (this.#sessions.size >= limit) {
      const [oldest] = this.#sessions.values();
      if (oldest === undefined || now - oldest.lastUsedMs < EVICTABLE_AFTER_MS) return null;
      this.#sessions.delete(oldest.id);
    }
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = this.#random.below(MAX_EPOCH) + 1;
    const session: Session = { id, nextEpoch: 1, lastUsedMs: now, usesTopicIds, targets };
    this.#sessions.set(id, session);
    return session;
  }
}

/** Returns the epoch of the request after that of `epoch`. 0 would begin a new session, so 1 is next. */
export function sessionEpochAfter(epoch: number): number {
  return epoch === MAX_EPOCH ? 1 : epoch + 1;
}

function keyOf(topicId: string, topic: string, partition: number): string {
  return `${topicId}/${topic}/${partition}`;
}

type RequestedPartition = FetchRequest["topics"][number]["partitions"][number];

function targetOf(topic: string, topicId: string, asked: RequestedPartition): FetchTarget {
  return {
    topic,
    topicId,
    partition: asked.partition,
    currentLeaderEpoch: asked.currentLeaderEpoch,
    fetchOffset: asked.fetchOffset,
    lastFetchedEpoch: asked.lastFetchedEpoch,
    maxBytes: asked.partitionMaxBytes,
    sentHighWatermark: -1,
    sentLogStartOffset: -1,
  };
}

function targetsOf(request: FetchRequest): Map<string, FetchTarget> {
  const targets = new Map<string, FetchTarget>();
  for (const { topic, topicId, partitions } of request.topics) {
    for (const asked of partitions) {
      targets.set(keyOf(topicId, topic, asked.partition), targetOf(topic, topicId, asked));
    }
  }
  return targets;
}

function update(session: Session, request: FetchRequest): void {
  for (const { topic, topicId, partitions } of request.topics) {
    for (const asked of partitions) {
      const key = keyOf(topicId, topic, asked.partition);
      const known = session.targets.get(key);
      if (known === undefined) {
        session.targets.set(key, targetOf(topic, topicId, asked));
        continue;
      }
      known.currentLeaderEpoch = asked.currentLeaderEpoch;
      known.fetchOffset = asked.fetchOffset;
      known.lastFetchedEpoch = asked.lastFetchedEpoch;
      known.maxBytes = asked.partitionMaxBytes;
    }
  }
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    for (const partition of partitions) session.targets.delete(keyOf(topicId, topic, partition));
  }
}
