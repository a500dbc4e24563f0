/**
 * The consumer: reads records of topics as a Web Stream or an async iterable.
 *
 * @module
 */
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import {
  AssignedPartition,
  type StartPosition,
  type TopicPartition,
} from "./assigned_partition.ts";
import { ClusterClient } from "../cluster/cluster_client.ts";
import {
  type ConsumerOptions,
  type ConsumerSettings,
  consumerSettings,
} from "./consumer_options.ts";
import { ConsumerRecord, type RecordHeader } from "./consumer_record.ts";
import { closedError } from "../errors.ts";
import { Fetcher } from "./fetcher.ts";
import { GroupMember, type PartitionOffset } from "./group_member.ts";
import { findStartOffsets } from "./offset_lookup.ts";
import { RecordCursor } from "./record_cursor.ts";

export { ConsumerRecord };
export type { ConsumerOptions, PartitionOffset, RecordHeader, StartPosition, TopicPartition };

/**
 * Reads topics, either alone from the position `from`, or as a member of a group, whose members share
 * the partitions and whose offsets are stored in the cluster.
 *
 * Records can be read in three ways, of which a consumer must use only one: by iterating over the
 * consumer, from {@linkcode readable}, or, for large numbers of records, as arrays from
 * {@linkcode batches}. Nothing is fetched before the first read, and at most `maxBytes` are fetched
 * ahead of a reader that stops.
 *
 * Failures are `KafkaError`s; invalid options and calls on a closed consumer are `TypeError`s.
 *
 * @example Reading a topic from its beginning
 * ```ts
 * import { Consumer, Producer, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster();
 * const { bootstrapServers } = cluster;
 * await using producer = new Producer({ bootstrapServers });
 * await producer.send({ topic: "events", key: "k", value: "hello" });
 *
 * await using consumer = new Consumer({ bootstrapServers, topics: "events" });
 * for await (const record of consumer) {
 *   console.log(record.offset, record.keyText, record.valueText); // 0 k hello
 *   break;
 * }
 * ```
 *
 * @example A group that stores its offsets
 * ```ts
 * import { Consumer, Producer, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster();
 * const { bootstrapServers } = cluster;
 * await using producer = new Producer({ bootstrapServers });
 * for (const value of ["a", "b"]) await producer.send({ topic: "events", partition: 0, value });
 *
 * for (const expected of ["a", "b"]) {
 *   await using consumer = new Consumer({ bootstrapServers, topics: "events", groupId: "readers" });
 *   for await (const record of consumer) {
 *     console.log(record.valueText === expected); // true
 *     break;
 *   }
 * }
 * ```
 */
export class Consumer implements AsyncIterable<ConsumerRecord>, AsyncDisposable {
  readonly #client: ClusterClient;
  readonly #settings: ConsumerSettings;
  readonly #runtime: Runtime;
  readonly #fetcher: Fetcher;
  readonly #cursor: RecordCursor;
  #member: GroupMember | null = null;
  #membership: Promise<void> | null = null;
  #started: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #assigned: readonly AssignedPartition[] = [];
  #readable: ReadableStream<ConsumerRecord> | null = null;
  #batches: ReadableStream<ConsumerRecord[]> | null = null;
  #pendingNext: Promise<unknown> = Promise.resolve();
  #commitTimer: Timer | null = null;
  #refreshTimer: Timer | null = null;

  /**
   * Creates a consumer, which connects on the first read. Throws a TypeError for invalid options.
   */
  constructor(options: ConsumerOptions) {
    this.#settings = consumerSettings(options);
    this.#client = new ClusterClient(options);
    const { runtime } = this.#client;
    this.#runtime = runtime;
    this.#fetcher = new Fetcher(this.#client, runtime, this.#settings);
    this.#cursor = new RecordCursor(() => runtime.codecs());
  }

  /** The partitions currently assigned. */
  get assignment(): TopicPartition[] {
    return this.#assigned.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** The offset of the next record of each partition, where known. */
  get positions(): PartitionOffset[] {
    return this.#assigned.flatMap(({ topic, partition, position }) =>
      position < 0 ? [] : { topic, partition, offset: position }
    );
  }

