/**
 * The readers of a partition that are notified when a read may return something new.
 *
 * @module
 */

/** A fetch, or a fetch session, that reads a partition. */
export interface PartitionReader {
  /** Whether it reads up to the end of the log rather than up to the high watermark. */
  readonly isReplica: boolean;
  /**
   * A read may return something else than the last one. Called while the partition changes, so the
   * reader must not read before the current task has ended.
   */
  onNews(): void;
  /** The partition is no longer in the table. The reader has been removed from it. */
  onRemoved(): void;
}

/** The readers of one partition. */
export class PartitionReaders {
  readonly #readers = new Set<PartitionReader>();

  /** How many there are. */
  get size(): number {
    return this.#readers.size;
  }

  /** Notifies `reader` from now on. */
  add(reader: PartitionReader): void {
    this.#readers.add(reader);
  }

  /** Notifies `reader` no longer. */
  remove(reader: PartitionReader): void {
    this.#readers.delete(reader);
  }

  /** Notifies all readers. */
  notify(): void {
    for (const reader of this.#readers) reader.onNews();
  }

  /** Notifies those that read up to the end of the log: it has moved, and the high watermark has not. */
  notifyReplicas(): void {
    for (const reader of this.#readers) if (reader.isReplica) reader.onNews();
  }

  /** Removes all readers: the partition is no longer in the table. */
  removeAll(): void {
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader.onRemoved();
  }
}
