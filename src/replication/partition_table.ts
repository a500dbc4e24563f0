/**
 * The partitions this node leads, by the name and by the id of their topic, and what waits for them.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { BackgroundFlush, NO_FLUSH_BY_TIME } from "../log/background_flush.ts";
import { GroupCommit } from "../log/group_commit.ts";
import type { AppendResult } from "../log/partition_log.ts";
import { SlicedWork } from "../log/sliced_work.ts";
import type { Clock } from "../runtime/runtime.ts";
import type { Partition } from "./partition.ts";
import { Purgatory } from "./purgatory.ts";
import { StorageFailures } from "./storage_failures.ts";

/** The least time before a flush by age that failed is tried again, ms. */
const FLUSH_RETRY_MS = 1_000;

interface HostedTopic {
  readonly name: string;
  readonly id: string;
  /** By number; an error in the place of one whose log could not be opened. */
  readonly partitions: (Partition | KafkaError | undefined)[];
}

/** Finds partitions, appends to them and wakes those who wait for what was appended. */
export class Partitions {
  /** Fetches that wait for data. */
  readonly fetchPurgatory: Purgatory;
  /** Produces that wait for the high watermark. */
  readonly producePurgatory: Purgatory;
  /** What takes too long for one turn of the event loop. */
  readonly slicedWork: SlicedWork;
  readonly #byName = new Map<string, HostedTopic>();
  readonly #byId = new Map<string, HostedTopic>();
  readonly #touched = new Set<Partition>();
  readonly #commits: GroupCommit<Partition>;
  readonly #backgroundFlush: BackgroundFlush<Partition>;
  readonly #failures: StorageFailures<Partition>;

