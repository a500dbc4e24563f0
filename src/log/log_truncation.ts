/**
 * Truncation at the end of a log, in an order that a crash cannot break:
 *
 * 1. Nothing is appended from now on.
 * 2. The recovery point is lowered durably, and the files that mark later segments as durable are
 *    removed: otherwise a start would take the truncated log for a damaged one.
 * 3. The records are cut off.
 * 4. The log is flushed: otherwise a power failure could bring cut records back behind newer ones.
 * 5. Records may be appended again.
 *
 * When the recovery point cannot be lowered, nothing has happened. When a later step fails for want of
 * space or descriptors, the log accepts no records until another truncation has succeeded. After any
 * other failure of the disk it is out of service until the next start, which recovers it from the
 * lowered recovery point.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { FileError } from "../runtime/runtime.ts";
import { withPauses } from "../protocol/records/compression/steps.ts";
import type { LogCompaction } from "./compaction/log_compaction.ts";
import type { LogDurability } from "./log_durability.ts";
import type { LogStart } from "./log_start.ts";
import type { LogState } from "./log_state.ts";
import { loadProducers } from "./opening/rebuild_from_segments.ts";
import { ProducerState } from "./producers/producer_state.ts";
import { pauseBetweenSlices } from "./sliced_work.ts";

/** Reasons for failures after which a truncation may be repeated. */
const TRANSIENT: ReadonlySet<FileError["reason"]> = new Set(["no-space", "too-many-open"]);

/**
 * A truncation that has begun: its log accepts no appends. The steps follow one another in this order;
 * a step that rejects, with a `KafkaError`, is the last one.
 */
export interface Truncation {
  /** Resolves when no file marks the segments that will be cut as durable. */
  removeMarkers(): Promise<void>;
  /** Whether the recovery point has to be saved before the next step. */
  readonly hasLoweredRecoveryPoint: boolean;
  /** Cuts the records, the lowered recovery point being durable. Resolves when the cut is durable. */
  finish(): Promise<void>;
  /** Ends it in place of the next step: nothing has been cut. */
  cancel(): void;
}

/** Truncates one log. Methods throw a `KafkaError`. */
export class LogTruncation {
  readonly #state: LogState;
  readonly #durability: LogDurability;
  readonly #compaction: LogCompaction;
  readonly #start: LogStart;
  /** The running truncation, or null. */
  #running: PromiseWithResolvers<void> | null = null;
  /** Whether records may have been cut without the cut being durable. */
  #isUnfinished = false;

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
  async truncateTo(offset: number): Promise<void> {
    while (this.#running !== null) await this.#running.promise;
    await this.#durability.track(this.#run(this.begin(offset)));
  }

  /** As `PartitionLog.truncateFully`. */
  async truncateFully(offset: number): Promise<void> {
    while (this.#running !== null) await this.#running.promise;
    await this.#durability.track(this.#run(this.#begin(offset, true)));
  }

  async #run(truncation: Truncation | null): Promise<void> {
    if (truncation === null) return;
    await truncation.removeMarkers();
    if (truncation.hasLoweredRecoveryPoint) {
      try {
        await this.#durability.saveRecoveryPoint();
      } catch (error) {
        truncation.cancel();
        throw this.#state.health.failed("truncate", error);
      }
    }
    await truncation.finish();
  }

  /** As `PartitionLog.beginTruncation`. */
  begin(offset: number): Truncation | null {
    const { segments, health, epochs, logEndOffset } = this.#state;
    health.check();
    if (this.#running !== null) throw this.#state.truncation!;
    if (offset < logEndOffset || this.#isUnfinished) {
      return this.#begin(offset, offset <= segments.all[0]!.baseOffset);
    }
    // An epoch that begins there has no records, and another leader may have used its offsets.
    health.change("truncate", () => epochs.truncateFromEnd(offset));
    return null;
  }

  #begin(offset: number, isFull: boolean): Truncation {
    const { health, name, segments } = this.#state;
    assert(offset >= 0, `${name} is truncated to ${offset}`);
    health.check();
    let markers: Promise<void> | null;
    try {
      // A full truncation that a crash interrupts may leave any of the segments: none may count as missing.
      markers = this.#durability.beforeTruncation(isFull ? 0 : segments.endBefore(offset));
    } catch (error) {
      if (!this.#isUnfinished) segments.keepMarkers();
      throw health.failed("truncate", error);
    }
    this.#running = Promise.withResolvers();
    this.#state.truncation = new KafkaError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `Cannot change ${name}: it is being truncated to offset ${offset}`,
    );
    return {
      removeMarkers: async () => {
        try {
          await markers;
        } catch (error) {
          this.#cancel();
          throw health.failed("truncate", error);
        }
      },
      hasLoweredRecoveryPoint: this.#durability.isLowered,
      finish: async () => {
        try {
          await this.#finish(() => isFull ? this.#cutAll(offset) : this.#cut(offset));
        } finally {
          this.#end();
        }
      },
      cancel: () => this.#cancel(),
    };
  }

  #cancel(): void {
    if (!this.#isUnfinished) {
      this.#state.truncation = null;
      this.#state.segments.keepMarkers();
    }
    this.#end();
  }

  #end(): void {
    this.#running?.resolve();
    this.#running = null;
  }

  async #finish(cut: () => void): Promise<void> {
    const { health } = this.#state;
    health.check();
    this.#isUnfinished = true;
    try {
      cut();
      await this.#loadProducers();
      // Compaction may have removed the batch before the cut since the recovery point was lowered.
      if (this.#durability.isLowered) await this.#durability.saveRecoveryPoint();
      await this.#start.saved();
    } catch (error) {
      const failure = health.failed("truncate", error) as KafkaError;
      if (!isTransient(error) && !health.isClosed) health.takeOffline(failure);
      throw failure;
    }
    // The segments of a log that was closed meanwhile are not synced any more.
    health.check();
    try {
      await this.#durability.flush();
    } catch (error) {
      throw health.flushFailed(error);
    }
    health.checkFailure();
    this.#isUnfinished = false;
    this.#state.truncation = null;
  }

  #cut(offset: number): void {
    const state = this.#state;
    const { segments, snapshots } = state;
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
  }

  /**
   * Rebuilds the state of producers, in slices: it may take a pass over the whole log. The state before
   * the cut is used meanwhile. Its last stable offset is never too high, since the high watermark has not
   * passed a record that was cut.
   */
  async #loadProducers(): Promise<void> {
    const { segments, snapshots, producers, health, runtime: { clock } } = this.#state;
    const loaded = new ProducerState();
    const pause = pauseBetweenSlices(clock);
    await withPauses(loadProducers(segments.all, snapshots, loaded, clock.now()), async () => {
      await pause();
      health.check();
    });
    producers.adopt(loaded);
  }

  #cutAll(offset: number): void {
    const state = this.#state;
    this.#compaction.onTruncated(offset);
    state.segments.reset(offset, state.config);
    state.snapshots.removeAbove(-1);
    const isLowered = offset < state.logStartOffset;
    state.logStartOffset = offset;
    this.#start.save(isLowered);
    state.epochs.truncateFromEnd(0);
  }
}

function isTransient(error: unknown): boolean {
  const cause = error instanceof KafkaError ? error.cause : error;
  return cause instanceof FileError && TRANSIENT.has(cause.reason);
}
