/**
 * The opening of one log: its segments, its producers, leader epochs and aborted transactions, loaded
 * from their files where those can be trusted, and otherwise rebuilt from the batches.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { LEADER_EPOCH_CHECKPOINT } from "../leader_epochs.ts";
import type { LogState } from "../log_state.ts";
import type { PartitionLogOptions } from "../log_types.ts";
import { openSegments } from "./segment_recovery.ts";
import { LogReplay } from "../producers/batch_replay.ts";
import { loadProducers, replayEpochs, replayProducers } from "./rebuild_from_segments.ts";
import { type Segment, segmentFileName } from "../segments/segment.ts";

/** What is opened. */
export interface LogOpeningOptions
  extends
    Pick<PartitionLogOptions, "directory" | "cleanedOffset" | "wasShutDownCleanly" | "onRecovery"> {
  /** The names of the files in the log's directory. */
  readonly names: ReadonlySet<string>;
  readonly recoveryPoint: number | undefined;
  /** Whether this process has created the directory. */
  readonly isNew: boolean;
}

/** What is known of an opened log. */
export interface OpenedLog {
  /** Everything below this offset is durable. */
  readonly recoveryPoint: number;
  /** Whether this opening has truncated the log, or removed files. */
  readonly wasRepaired: boolean;
}

/** The opening of one log. */
export class LogOpening {
  /** Whether something was cut off or removed. */
  wasRepaired = false;
  /** Everything below this offset is durable. */
  readonly safeOffset: number;
  /** Whether the leader epochs' file can be read. */
  #hasEpochs = true;
  readonly #state: LogState;
  readonly #options: LogOpeningOptions;
  readonly #replay: LogReplay;
  /** The log start offset of the checkpoint. */
  readonly #storedStartOffset: number;
  /** The base offset of the first segment that was read whole, or -1 when there was none. */
  #walkedFrom = -1;

  /** An opening of the log of `state`. */
  constructor(state: LogState, options: LogOpeningOptions) {
    this.#state = state;
    this.#options = options;
    this.safeOffset = options.recoveryPoint ?? 0;
    this.#storedStartOffset = state.logStartOffset;
    this.#replay = new LogReplay(state.producers);
  }

  /** Opens the log. Throws a `KafkaError` for damage, and a `FileError`. */
  *run(): Steps<OpenedLog> {
    const state = this.#state;
    const { segments, producers, snapshots } = state;
    const { names, isNew, wasShutDownCleanly: wasClean = false } = this.#options;
    snapshots.find(names);
    const found = yield* this.openSegments();
    segments.adopt(found, isNew ? "new" : wasClean ? "clean" : "unclean");
    if (found.length === 0 || state.logEndOffset < state.logStartOffset) {
      // Deleted records must not reappear, with their producers, because the end of the log was
      // lost.
      segments.clear();
      segments.add(state.logStartOffset, state.config, names.size === 0).closeFile();
      producers.clear();
      snapshots.removeAbove(-1);
    }
    state.logStartOffset = Math.max(state.logStartOffset, segments.all[0]!.baseOffset);
    const safeOffset = wasClean && !this.wasRepaired ? Infinity : this.safeOffset;
    const recoveryPoint = Math.min(safeOffset, state.logEndOffset);
    // The last process may have truncated the log where it ends now without syncing that.
    const mayBeCut = !isNew && !wasClean;
    segments.active.isDirty ||= mayBeCut;
    state.mustFlushFirst = mayBeCut && this.#mayBeUnsynced(state.logEndOffset);
    yield* this.#finish();
    return { recoveryPoint, wasRepaired: this.wasRepaired };
  }

