/**
 * How far a group has read: the offsets it committed, by topic and partition.
 *
 * @module
 */

import type { Int64 } from "../protocol/int64.ts";

/** One partition's committed offset. */
export interface CommittedOffset {
  /** The next offset to read, as it was committed: any 64-bit integer. */
  readonly offset: Int64;
  /** The leader epoch of the last record read, -1 when the client did not say. */
  readonly leaderEpoch: number;
  /** The client's own words, "" when none. */
  readonly metadata: string;
  /** When it was committed, in milliseconds of wall-clock time. */
  readonly commitTimestampMs: number;
}

/** The offsets of one group, to read. */
export type ReadonlyCommittedOffsets = Pick<CommittedOffsets, "get" | "topics" | "isEmpty">;

/** The offsets of one group. */
export class CommittedOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>();

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  /** One partition's offset. */
  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  /** Puts one partition's offset in the place of the one before. */
  set(topic: string, partition: number, committed: CommittedOffset): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, partitions = new Map());
    partitions.set(partition, committed);
  }

  /** Forgets one partition's offset, if there is one. */
  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    if (partitions?.delete(partition) && partitions.size === 0) this.#topics.delete(topic);
  }

  /** Forgets all of a topic's, if there are any. */
  deleteTopic(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Every topic with its partitions. */
  topics(): IterableIterator<[string, ReadonlyMap<number, CommittedOffset>]> {
    return this.#topics.entries();
  }
}
