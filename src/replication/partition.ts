/**
 * One partition that this node leads: its log, its leader epoch and its high watermark, the offset
 * below which every in-sync replica has the records and consumers may read them. Where the topic
 * wants every record on the disk before it is acknowledged (`flush.messages=1`), consumers do not see
 * it earlier either: what they have read, a loss of power does not take back.
 *
 * @module
 */
import { isInternalTopic } from "../controller/internal_topics.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { AppendResult, PartitionLog } from "../log/partition_log.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";

/** What a partition is, as the cluster's metadata say. */
export interface PartitionState {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** The topic's `min.insync.replicas`. */
  readonly minInsyncReplicas: number;
}

/** A partition led by this node. Also the key under which delayed operations wait. */
export class Partition {
  readonly #nodeId: number;
  #state: PartitionState;
  #highWatermark: number;
  /** Whether the topic is one of Kafka's own, to which clients may not write. */
  readonly isInternal: boolean;
  /** Whether this node has stopped leading it: its topic was deleted. */
  isGone = false;

  constructor(readonly log: PartitionLog, state: PartitionState, nodeId: number) {
    this.#nodeId = nodeId;
    this.#state = state;
    this.#highWatermark = log.logEndOffset;
    this.isInternal = isInternalTopic(log.topic);
  }

  /** As in `"events-0"`. */
  get name(): string {
    return this.log.name;
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch;
  }

  /** Where consumers' reading ends, exclusive. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** Where reading ends for those who want committed records only. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.#highWatermark);
  }

  /** Takes over what the cluster's metadata say now. */
  update(state: PartitionState): void {
    this.#state = state;
    this.#advance();
  }

  /** Throws unless a client that knows `epoch` (-1: none) knows the current leader. */
  checkLeaderEpoch(epoch: number): void {
    const { leaderEpoch } = this.#state;
    if (epoch < 0 || epoch === leaderEpoch) return;
    throw epoch < leaderEpoch
      ? new KafkaError(
        ErrorCode.FENCED_LEADER_EPOCH,
        `Leader epoch ${epoch} of ${this.name} is over, it is ${leaderEpoch}: fetch metadata`,
      )
      : new KafkaError(
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        `Leader epoch ${epoch} of ${this.name} is not known here yet, it is ${leaderEpoch}`,
      );
  }

  /**
   * Appends a client's batch. With `allReplicas` it is refused when fewer than
   * `min.insync.replicas` are in sync; a topic with fewer replicas than that needs all it has.
   * `allowZstd` is whether the request's version knows that compression.
   */
  append(records: Uint8Array, allReplicas: boolean, allowZstd = true): AppendResult {
    this.#checkInSync(allReplicas);
    const { leaderEpoch } = this.#state;
    return this.#advanced(
      this.log.append(records, { leaderEpoch, origin: "client", allowZstd }),
    );
  }

  /**
   * As {@linkcode Partition.append}. Returns null, with nothing stored, for a batch that would take too
   * long for one turn of the event loop.
   */
  appendSmall(records: Uint8Array, allReplicas: boolean, allowZstd: boolean): AppendResult | null {
    this.#checkInSync(allReplicas);
    const { leaderEpoch } = this.#state;
    const result = this.log.appender.appendSmall(records, { leaderEpoch, allowZstd });
    return result === null ? null : this.#advanced(result);
  }

  /**
   * As {@linkcode Partition.append}, awaiting `pause` between two parts of the checks. Other batches may
   * be appended meanwhile. `records` must not change.
   */
  async appendInSteps(
    records: Uint8Array,
    allReplicas: boolean,
    allowZstd: boolean,
    pause: Pause,
  ): Promise<AppendResult> {
    const result = await this.log.appender.appendInSteps(records, { allowZstd }, pause, () => {
      this.#checkInSync(allReplicas);
      return this.#state.leaderEpoch;
    });
    return this.#advanced(result);
  }

  #checkInSync(allReplicas: boolean): void {
    if (!allReplicas) return;
    const needed = Math.min(this.#state.minInsyncReplicas, this.#state.replicas.length);
    const inSync = this.#state.isr.length;
    if (inSync < needed) {
      throw new KafkaError(
        ErrorCode.NOT_ENOUGH_REPLICAS,
        `${this.name} has ${inSync} in-sync replicas, min.insync.replicas is ${needed}`,
      );
    }
  }

  #advanced(result: AppendResult): AppendResult {
    this.#advance();
    return result;
  }

  /**
   * Whether the records before `endOffset` must not be acknowledged before a flush: `flush.messages`
   * or more are not on the disk, and these are among them.
   */
  mustFlushBefore(endOffset: number): boolean {
    const { recoveryPoint, logEndOffset, config } = this.log;
    return logEndOffset - recoveryPoint >= config.flushMessages && endOffset > recoveryPoint;
  }

  /** Whether the log has records that may not be on the disk. */
  get hasUnflushed(): boolean {
    return this.log.recoveryPoint < this.log.logEndOffset;
  }

  /** Brings the log to the disk. Rejects with KAFKA_STORAGE_ERROR, and the log is then offline. */
  async flush(): Promise<void> {
    await this.log.flush();
    this.#advance();
  }

  /** Alone in the ISR, what this node has is what all have, and what is on its disk where that counts. */
  #advance(): void {
    const { isr } = this.#state;
    if (isr.length !== 1 || isr[0] !== this.#nodeId) return;
    const { recoveryPoint, logEndOffset, config } = this.log;
    if (config.flushMessages > 1) this.#highWatermark = logEndOffset;
    else if (recoveryPoint > this.#highWatermark) this.#highWatermark = recoveryPoint;
  }
}
