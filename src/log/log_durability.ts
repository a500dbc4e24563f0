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

  /** Tracks work that ends before the log's directory is unlocked. */
  track(work: Promise<void>): Promise<void> {
    return this.#pendingWork.track(work);
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
   * Begins another segment at `baseOffset`, by default the log's end. The closed one is flushed in the
   * background, with the snapshot of the producers that a start needs.
   */
  roll(baseOffset: number = this.#state.logEndOffset): void {
    const { segments, config } = this.#state;
    const closed = segments.roll(config, baseOffset);
    if (closed !== null) this.#flushClosed(closed);
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
   * Lowers the recovery point in memory to `end`, where the log is about to be cut, and begins to remove
   * the files that mark the segments behind it as durable. The result resolves when that is durable;
   * null when there are none.
   */
  beforeTruncation(end: number): Promise<void> | null {
    this.#lower(end);
    return this.#state.segments.invalidateMarkers(end);
  }

  /** Lowers the recovery point in memory to `end`, where the log was cut. */
  afterTruncation(end: number): void {
    this.#lower(end);
  }

  #lower(end: number): void {
    this.#cuts++;
    if (end >= this.recoveryPoint) return;
    this.recoveryPoint = end;
    this.#isLowered = true;
  }

  /** Whether the checkpoint on the disk may have a higher recovery point than the log. */
  get isLowered(): boolean {
    return this.#isLowered;
  }

  /** Resolves when the checkpoint has a recovery point that is not above the log's. */
  async saveRecoveryPoint(): Promise<void> {
    await this.#state.checkpoints?.saveRecoveryPoint();
    this.#isLowered = false;
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
