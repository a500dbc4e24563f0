/**
 * One partition of which this node has a replica: its log, its role, and the requests that wait for
 * it. The high watermark is the offset below which every in-sync replica has the records; consumers
 * read up to it. Where the topic requires every record on the disk before it is acknowledged
 * (`flush.messages=1`), consumers do not see a record earlier either: a loss of power cannot take
 * back what they have read.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { AppendResult, PartitionLog } from "../log/partition_log.ts";
import type { SlicedWork } from "../log/sliced_work.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { type OffsetWait, OffsetWaiters } from "./offset_waiters.ts";
import type { PartitionFlusher } from "./partition_flusher.ts";
import {
  divergingEpochOf,
  readBatches,
  type ReadBudget,
  type Reader,
  type ReadPosition,
  type ReadResult,
} from "./partition_read.ts";
import { type PartitionReader, PartitionReaders } from "./partition_readers.ts";
import {
  type Effect,
  type FollowerState,
  type LeaderState,
  ReplicaRole,
  type Role,
} from "./replica_role.ts";
import type { StorageFailures } from "./storage_failures.ts";

/** What all partitions of a node share. */
export interface PartitionNeeds {
  readonly flusher: PartitionFlusher;
  /** Runs the checks of batches that would take too long for one turn of the event loop. */
  readonly slicedWork: SlicedWork;
  readonly failures: StorageFailures<Partition>;
}

/** A partition and its log. */
export interface PartitionOptions {
  readonly topic: string;
  readonly topicId: string;
  /** The partition's number. */
  readonly index: number;
  readonly nodeId: number;
  /** Whether the topic is one of Kafka's own, to which clients may not write. */
  readonly isInternal: boolean;
  /** The topic's `min.insync.replicas`. */
  readonly minInsyncReplicas: number;
  /** The log, or why it cannot be opened. */
  readonly log: PartitionLog | KafkaError;
  /** The high watermark that was last written down, or a negative number where there is none. */
  readonly storedHighWatermark: number;
}

/** How a batch is appended. */
export interface ProduceOptions {
  /** Whether the append is refused while fewer than `min.insync.replicas` are in sync. */
  readonly allReplicas: boolean;
  /** Whether the batch may be compressed with zstd. */
  readonly allowZstd: boolean;
}