  /** Number of records known to be left in the assigned partitions. */
  get lag(): number {
    return this.#assigned.reduce(
      (sum, { position, highWatermark }) =>
        sum + Math.max(0, highWatermark - Math.max(position, 0)),
      0,
    );
  }

  /**
   * The records as a stream. Records are fetched only on demand. Cancelling the stream closes the
   * consumer.
   */
  get readable(): ReadableStream<ConsumerRecord> {
    return this.#readable ??= new ReadableStream<ConsumerRecord>({
      pull: (controller) => {
        const record = this.#cursor.next();
        if (record !== undefined) return controller.enqueue(record);
        return this.#nextRecord().then((record) =>
          record === undefined ? controller.close() : controller.enqueue(record)
        );
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /**
   * The records as a stream of arrays, one per received batch: the cheapest way to read many
   * records. An array counts as processed when the next one is requested. Cancelling the stream
   * closes the consumer.
   */
  get batches(): ReadableStream<ConsumerRecord[]> {
    return this.#batches ??= new ReadableStream<ConsumerRecord[]>({
      pull: async (controller) => {
        while (await this.#load()) {
          const records = this.#cursor.rest();
          if (records.length > 0) return controller.enqueue(records);
        }
        controller.close();
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /**
   * Starts reading. Resolves when the partitions and their offsets are known and, in a group, the
   * consumer has joined. Reading starts the consumer implicitly; call this method to know when
   * `"latest"` takes effect.
   */
  start(): Promise<void> {
    if (this.#closing !== null) return Promise.reject(closedError("read with this consumer"));
    return this.#started ??= this.#start();
  }

  /** Iterates over the records. Ending the iteration does not close the consumer. */
  [Symbol.asyncIterator](): AsyncIterator<ConsumerRecord, undefined, undefined> {
    return {
      next: () => {
        const record = this.#cursor.next();
        if (record !== undefined) return Promise.resolve({ done: false, value: record });
        // Concurrent calls of next() are served in order.
        const next = this.#pendingNext.then(() => this.#cursor.next() ?? this.#nextRecord());
        this.#pendingNext = next.catch(() => {});
        return next.then((record) =>
          record === undefined ? { done: true, value: undefined } : { done: false, value: record }
        );
      },
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  /**
   * Commits the offsets of all records returned so far as processed. Rejects with a `KafkaError` if
   * the partitions have been reassigned meanwhile (`ILLEGAL_GENERATION`, `REBALANCE_IN_PROGRESS`,
   * `UNKNOWN_MEMBER_ID`), and with a TypeError outside of a group.
   */
  async commit(): Promise<void> {
    if (this.#settings.groupId === null) {
      throw new TypeError(`Cannot commit: the consumer has no "groupId"`);
    }
    await this.#commit(({ position }) => position);
  }

  /**
   * Commits offsets if auto-commit is enabled, leaves the group and closes all connections. May be
   * called twice.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Calls {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    const { groupId } = this.#settings;
    this.#watchTopics();
    if (groupId === null) {
      const partitions = await this.#allPartitions();
      await findStartOffsets(this.#client, partitions);
      this.#assigned = partitions;
      return this.#fetcher.assign(partitions);
    }
    await new Promise<void>((resolve, reject) => this.#join(groupId, resolve, reject));
    if (this.#settings.autoCommit) this.#scheduleCommit();
  }

  #join(groupId: string, joined: () => void, failed: (error: Error) => void): void {
    const member = this.#member = new GroupMember(
      this.#client,
      this.#runtime,
      { ...this.#settings, groupId },
      {
        revoked: async () => {
          // Stop returning records first, so that the committed offsets match what the reader has
          // received.
          const { positions } = this;
          this.#assign([]);
          if (this.#settings.autoCommit) await member.commit(positions).catch(() => {});
        },
        assigned: async (offsets) => {
          const partitions = offsets.map(({ topic, partition, offset }) => {
            const start = offset < 0 ? this.#settings.from : offset;
            const one = new AssignedPartition(topic, partition, start);
            one.committed = offset;
            return one;
          });
          await findStartOffsets(this.#client, partitions);
          this.#assign(partitions);
          joined();
        },
        lost: () => this.#assign([]),
        failed: (error) => {
          failed(error);
          this.#fetcher.fail(error);
        },
      },
    );
    this.#membership = member.run().then(() => failed(closedError("read with this consumer")));
  }

  #assign(partitions: readonly AssignedPartition[]): void {
    this.#assigned = partitions;
    this.#cursor.clear();
    this.#fetcher.assign(partitions);
  }

  async #allPartitions(): Promise<AssignedPartition[]> {
    const { topics, partitions, from } = this.#settings;
    const assigned: AssignedPartition[] = [];
    for (const topic of topics) {
      const info = await this.#client.topic(topic, true);
      for (const partition of partitions ?? info.partitions.keys()) {
        if (partition >= info.partitions.length) {
          throw new TypeError(
            `Cannot read ${topic}-${partition}: topic "${topic}" has the partitions 0 to ${
              info.partitions.length - 1
            }`,
          );
        }
        assigned.push(new AssignedPartition(topic, partition, from));
      }
    }
    return assigned;
  }

  async #nextRecord(): Promise<ConsumerRecord | undefined> {
    while (await this.#load()) {
      const record = this.#cursor.next();
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** Moves the cursor to the next batch. Returns false if the consumer is closed. */
  async #load(): Promise<boolean> {
    if (this.#closing !== null) return false;
    try {
      await this.start();
    } catch (error) {
      // Closed before it had started: end the reading without an error.
      if (this.#closing !== null) return false;
      throw error;
    }
    if (this.#cursor.advance()) return true;
    const fetched = await this.#fetcher.next();
    if (fetched === null) return false;
    if (!fetched.partition.isRevoked) this.#cursor.setFetched(fetched);
    return true;
  }

  async #close(): Promise<void> {
    this.#commitTimer?.cancel();
    this.#refreshTimer?.cancel();
    this.#fetcher.close();
    // Records returned after the last commit would be returned again by the next member.
    this.#cursor.clear();
    if (this.#member !== null) {
      if (this.#settings.autoCommit) await this.commit().catch(() => {});
      await this.#member.leave();
    }
    // Ends requests that are still waiting, such as a JoinGroup.
    this.#client.close();
    await this.#membership;
    await this.#started?.catch(() => {});
  }

  /** Commits the offsets `offsetOf` each partition that are not yet committed. */
  async #commit(offsetOf: (one: AssignedPartition) => number): Promise<void> {
    const moved = this.#assigned.filter((one) => offsetOf(one) > one.committed);
    const offsets = moved.map((one) => ({
      topic: one.topic,
      partition: one.partition,
      offset: offsetOf(one),
    }));
    await this.#member?.commit(offsets);
    moved.forEach((one, i) => one.committed = Math.max(one.committed, offsets[i]!.offset));
  }

  /** Commits processed offsets periodically. A failure is repaired by the next commit. */
  #scheduleCommit(): void {
    if (this.#closing !== null) return;
    this.#commitTimer = this.#runtime.clock.setTimer(this.#settings.autoCommitIntervalMs, () => {
      this.#commit(({ processed }) => processed).catch(() => {})
        .finally(() => this.#scheduleCommit());
    });
  }

  /** Checks periodically for new partitions of the topics. */
  #watchTopics(): void {
    const { metadataMaxAgeMs } = this.#client.settings;
    this.#refreshTimer = this.#runtime.clock.setTimer(metadataMaxAgeMs, async () => {
      try {
        await this.#client.refresh(this.#settings.topics);
        if (this.#settings.groupId === null && this.#settings.partitions === null) {
          this.#addPartitions();
        }
      } catch {
        // Retried at the next check.
      } finally {
        if (this.#closing === null) this.#watchTopics();
      }
    });
  }

  /** Adds new partitions of a topic, to be read from their beginning. */
  #addPartitions(): void {
    const added: AssignedPartition[] = [];
    for (const topic of this.#settings.topics) {
      const count = this.#client.view.topic(topic)?.partitions.length ?? 0;
      const known = this.#assigned.filter((one) => one.topic === topic).length;
      for (let partition = known; partition < count; partition++) {
        added.push(new AssignedPartition(topic, partition, "earliest"));
      }
    }
    if (added.length === 0) return;
    this.#assigned = [...this.#assigned, ...added];
    this.#fetcher.assign(this.#assigned);
  }
}
