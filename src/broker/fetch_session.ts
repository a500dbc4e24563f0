/**
 * What one client reads, kept between its fetches (KIP-227): a request names only what changed, and an
 * answer has only what is new. Partitions put themselves on the session's list of those that may have
 * something new, so a fetch costs what is new and not what is read.
 *
 * @module
 */
import type { FetchRequest } from "../protocol/messages/fetch.ts";
import type { Partition } from "../replication/partition.ts";
import type { PartitionReader } from "../replication/partition_readers.ts";
import type { Reader } from "../replication/partition_read.ts";

type RequestedPartition = FetchRequest["topics"][number]["partitions"][number];

/** One partition that a client reads. */
export class FetchTarget implements PartitionReader {
  currentLeaderEpoch = -1;
  fetchOffset = 0;
  lastFetchedEpoch = -1;
  maxBytes = 0;
  /** The high watermark and log start offset of the last answer; -1 before the first. */
  sentHighWatermark = -1;
  sentLogStartOffset = -1;
  /** The partition, or null while it is not known. */
  partition: Partition | null = null;
  /** The place in the order in which the partitions of the session are read. */
  place = 0;
  /** Whether it is on the session's list. */
  isReady = false;
  /** The bytes that a waiting fetch counts for it. */
  countedBytes = 0;
  /** Whether they have to be counted again. */
  isUncounted = false;

  /** `topic` is "" where the client names topics by id, and `topicId` is zero where it names them. */
  constructor(
    readonly session: FetchSession,
    readonly topic: string,
    readonly topicId: string,
    readonly index: number,
  ) {}

  get isReplica(): boolean {
    return this.session.isReplica;
  }

  onNews(): void {
    this.session.markReady(this);
  }

  onRemoved(): void {
    this.partition = null;
    this.session.markReady(this);
  }

  /** Takes the position from a request. */
  move(asked: RequestedPartition): void {
    this.currentLeaderEpoch = asked.currentLeaderEpoch;
    this.fetchOffset = asked.fetchOffset;
    this.lastFetchedEpoch = asked.lastFetchedEpoch;
    this.maxBytes = asked.partitionMaxBytes;
  }
}

/** A fetch of a session that waits for data. */
export interface SessionWait {
  /** A partition may have something new. */
  onNews(target: FetchTarget): void;
  /** Answers with what there is. */
  end(): void;
}

const NOTHING: readonly FetchTarget[] = [];

/** The partitions that one client reads, and where in each it is. */
export class FetchSession {
  /** The fetch of the session that waits for data, or null. */
  waiting: SessionWait | null = null;
  readonly #targets = new Map<string, FetchTarget>();
  readonly #ready = new Set<FetchTarget>();
  #nextPlace = 0;
  #isListening: boolean;
  #reader: Reader;

  /**
   * A session without partitions. `id` is 0 for one that ends with its request; it listens to its
   * partitions only once {@linkcode FetchSession.listen} is called, any other from the beginning.
   */
  constructor(readonly id: number, readonly usesTopicIds: boolean, reader: Reader) {
    this.#isListening = id !== 0;
    this.#reader = reader;
  }

  /** Whether a node reads for its own replicas. */
  get isReplica(): boolean {
    return this.#reader.replicaId >= 0;
  }

  /** How many partitions are read. */
  get size(): number {
    return this.#targets.size;
  }

  /** Takes over what a request says of its partitions. */
  update({ topics, forgottenTopicsData }: FetchRequest): void {
    for (const { topic, topicId, partitions } of topics) {
      for (const asked of partitions) {
        const key = keyOf(topicId, topic, asked.partition);
        let target = this.#targets.get(key);
        if (target === undefined) {
          target = new FetchTarget(this, topic, topicId, asked.partition);
          target.place = this.#nextPlace++;
          this.#targets.set(key, target);
        }
        target.move(asked);
        this.markReady(target);
      }
    }
    for (const { topic, topicId, partitions } of forgottenTopicsData) {
      for (const partition of partitions) this.#forget(keyOf(topicId, topic, partition));
    }
  }

  /** Reads as `reader` from now on. Another isolation level may find something in any partition. */
  readAs(reader: Reader): void {
    const before = this.#reader;
    this.#reader = reader;
    const isSame = before.replicaId === reader.replicaId &&
      before.committedOnly === reader.committedOnly && before.allowZstd === reader.allowZstd;
    if (isSame) return;
    for (const target of this.#targets.values()) this.markReady(target);
  }

  /** Returns the partitions that may have something new, in the order in which they are read. */
  ready(): readonly FetchTarget[] {
    if (this.#ready.size === 0) return NOTHING;
    const targets = [...this.#ready];
    return targets.length === 1 ? targets : targets.sort((a, b) => a.place - b.place);
  }

  /** Puts the partition on the list of those that may have something new. */
  markReady(target: FetchTarget): void {
    if (!target.isReady) {
      target.isReady = true;
      this.#ready.add(target);
    }
    this.waiting?.onNews(target);
  }

  /** Takes the partition off the list: there is nothing new until it says so. */
  markRead(target: FetchTarget): void {
    target.isReady = false;
    target.countedBytes = 0;
    this.#ready.delete(target);
  }

  /** Has the partition read after all others, so that partitions take turns. */
  moveToEnd(target: FetchTarget): void {
    target.place = this.#nextPlace++;
  }

  /** Keeps the partition that `target` names, once it is known. */
  resolve(target: FetchTarget, partition: Partition): void {
    target.partition = partition;
    if (this.#isListening) partition.addReader(target);
  }

  /** Registers with its partitions, and with those that it finds later. */
  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    for (const target of this.#targets.values()) target.partition?.addReader(target);
  }

  /** Answers a fetch that waits, and listens to nothing any more. */
  close(): void {
    this.waiting?.end();
    if (!this.#isListening) return;
    this.#isListening = false;
    for (const target of this.#targets.values()) target.partition?.removeReader(target);
  }

  #forget(key: string): void {
    const target = this.#targets.get(key);
    if (target === undefined) return;
    this.#targets.delete(key);
    this.#ready.delete(target);
    target.partition?.removeReader(target);
  }
}

function keyOf(topicId: string, topic: string, partition: number): string {
  return `${topicId}/${topic}/${partition}`;
}
