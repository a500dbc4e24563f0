/**
 * What of one log is on the disk: its recovery point, below which everything is, and the syncs that
 * raise it.
 *
 * @module
 */
import { FileError } from "../runtime/runtime.ts";
import type { LogCompaction } from "./compaction/log_compaction.ts";
import type { LeaderEpochs } from "./leader_epochs.ts";
import { PendingWork } from "./pending_work.ts";
import type { ProducerSnapshots } from "./producers/producer_snapshot_storage.ts";
import type { ProducerState } from "./producers/producer_state.ts";
import type { Segment } from "./segments/segment.ts";
import type { SegmentList } from "./segments/segment_list.ts";
import type { DurableFile } from "./text_file.ts";

/** The parts of a log that reach the disk. */
export interface DurabilityOptions {
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochs;
  readonly snapshots: ProducerSnapshots;
  readonly producers: ProducerState;
  /** `partition.metadata`. */
  readonly metadata: DurableFile;
  /** As `PartitionLogOptions.onRecoveryPoint`. */
  readonly onRecoveryPoint: (isLowered: boolean) => Promise<void> | void;
  /** Is told of a sync that nobody waits for, and that failed. */
  readonly onFailure: (error: unknown) => void;
  /** Tracks every sync. Defaults to a tracker of its own. */
  readonly pendingWork: PendingWork | undefined;
}

/** The durability of one log. Methods throw a `FileError`. */
export class LogDurability {
  /** Everything below this offset is on the disk. */
  recoveryPoint = 0;
  /** Set once there is one. */
  compaction: LogCompaction | null = null;
  readonly #options: DurabilityOptions;
  readonly #pendingWork: PendingWork;
  /** Whether the disk may have a higher one than there was since. */
  #isUnwritten = false;
  /** Grows when the log is cut: a sync that began before says nothing of what came after. */
  #cuts = 0;

  constructor(options: DurabilityOptions) {
    this.#options = options;
    this.#pendingWork = options.pendingWork ?? new PendingWork();
  }

  /** Whether {@linkcode LogDurability.flush} has anything to do. */
  get isDirty(): boolean {
    const { segments, epochs, snapshots, metadata } = this.#options;
    return metadata.isDirty || epochs.isDirty || snapshots.isDirty || segments.isDirty ||
      this.compaction?.isUnsettled === true || this.recoveryPoint < segments.active.nextOffset;
  }

  /** Resolves when everything that was appended before the call is on the disk. */
  flush(): Promise<void> {
    return this.#pendingWork.track(this.#flush());
  }

  async #flush(): Promise<void> {
    const { segments } = this.#options;
    const end = segments.active.nextOffset;
    const cuts = this.#cuts;
    await this.#syncOtherFiles();
    await segments.sync();
    await this.compaction?.settle();
    if (cuts === this.#cuts && end > this.recoveryPoint) this.recoveryPoint = end;
  }

  /** `closed` has been closed by a roll: what a start needs of it goes to its files and to the disk. */
  settle(closed: Segment): void {
    const { snapshots, producers, onFailure } = this.#options;
    try {
      snapshots.take(closed.nextOffset, producers);
    } catch (error) {
      // An older one serves too, and a disk that fails is noticed by the next write.
      if (!(error instanceof FileError)) throw error;
    }
    const end = closed.nextOffset;
    const cuts = this.#cuts;
    this.#pendingWork.queue(() => this.#settleOnDisk(end, cuts)).catch(onFailure);
  }

  /**
   * What is from `offset` on is about to go, or has gone: nothing may promise it any more. What this
   * returns resolves when the disk does not either.
   */
  lower(offset: number, hasGone = false): Promise<void> | void {
    this.#cuts++;
    const unmarked = hasGone ? null : this.#options.segments.unmark(offset);
    if (offset >= this.recoveryPoint && unmarked === null && !this.#isUnwritten) return;
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
    this.#isUnwritten = true;
    const written = this.#options.onRecoveryPoint(true);
    if (!(written instanceof Promise) && unmarked === null) return void (this.#isUnwritten = false);
    const done = this.#pendingWork.track(
      Promise.all([written, unmarked]).then(() => void (this.#isUnwritten = false)),
    );
    // Who does not wait tries again the next time.
    done.catch(() => {});
    return done;
  }

  /** No file may be open that is not a segment's. */
  letGo(): void {
    this.#options.metadata.letGo();
    this.#options.epochs.letGo();
    this.#options.snapshots.letGo();
  }

  /** `cuts` is how often the log had been cut when `end` was where a segment ended. */
  async #settleOnDisk(end: number, cuts: number): Promise<void> {
    await this.#syncOtherFiles();
    await this.#options.segments.syncClosed();
    if (cuts !== this.#cuts || end <= this.recoveryPoint) return;
    this.recoveryPoint = end;
    this.#options.onRecoveryPoint(false);
  }

  /** Brings to the disk what lies beside the segments. */
  async #syncOtherFiles(): Promise<void> {
    const { segments, epochs, snapshots, metadata } = this.#options;
    if (metadata.isDirty || epochs.isDirty || snapshots.isDirty) segments.noteName();
    await metadata.sync();
    await epochs.sync();
    await snapshots.sync();
  }
}