  /**
   * `onStorageFailure` is told why a partition's files cannot be written or read, now and then.
   * `flushCheckMs` is the shortest time between two looks for what is to be flushed by its age.
   */
  constructor(
    clock: Clock,
    onStorageFailure: (message: string) => void,
    flushCheckMs: () => number = () => 0,
  ) {
    this.#failures = new StorageFailures(clock, onStorageFailure);
    this.#commits = new GroupCommit(
      (partition) => this.#wake(partition),
      () => clock.yieldToLoop(),
    );
    this.#backgroundFlush = new BackgroundFlush(
      clock,
      (partition) => this.#flushQuietly(partition),
      flushCheckMs,
    );
    this.slicedWork = new SlicedWork(clock);
    this.fetchPurgatory = new Purgatory(clock);
    this.producePurgatory = new Purgatory(clock);
  }

  /** The partition, or UNKNOWN_TOPIC_OR_PARTITION or why it is offline thrown. */
  byName(topic: string, partition: number): Partition {
    const found = this.#byName.get(topic)?.partitions[partition];
    if (found instanceof KafkaError) throw found;
    if (found !== undefined) return found;
    throw new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `Partition ${partition} of topic "${topic}" does not exist here: create it or fetch metadata`,
    );
  }

  /** The partition if it is in service here. */
  find(topic: string, partition: number): Partition | undefined {
    const found = this.#byName.get(topic)?.partitions[partition];
    return found instanceof KafkaError ? undefined : found;
  }

  /** The partition, or UNKNOWN_TOPIC_ID or UNKNOWN_TOPIC_OR_PARTITION thrown. */
  byId(topicId: string, partition: number): Partition {
    const topic = this.#byId.get(topicId);
    if (topic === undefined) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_ID,
        `No topic here has the id ${topicId}: fetch metadata`,
      );
    }
    return this.byName(topic.name, partition);
  }

  /** All of them. */
  *[Symbol.iterator](): Iterator<Partition> {
    for (const { partitions } of this.#byName.values()) yield* inService(partitions);
  }

  /** Takes a partition in. */
  add(topic: string, topicId: string, index: number, partition: Partition): void {
    this.#topic(topic, topicId).partitions[index] = partition;
  }

  /** Answers requests for a partition with `error`. */
  markOffline(topic: string, topicId: string, index: number, error: KafkaError): void {
    this.#topic(topic, topicId).partitions[index] = error;
  }

  /** Lets go of a topic's partitions and answers whoever waits for one of them. */
  removeTopic(topic: string): void {
    const hosted = this.#byName.get(topic);
    if (hosted === undefined) return;
    this.#byName.delete(topic);
    this.#byId.delete(hosted.id);
    for (const partition of inService(hosted.partitions)) {
      partition.isGone = true;
      this.fetchPurgatory.touch(partition);
      this.producePurgatory.touch(partition);
    }
  }

  /**
   * Appends a client's batch. See {@linkcode Partition.append}. A batch that would take too long for
   * one turn of the event loop is appended later, when the promise resolves; until it settles `records`
   * must not change.
   */
  append(
    partition: Partition,
    records: Uint8Array,
    allReplicas: boolean,
    allowZstd: boolean,
  ): AppendResult | Promise<AppendResult> {
    const before = partition.highWatermark;
    const result = partition.appendSmall(records, allReplicas, allowZstd);
    if (result === null) return this.#appendInSteps(partition, records, allReplicas, allowZstd);
    return this.#appended(partition, before, result);
  }

  #appendInSteps(
    partition: Partition,
    records: Uint8Array,
    allReplicas: boolean,
    allowZstd: boolean,
  ): Promise<AppendResult> {
    return this.slicedWork.run(async (pause) => {
      const result = await partition.appendInSteps(records, allReplicas, allowZstd, pause);
      return this.#appended(partition, null, result);
    });
  }

  /** `before` is the high watermark before the append, or null when it is not known. */
  #appended(partition: Partition, before: number | null, result: AppendResult): AppendResult {
    const { flushMs } = partition.log.config;
    if (flushMs !== NO_FLUSH_BY_TIME) this.#backgroundFlush.note(partition, flushMs);
    if (partition.highWatermark !== before) this.#wake(partition);
    return result;
  }

  /**
   * What the acknowledgement of records before `endOffset` has to wait for, `flush.messages` of the
   * topic being what it is: null, or a promise that resolves when they are on the disk and rejects
   * with KAFKA_STORAGE_ERROR. The flush happens whether or not anybody awaits it.
   */
  whenFlushed(partition: Partition, endOffset: number): Promise<void> | null {
    return partition.mustFlushBefore(endOffset) ? this.#commits.commit(partition) : null;
  }

  /** Tells the operator of what a client is answered, if the cause is that files fail. */
  noteFailure(partition: Partition, error: KafkaError): void {
    this.#failures.note(partition, error);
  }

  /** Answers everything that waits, with what there is. */
  shutdown(): void {
    this.#backgroundFlush.stop();
    this.fetchPurgatory.expireAll();
    this.producePurgatory.expireAll();
  }

  /** Resolves when no partition is being flushed. */
  async flushed(): Promise<void> {
    await this.#commits.settled();
  }

  #topic(name: string, id: string): HostedTopic {
    let topic = this.#byName.get(name);
    if (topic === undefined) {
      topic = { name, id, partitions: [] };
      this.#byName.set(name, topic);
      this.#byId.set(id, topic);
    }
    return topic;
  }

  /** Wakes readers once for all the batches that came in one read of a connection. */
  #wake(partition: Partition): void {
    if (this.#touched.size === 0) queueMicrotask(() => this.#wakeReaders());
    this.#touched.add(partition);
  }

  #wakeReaders(): void {
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const partition of touched) this.fetchPurgatory.touch(partition);
  }

  /** Nobody waits for a flush by age: the operator hears when it fails. */
  #flushQuietly(partition: Partition): void {
    if (partition.isGone || !partition.hasUnflushed) return;
    this.#commits.commit(partition).catch((error) => {
      if (!(error instanceof KafkaError)) throw error;
      if (partition.isGone) return;
      this.noteFailure(partition, error);
      // It may get a descriptor later.
      const { failure, config } = partition.log;
      if (failure !== null) return;
      this.#backgroundFlush.note(partition, Math.max(FLUSH_RETRY_MS, config.flushMs));
    });
  }
}

function* inService(partitions: HostedTopic["partitions"]): Generator<Partition> {
  for (const partition of partitions) {
    if (partition !== undefined && !(partition instanceof KafkaError)) yield partition;
  }
}
