/**
 * The transactions that determine the last stable offset: those that are open, and those whose
 * marker is not replicated to all in-sync replicas yet.
 *
 * @module
 */

import type { Int64 } from "../../protocol/int64.ts";

/** The transactions of one partition. */
export class OpenTransactions {
  /** The first offset of each open transaction, by producer, in the order in which they started. */
  readonly #open = new Map<Int64, number>();
  /** Completed transactions whose marker was not below the high watermark at the last check. */
  #decided: { readonly firstOffset: number; readonly lastOffset: number }[] = [];

  /** Starts the producer's transaction at `firstOffset`, which is above all others. */
  begin(producerId: Int64, firstOffset: number): void {
    this.#open.set(producerId, firstOffset);
  }

  /**
   * Completes the producer's transaction with the marker at `markerOffset`. Returns the resulting
   * last stable offset, under the assumption that all replicas have the marker.
   */
  end(producerId: Int64, markerOffset: number): number {
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (firstOffset !== undefined) {
      this.#decided.push({ firstOffset, lastOffset: markerOffset });
    }
    return this.#firstOpen() ?? markerOffset + 1;
  }

  /** Returns the last stable offset for the given high watermark. */
  lastStableOffset(highWatermark: number): number {
    if (this.#open.size === 0 && this.#decided.length === 0) return highWatermark;
    this.forgetStable(highWatermark);
    let stable = Math.min(highWatermark, this.#firstOpen() ?? Infinity);
    for (const { firstOffset } of this.#decided) stable = Math.min(stable, firstOffset);
    return stable;
  }

  /** Removes completed transactions whose markers are below `highWatermark`. */
  forgetStable(highWatermark: number): void {
    if (!this.#decided.some(({ lastOffset }) => lastOffset < highWatermark)) return;
    this.#decided = this.#decided.filter(({ lastOffset }) => lastOffset >= highWatermark);
  }

  /** Removes all transactions. */
  clear(): void {
    this.#open.clear();
    this.#decided = [];
  }

  #firstOpen(): number | undefined {
    return this.#open.values().next().value;
  }
}