/** A replica of a partition. */
export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  /** As in `"events-0"`. */
  readonly name: string;
  readonly isInternal: boolean;
  readonly #needs: PartitionNeeds;
  readonly #log: PartitionLog | null;
  readonly #role: ReplicaRole;
  readonly #waiters = new OffsetWaiters();
  readonly #readers = new PartitionReaders();
  #minInsyncReplicas: number;

  /** A follower that knows no leader, or an offline replica where there is no log. */
  constructor(options: PartitionOptions, needs: PartitionNeeds) {
    const { topic, topicId, index, log, storedHighWatermark } = options;
    this.topic = topic;
    this.topicId = topicId;
    this.index = index;
    this.name = `${topic}-${index}`;
    this.isInternal = options.isInternal;
    this.#needs = needs;
    this.#minInsyncReplicas = options.minInsyncReplicas;
    if (log instanceof KafkaError) {
      this.#log = null;
      this.#role = new ReplicaRole(this.name, options.nodeId, 0);
      this.becomeOffline(log);
    } else {
      this.#log = log;
      const { logStartOffset, logEndOffset } = log;
      const highWatermark = Math.max(logStartOffset, Math.min(storedHighWatermark, logEndOffset));
      this.#role = new ReplicaRole(this.name, options.nodeId, highWatermark);
    }
  }

  /** The log. Throws why it could not be opened. */
  get log(): PartitionLog {
    if (this.#log !== null) return this.#log;
    const { role } = this.#role;
    assert(role.type === "offline", `${this.name} has no log and is not offline`);
    throw role.error;
  }

  /** Whether the log could be opened. */
  get hasLog(): boolean {
    return this.#log !== null;
  }

  /** What this node's replica is. */
  get role(): Role {
    return this.#role.role;
  }

  get leaderEpoch(): number {
    return this.#role.role.leaderEpoch;
  }

  /** The offset at which consumers' reading ends, exclusive. */
  get highWatermark(): number {
    return this.#role.highWatermark;
  }

  /** The offset at which reading of committed records only ends, exclusive. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.#role.highWatermark);
  }

  /** The offset of the first record that may be read, or -1 where the log could not be opened. */
  get logStartOffset(): number {
    return this.#log?.logStartOffset ?? -1;
  }

  /** How many produce requests wait for the high watermark. */
  get waitingProduces(): number {
    return this.#waiters.size;
  }

  /** How many readers are registered. */
  get readerCount(): number {
    return this.#readers.size;
  }

  /**
   * Leads the partition from now on. Throws KAFKA_STORAGE_ERROR, and is offline then, when the leader
   * epoch cannot be written to the log.
   */
  becomeLeader(state: LeaderState): void {
    const effects = this.#role.becomeLeader(state, this.log.latestEpoch);
    try {
      this.#run(effects);
    } catch (error) {
      if (error instanceof KafkaError) this.becomeOffline(error);
      throw error;
    }
    this.#advance();
    this.#flushUnacknowledged();
  }

  /** Follows another node from now on. Waiting produce requests fail with NOT_LEADER_OR_FOLLOWER. */
  becomeFollower(state: FollowerState): void {
    this.#run(this.#role.becomeFollower(state));
  }

  /** Answers every request with `error` from now on, those that wait included. */
  becomeOffline(error: KafkaError): void {
    this.#run(this.#role.becomeOffline(error));
  }

  /** The partition is no longer in the table: as {@linkcode Partition.becomeOffline}, for good. */
  remove(error: KafkaError): void {
    this.becomeOffline(error);
    this.#readers.removeAll();
  }

  /** Fails the produce requests that wait with `error`. */
  failWaiting(error: KafkaError): void {
    this.#waiters.failAll(error);
  }

  /** Puts settings of the topic in force. */
  configure(config: LogConfig, minInsyncReplicas: number): void {
    this.#minInsyncReplicas = minInsyncReplicas;
    if (this.#log === null) return;
    this.#log.updateConfig(config);
    this.#advance();
    this.#flushUnacknowledged();
    this.#readers.notify();
  }

  /** Throws NOT_LEADER_OR_FOLLOWER, or why the partition is offline, unless this node leads it. */
  checkLeader(): void {
    this.#role.checkLeader();
  }

  /**
   * As {@linkcode Partition.checkLeader}. Throws FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH, too, for
   * a client that knows another leader epoch than the current one; -1 stands for none.
   */
  checkLeaderEpoch(epoch: number): void {
    this.#role.checkLeaderEpoch(epoch);
  }

  /**
   * Appends a client's batch. Throws as `PartitionLog.append` does, NOT_LEADER_OR_FOLLOWER and
   * NOT_ENOUGH_REPLICAS. A batch that would take too long for one turn of the event loop is appended
   * later, when the promise resolves; until it settles `records` must not change, and other batches may
   * be appended.
   */
  append(records: Uint8Array, options: ProduceOptions): AppendResult | Promise<AppendResult> {
    const leaderEpoch = this.#checkAppend(options);
    const { allowZstd } = options;
    let result: AppendResult | null;
    try {
      result = this.log.appender.appendSmall(records, { leaderEpoch, allowZstd });
    } catch (error) {
      throw this.#failure(error);
    }
    if (result === null) return this.#appendInSteps(records, options);
    this.#onAppended();
    return result;
  }

  #appendInSteps(records: Uint8Array, options: ProduceOptions): Promise<AppendResult> {
    const { appender } = this.log;
    return this.#needs.slicedWork.run(async (pause) => {
      try {
        const result = await appender.appendInSteps(
          records,
          options,
          pause,
          () => this.#checkAppend(options),
        );
        this.#onAppended();
        return result;
      } catch (error) {
        throw this.#failure(error);
      }
    });
  }

  /** Returns the leader epoch for the batch. */
  #checkAppend({ allReplicas }: ProduceOptions): number {
    const leaderEpoch = this.#role.checkLeader();
    if (allReplicas) this.#role.checkInSync(this.#minInsyncReplicas);
    return leaderEpoch;
  }

  #onAppended(): void {
    this.#needs.flusher.flushLater(this);
    if (!this.#advance()) this.#readers.notifyReplicas();
  }

  /**
   * Returns what the acknowledgement of the records before `endOffset` has to wait for: null, or a
   * promise that resolves when they are on the disk, where `flush.messages` or more records, these
   * among them, are not. The promise rejects with KAFKA_STORAGE_ERROR, or with the error of a partition
   * that has gone offline meanwhile. A caller may ignore it; the flush happens all the same.
   */
  flushed(endOffset: number): Promise<void> | null {
    const { recoveryPoint, logEndOffset, config } = this.log;
    const isRequired = endOffset > recoveryPoint &&
      logEndOffset - recoveryPoint >= config.flushMessages;
    return isRequired ? this.#needs.flusher.flush(this) : null;
  }

  /** Whether the high watermark has reached `endOffset`. */
  isReplicated(endOffset: number): boolean {
    return this.#role.highWatermark >= endOffset;
  }

  /** Waits until the high watermark reaches `endOffset`, or the partition has another role. */
  whenReplicated(endOffset: number): OffsetWait {
    const wait = this.#waiters.add(endOffset);
    // The role may have changed during the flush that came before.
    if (this.role.type !== "leader") this.#failWaitingAsRole();
    else if (this.isReplicated(endOffset)) this.#waiters.resolveUpTo(endOffset);
    return wait;
  }

  /**
   * Reads whole batches, for a consumer up to the high watermark, or to the last stable offset, and for
   * a replica up to the end of the log. Throws NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH,
   * UNKNOWN_LEADER_EPOCH, OFFSET_OUT_OF_RANGE, UNSUPPORTED_COMPRESSION_TYPE and KAFKA_STORAGE_ERROR.
   */
  read(position: ReadPosition, reader: Reader, budget: ReadBudget): ReadResult {
    try {
      const endOffset = this.#checkRead(position, reader);
      return readBatches(this.log, this.highWatermark, endOffset, position, reader, budget);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /**
   * Returns how many bytes {@linkcode Partition.read} would return at most, or null when its answer
   * cannot wait for more: it throws, or the histories diverge.
   */
  readableBytes(position: ReadPosition, reader: Reader): number | null {
    try {
      const endOffset = this.#checkRead(position, reader);
      if (divergingEpochOf(position, this.log) !== null) return null;
      const { fetchOffset } = position;
      const maxBytes = Math.max(0, position.maxBytes);
      return this.log.read({ fetchOffset, maxBytes, endOffset, minOneBatch: true }).byteLength;
    } catch (error) {
      if (error instanceof KafkaError) return null;
      throw error;
    }
  }

  /** Returns where this reader's reading ends. */
  #checkRead(position: ReadPosition, { replicaId, committedOnly, allowZstd }: Reader): number {
    this.#role.checkLeaderEpoch(position.currentLeaderEpoch);
    if (!allowZstd && this.log.config.recompression?.type === "zstd") {
      throw new KafkaError(
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        `Cannot read ${this.name}: it is compressed with zstd, which needs Fetch version 10`,
      );
    }
    if (replicaId >= 0) {
      this.#role.checkReplica(replicaId);
      return this.log.logEndOffset;
    }
    return committedOnly ? this.lastStableOffset : this.highWatermark;
  }

  /** Has `reader` notified from now on. */
  addReader(reader: PartitionReader): void {
    this.#readers.add(reader);
  }

  /** Notifies `reader` no longer. */
  removeReader(reader: PartitionReader): void {
    this.#readers.remove(reader);
  }

  /**
   * Removes the records before `offset`. Throws OFFSET_OUT_OF_RANGE beyond the high watermark, and
   * otherwise as `PartitionLog.deleteRecordsBefore`.
   */
  deleteRecordsBefore(offset: number): void {
    const { highWatermark } = this;
    if (offset < 0 || offset > highWatermark) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot delete records of ${this.name} before ${offset}: its high watermark is ${highWatermark}`,
      );
    }
    this.#moveStart(() => this.log.deleteRecordsBefore(offset));
  }

  /** As `PartitionLog.applyRetention`, for what is below the high watermark. */
  applyRetention(nowMs: number): void {
    this.#moveStart(() => this.log.applyRetention(nowMs, this.highWatermark));
  }

  #moveStart(move: () => void): void {
    const before = this.log.logStartOffset;
    try {
      move();
    } catch (error) {
      throw this.#failure(error);
    } finally {
      if (this.log.logStartOffset !== before) this.#readers.notify();
    }
  }

  /** Whether the log has records that may not be on the disk and can be flushed. */
  get needsFlush(): boolean {
    const log = this.#log;
    return log !== null && log.failure === null && this.role.type !== "offline" &&
      log.recoveryPoint < log.logEndOffset;
  }

  /** The topic's `flush.ms`. */
  get flushMs(): number {
    return this.log.config.flushMs;
  }

  /** Flushes the log. Rejects with KAFKA_STORAGE_ERROR, and the log takes no more records then. */
  async flush(): Promise<void> {
    try {
      await this.log.flush();
    } catch (error) {
      throw this.#failure(error);
    }
    this.#advance();
  }

  /** Returns whether the high watermark has risen. */
  #advance(): boolean {
    const { recoveryPoint, logEndOffset, config } = this.log;
    const stored = config.flushMessages > 1 ? logEndOffset : recoveryPoint;
    if (!this.#role.onStored(stored)) return false;
    this.#waiters.resolveUpTo(this.highWatermark);
    this.#readers.notify();
    return true;
  }

  /**
   * With `flush.messages=1` the high watermark follows the flushes. After an unclean start records may
   * be above it for which no request waits.
   */
  #flushUnacknowledged(): void {
    const { config, logEndOffset } = this.log;
    if (config.flushMessages > 1 || this.isReplicated(logEndOffset)) return;
    if (this.needsFlush) this.#needs.flusher.flush(this);
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === "begin-epoch") this.log.assignEpoch(effect.leaderEpoch);
      else if (effect.type === "fail-waiting") this.#waiters.failAll(effect.error);
      else this.#readers.notify();
    }
  }

  #failWaitingAsRole(): void {
    try {
      this.#role.checkLeader();
    } catch (error) {
      this.#waiters.failAll(error as KafkaError);
    }
  }

  /** Returns what a request is answered when the log has thrown `error`, and reports failing files. */
  #failure(error: unknown): unknown {
    if (!(error instanceof KafkaError)) return error;
    const { role } = this;
    if (role.type === "offline") return role.error;
    this.#needs.failures.report(this, error);
    return error;
  }
}