  /**
   * Whether a log that another process left without a clean shutdown, and that ends at `logEndOffset`,
   * may have an end that is not durable: a truncation, or if no recovery point is known, all of it.
   */
  #mayBeUnsynced(logEndOffset: number): boolean {
    return this.#options.recoveryPoint === undefined || this.safeOffset >= logEndOffset;
  }

  /** Opens the segments, and replays the batches of those that are read whole. */
  *openSegments(): Steps<Segment[]> {
    const options = this.#options;
    const { name, runtime, config, producers, snapshots, epochs, openSegments: open } = this.#state;
    this.#loadEpochs();
    const nowMs = runtime.clock.now();
    return yield* openSegments({
      files: runtime.files,
      directory: options.directory,
      names: options.names,
      name,
      nowMs,
      indexIntervalBytes: config.indexIntervalBytes,
      open,
      logStartOffset: this.#state.logStartOffset,
      recoveryPoint: options.recoveryPoint,
      firstKnownOffset: options.names.has(LEADER_EPOCH_CHECKPOINT)
        ? epochs.earliest?.startOffset ?? 0
        : undefined,
      // A log that was compacted keeps its gaps when its policy has become another.
      allowGaps: config.compact || (options.cleanedOffset ?? 0) > 0,
      wasShutDownCleanly: options.wasShutDownCleanly === true,
      beginWalk: (first, before) => {
        this.#walkedFrom = first.baseOffset;
        // Without a recovery point nothing is known to be durable, even if it is intact.
        if (options.recoveryPoint === undefined) {
          for (const segment of before) segment.isDirty = true;
        }
        const begin = before[0]?.baseOffset ?? first.baseOffset;
        const from = snapshots.restore(producers, begin, first.baseOffset, nowMs);
        return replayProducers(before, producers, from, first.baseOffset);
      },
      visit: (scanner) => this.#replay.visit(scanner),
      endSegment: ({ aborted }) => {
        const seen = this.#replay.aborted.splice(0);
        if (seen.length > 0 || aborted.mayHaveSome) aborted.replace(seen);
      },
      report: (report) => {
        this.wasRepaired = true;
        options.onRecovery?.(report);
      },
    });
  }

  /** Loads the state that was not replayed, for the log as it is now. */
  *#finish(): Steps<void> {
    const { producers, snapshots, runtime, logEndOffset, logStartOffset } = this.#state;
    const segments = this.#state.segments.all;
    snapshots.removeAbove(logEndOffset);
    if (this.#walkedFrom === -1) {
      yield* loadProducers(segments, snapshots, producers, runtime.clock.now());
    }
    this.#state.removeObsoleteSnapshots();
    if (this.#walkedFrom !== -1) snapshots.removeIncomplete(this.#walkedFrom);
    yield* this.#reconcileEpochs(segments, logStartOffset, logEndOffset);
    this.#removeOrphans(segments);
    for (const segment of segments) segment.closeFile();
  }

  /** Removes files that belong to no segment: a crash may have lost a name, or the removal of one. */
  #removeOrphans(segments: readonly Segment[]): void {
    const { names, directory } = this.#options;
    const bases = new Map(
      segments.map((segment) => [segmentFileName(segment.baseOffset).slice(0, 20), segment]),
    );
    for (const name of names) {
      if (!/^\d{20}\.(index|timeindex|txnindex)$/.test(name)) continue;
      const segment = bases.get(name.slice(0, 20));
      // A `.txnindex` may be left of an earlier segment with this base offset.
      const isLeft = segment?.aborted.mayHaveSome === false && name.endsWith(".txnindex");
      if (segment !== undefined && !isLeft) continue;
      this.#state.runtime.files.remove(`${directory}/${name}`);
    }
  }

  /**
   * Throws when the leader epochs begin before the log's files: after a clean shutdown both begin at
   * the same offset, so the first file is missing.
   */
  #checkBeginning({ path, baseOffset }: Segment): void {
    const { epochs: { earliest }, name } = this.#state;
    const { directory } = this.#options;
    // On a full disk the log's start may have been written and the epochs not.
    if (this.#storedStartOffset >= baseOffset) return;
    if (earliest === null || earliest.startOffset >= baseOffset) return;
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot open ${name}: its records begin at offset ${earliest.startOffset}, and its first ` +
        `file is ${path}; bring what is missing in ${directory} back from a copy or another ` +
        `replica, or remove ${LEADER_EPOCH_CHECKPOINT} there to go on without those records`,
    );
  }

  #loadEpochs(): void {
    try {
      const { epochs } = this.#state;
      if (this.#options.names.has(LEADER_EPOCH_CHECKPOINT)) epochs.load();
      else epochs.expectNoFile();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#hasEpochs = false;
    }
  }

  /** Makes the leader epochs' file agree with the log, or rebuilds it from the batches. */
  *#reconcileEpochs(
    segments: readonly Segment[],
    logStartOffset: number,
    logEndOffset: number,
  ): Steps<void> {
    const { epochs } = this.#state;
    let isTrue = this.#hasEpochs;
    if (isTrue && this.#options.wasShutDownCleanly === true) this.#checkBeginning(segments[0]!);
    // An epoch that begins at the log's end has no record: its leader appended none, or they were cut.
    epochs.truncateFromEnd(this.wasRepaired ? logEndOffset : logEndOffset + 1);
    epochs.truncateFromStart(logStartOffset);
    isTrue &&= epochs.entries().length > 0 || segments.every(({ size }) => size === 0);
    // A higher log start offset whose checkpoint was lost has left its mark here.
    const wasClean = this.#options.wasShutDownCleanly === true;
    isTrue &&= wasClean || (epochs.earliest?.startOffset ?? 0) <= logStartOffset;
    if (isTrue && this.#replay.agreesWith(epochs, logStartOffset)) return;
    const [first, ...later] = yield* replayEpochs(segments);
    if (first === undefined) return epochs.replace([]);
    // If compaction removed the first records, do not search for their epoch at every start.
    const startOffset = Math.min(first.startOffset, logStartOffset);
    epochs.replace([{ epoch: first.epoch, startOffset }, ...later]);
    epochs.truncateFromStart(logStartOffset);
  }
}
