/**
 * Flushes the partitions of a node: together for the requests that wait for it, and in the background
 * by the age of their records.
 *
 * @module
 */
import { BackgroundFlush, NO_FLUSH_BY_TIME } from "./background_flush.ts";
import { type Flushable, GroupCommit } from "./group_commit.ts";
import { KafkaError } from "../protocol/errors.ts";
import type { Clock } from "../runtime/runtime.ts";

/** The least time before a flush by age that failed is tried again, ms. */
const RETRY_MS = 1_000;

/** What is flushed. It reports its failures itself. */
export interface FlushablePartition extends Flushable {
  /** Whether it has records that may not be on the disk and can be brought there. */
  readonly needsFlush: boolean;
  /** The topic's `flush.ms`. */
  readonly flushMs: number;
}

/** The flushes of all partitions of a node. */
export class PartitionFlusher {
  readonly #commits: GroupCommit<FlushablePartition>;
  readonly #background: BackgroundFlush<FlushablePartition>;

  /** `checkIntervalMs` returns the shortest time between two flushes by age, 0 for no such bound. */
  constructor(clock: Clock, checkIntervalMs: () => number = () => 0) {
    this.#commits = new GroupCommit(() => clock.yieldToLoop());
    this.#background = new BackgroundFlush(
      clock,
      (partition) => this.#flushByAge(partition),
      checkIntervalMs,
    );
  }

  /**
   * Resolves when everything that was appended to `partition` before the call is on the disk, and
   * rejects as its `flush` does. Callers that wait at the same time share one flush. A caller may
   * ignore the promise.
   */
  flush(partition: FlushablePartition): Promise<void> {
    return this.#commits.commit(partition);
  }

  /** Flushes `partition`, which has been written, once its `flush.ms` has passed. */
  flushLater(partition: FlushablePartition): void {
    const { flushMs } = partition;
    if (flushMs !== NO_FLUSH_BY_TIME) this.#background.schedule(partition, flushMs);
  }

  /** Starts no more flushes by age. */
  stop(): void {
    this.#background.stop();
  }

  /** Resolves when no partition is being flushed. */
  async settled(): Promise<void> {
    await this.#commits.settled();
  }

  async #flushByAge(partition: FlushablePartition): Promise<void> {
    if (!partition.needsFlush) return;
    try {
      await this.#commits.commit(partition);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      // It may get a descriptor later.
      if (!partition.needsFlush) return;
      this.#background.schedule(partition, Math.max(RETRY_MS, partition.flushMs));
    }
  }
}
