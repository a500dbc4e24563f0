/**
 * The committed offsets of a group, by topic and partition.
 *
 * @module
 */

import type { Int64 } from "../protocol/int64.ts";

/** The committed offset of a partition. */
export interface CommittedOffset {
  /** The next offset to read, as committed: any 64-bit integer. */
  readonly offset: Int64;
  /** The leader epoch of the last record read, or -1 if unknown. */
  readonly leaderEpoch: number;
  /** Metadata of the client, "" if none. */
  readonly metadata: string;
  /** Time of the commit, in milliseconds of wall-clock time. */
  readonly commitTimestampMs: number;
}

/** A read-only view of the offsets of a group. */
export type ReadonlyCommittedOffsets = Pick<CommittedOffsets, "get" | "topics" | "isEmpty">;

/** The committed offsets of a group. */
export class CommittedOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>();

  /** Whether there are no offsets. */
  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  /** Returns the offset of a partition. */
  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  /** Sets the offset of a partition. */
  set(topic: string, partition: number, committed: CommittedOffset): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, partitions = new Map());
    partitions.set(partition, committed);
  }

  /** Deletes the offset of a partition, if any. */
  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    if (partitions?.delete(partition) && partitions.size === 0) this.#topics.delete(topic);
  }

  /** Deletes all offsets of a topic, if any. */
  deleteTopic(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Returns all topics with their partitions. */
  topics(): IterableIterator<[string, ReadonlyMap<number, CommittedOffset>]> {
    return this.#topics.entries();
  }
}
