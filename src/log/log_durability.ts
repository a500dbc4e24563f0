/**
 * The durability of one log: its recovery point, below which everything is durable, and the syncs that
 * raise it.
 *
 * @module
 */
import { FileError } from "../runtime/runtime.ts";
import type { LogCompaction } from "./compaction/log_compaction.ts";
import type { LogState } from "./log_state.ts";
import { PendingWork } from "./pending_work.ts";
import type { Segment } from "./segments/segment.ts";

/** The durability of one log. Methods throw a `FileError`. */
export class LogDurability {
  /** Everything below this offset is durable. */
  recoveryPoint = 0;
  readonly #state: LogState;
  readonly #compaction: LogCompaction;
  readonly #pendingWork: PendingWork;
  /** Whether the checkpoint on the disk may have a higher recovery point. */
  #isLowered = false;
  /** The number of truncations: a sync that began before one does not cover later records. */
  #cuts = 0;

  /** The durability of a new log. `pendingWork` tracks every sync. */
  constructor(state: LogState, compaction: LogCompaction, pendingWork = new PendingWork()) {
    this.#state = state;
    this.#compaction = compaction;
    this.#pendingWork = pendingWork;
  }

  /** Whether {@linkcode LogDurability.flush} has anything to do. */
  get isDirty(): boolean {
    const { segments, epochs, snapshots, metadata } = this.#state;
    return metadata.isDirty || epochs.isDirty || snapshots.isDirty || segments.isDirty ||
      this.#compaction.hasPendingSwaps || this.recoveryPoint < segments.active.nextOffset;
  }

  /** Resolves when everything appended before the call is durable. */
  flush(): Promise<void> {
    return this.#pendingWork.track(this.#flush());
  }

  async #flush(): Promise<void> {
    const { segments } = this.#state;
    const end = segments.active.nextOffset;
    const cuts = this.#cuts;
    await this.#syncOtherFiles();
    await segments.sync();
    await this.#compaction.finishSwaps();
    if (cuts === this.#cuts && end > this.recoveryPoint) this.recoveryPoint = end;
  }

  /**
   * Begins another segment. The closed one is flushed in the background, with the snapshot of the
   * producers that a start needs.
   */
  roll(): void {
    const { segments, config } = this.#state;
    this.#flushClosed(segments.roll(config));
  }

  #flushClosed(closed: Segment): void {
    const { snapshots, producers, health } = this.#state;
    try {
      snapshots.take(closed.nextOffset, producers);
    } catch (error) {
      // An older snapshot serves too, and the next write detects a disk that fails.
      if (!(error instanceof FileError)) throw error;
    }
    const end = closed.nextOffset;
    const cuts = this.#cuts;
    this.#pendingWork.queue(() => this.#syncClosed(end, cuts)).catch((error) => {
      if (!health.isClosed) health.flushFailed(error);
    });
  }

  /**
   * Lowers the recovery point before the records from `offset` on are cut off, and removes the files
   * that mark their segments as durable. The result resolves when that is durable; null when nothing
   * on the disk mentions those records. A caller that ignores this promise retries on its next call.
   */
  beforeTruncation(offset: number): Promise<void> | null {
    return this.#lower(offset, this.#state.segments.invalidateMarkers(offset));
  }

  /** Lowers the recovery point to `offset`, where the log ends now. */
  afterTruncation(offset: number): void {
    this.#lower(offset, null);
  }

  #lower(offset: number, unmarked: Promise<void> | null): Promise<void> | null {
    this.#cuts++;
    if (offset >= this.recoveryPoint && unmarked === null && !this.#isLowered) return null;
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
    this.#isLowered = true;
    const written = this.#state.checkpoints?.lowerRecoveryPoint();
    if (!(written instanceof Promise) && unmarked === null) {
      this.#isLowered = false;
      return null;
    }
    const done = this.#pendingWork.track(
      Promise.all([written, unmarked]).then(() => void (this.#isLowered = false)),
    );
    done.catch(() => {});
    return done;
  }

  /** Closes the files that are not segments, before the directory is renamed or closed. */
  closeFiles(): void {
    this.#state.metadata.closeFile();
    this.#state.epochs.closeFile();
    this.#state.snapshots.closeFiles();
  }

  /** `cuts` is the number of truncations when the closed segment ended at `end`. */
  async #syncClosed(end: number, cuts: number): Promise<void> {
    await this.#syncOtherFiles();
    await this.#state.segments.syncClosed();
    if (cuts !== this.#cuts || end <= this.recoveryPoint) return;
    this.recoveryPoint = end;
    this.#state.checkpoints?.saveRecoveryPoint();
  }

  /** Syncs the files beside the segments. */
  async #syncOtherFiles(): Promise<void> {
    const { segments, epochs, snapshots, metadata } = this.#state;
    if (metadata.isDirty || epochs.isDirty || snapshots.isDirty) segments.markDirectoryDirty();
    await metadata.sync();
    await epochs.sync();
    await snapshots.sync();
  }
}
