/**
 * Truncation at the end of a log.
 *
 * @module
 */
import { atOnce } from "../protocol/records/compression/steps.ts";
import type { LogCompaction } from "./compaction/log_compaction.ts";
import type { LogDurability } from "./log_durability.ts";
import type { LogStart } from "./log_start.ts";
import type { LogState } from "./log_state.ts";
import { loadProducers } from "./opening/rebuild_from_segments.ts";

/** Truncates one log. Methods throw a `KafkaError`. */
export class LogTruncation {
  readonly #state: LogState;
  readonly #durability: LogDurability;
  readonly #compaction: LogCompaction;
  readonly #start: LogStart;

  constructor(
    state: LogState,
    durability: LogDurability,
    compaction: LogCompaction,
    start: LogStart,
  ) {
    this.#state = state;
    this.#durability = durability;
    this.#compaction = compaction;
    this.#start = start;
  }

  /** As `PartitionLog.truncateTo`. */
  truncateTo(offset: number): void {
    const { segments, health, logEndOffset } = this.#state;
    if (offset >= logEndOffset) return;
    if (offset <= segments.all[0]!.baseOffset) return this.truncateFully(offset);
    health.change("truncate", () => this.#cut(offset), true);
  }

  #cut(offset: number): void {
    const state = this.#state;
    const { segments, snapshots } = state;
    this.#durability.beforeTruncation(offset);
    this.#compaction.onTruncated(offset);
    segments.truncate(offset);
    const { logEndOffset } = state;
    this.#durability.afterTruncation(logEndOffset);
    if (state.logStartOffset > logEndOffset) {
      state.logStartOffset = logEndOffset;
      this.#start.save(true);
    }
    state.epochs.truncateFromEnd(logEndOffset);
    snapshots.removeAbove(logEndOffset);
    const nowMs = state.runtime.clock.now();
    atOnce(loadProducers(segments.all, snapshots, state.producers, nowMs));
  }

  /** As `PartitionLog.truncateFully`. */
  truncateFully(offset: number): void {
    this.#state.health.change("truncate", () => this.#cutAll(offset), true);
  }

  #cutAll(offset: number): void {
    const state = this.#state;
    const { segments } = state;
    segments.invalidateMarkers(0);
    this.#durability.beforeTruncation(offset);
    this.#compaction.onTruncated(offset);
    segments.clear();
    state.snapshots.removeAbove(-1);
    segments.add(offset, state.config);
    const isLowered = offset < state.logStartOffset;
    state.logStartOffset = offset;
    this.#start.save(isLowered);
    state.producers.clear();
    state.epochs.truncateFromEnd(0);
  }
}
