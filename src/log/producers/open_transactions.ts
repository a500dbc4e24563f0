/**
 * The transactions that keep those who read committed records only from reading on: the ones that are
 * open, and those that are decided by a marker which not every replica in sync has yet.
 *
 * @module
 */

import type { Int64 } from "../../protocol/int64.ts";

/** The transactions of one partition. */
export class OpenTransactions {
  /** Where each open one begins, by producer, in the order in which they began. */
  readonly #open = new Map<Int64, number>();
  /** Decided ones whose marker was not below the high watermark when somebody last asked. */
  #decided: { readonly firstOffset: number; readonly lastOffset: number }[] = [];

  /** The producer's transaction begins at `firstOffset`, behind all others. */
  begin(producerId: Int64, firstOffset: number): void {
    this.#open.set(producerId, firstOffset);
  }

  /**
   * The producer's transaction is decided by the marker at `markerOffset`. Returns the last stable
   * offset that this leaves, as if every replica had the marker.
   */
  end(producerId: Int64, markerOffset: number): number {
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (firstOffset !== undefined) {
      this.#decided.push({ firstOffset, lastOffset: markerOffset });
    }
    return this.#firstOpen() ?? markerOffset + 1;
  }

  /** The first offset that is not stable while all replicas have what is below `highWatermark`. */
  lastStableOffset(highWatermark: number): number {
    if (this.#open.size === 0 && this.#decided.length === 0) return highWatermark;
    this.forgetStable(highWatermark);
    let stable = Math.min(highWatermark, this.#firstOpen() ?? Infinity);
    for (const { firstOffset } of this.#decided) stable = Math.min(stable, firstOffset);
    return stable;
  }

  /** Forgets decided transactions whose markers are below `highWatermark`. */
  forgetStable(highWatermark: number): void {
    if (!this.#decided.some(({ lastOffset }) => lastOffset < highWatermark)) return;
    this.#decided = this.#decided.filter(({ lastOffset }) => lastOffset >= highWatermark);
  }

  /** Forgets all. */
  clear(): void {
    this.#open.clear();
    this.#decided = [];
  }

  #firstOpen(): number | undefined {
    return this.#open.values().next().value;
  }
}
