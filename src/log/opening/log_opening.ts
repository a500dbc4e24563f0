/**
 * Opening one log: its segments, and beside them what is known of its producers, its leader epochs
 * and its aborted transactions, from their files where those can be trusted.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { LEADER_EPOCH_CHECKPOINT, type LeaderEpochs } from "../leader_epochs.ts";
import type { PartitionLogOptions } from "../log_types.ts";
import type { OpenSegments } from "../segments/open_segments.ts";
import type { ProducerSnapshots } from "../producers/producer_snapshot_storage.ts";
import type { ProducerState } from "../producers/producer_state.ts";
import { openSegments } from "./segment_recovery.ts";
import { LogReplay } from "../producers/batch_replay.ts";
import { loadProducers, replayEpochs, replayProducers } from "./rebuild_from_segments.ts";
import { type Segment, segmentFileName } from "../segments/segment.ts";

/** What is opened. */
export interface LogOpeningOptions
  extends Omit<PartitionLogOptions, "recoveryPoint" | "openSegments" | "pendingWork"> {
  /** The log, such as `events-0`. */
  readonly name: string;
  /** The names of the files in its directory. */
  readonly names: ReadonlySet<string>;
  readonly recoveryPoint: number | undefined;
  readonly openSegments: OpenSegments;
  readonly logStartOffset: number;
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerState;
  readonly snapshots: ProducerSnapshots;
}

/** One opening: first {@linkcode LogOpening.openSegments}, then {@linkcode LogOpening.finish}. */
export class LogOpening {
  /** Whether something was cut off or removed. */
  wasRepaired = false;
  /** Everything below this offset is durable. */
  readonly safeOffset: number;
  /** Whether the leader epochs' file can be read. */
  #hasEpochs = true;
  readonly #options: LogOpeningOptions;
  readonly #replay: LogReplay;
  /** Where the walk began, or -1 when there was none. */
  #walkedFrom = -1;

  constructor(options: LogOpeningOptions) {
    this.#options = options;
    this.safeOffset = options.recoveryPoint ?? 0;
    this.#replay = new LogReplay(options.producers);
  }

  /**
   * Whether a log that another process left without an orderly end, and that ends at `logEndOffset`,
   * may have an end that is not durable: a cut, or where nothing is known, all of it.
   */
  mayBeUnsynced(logEndOffset: number): boolean {
    return this.#options.recoveryPoint === undefined || this.safeOffset >= logEndOffset;
  }

  /** Opens the segments, and where they are walked, takes their batches in. */
  openSegments(): Segment[] {
    const options = this.#options;
    const { runtime, config, producers, snapshots, epochs } = options;
    this.#loadEpochs();
    const nowMs = runtime.clock.now();
    return openSegments({
      files: runtime.files,
      directory: options.directory,
      names: options.names,
      name: options.name,
      nowMs,
      indexIntervalBytes: config.indexIntervalBytes,
      open: options.openSegments,
      logStartOffset: options.logStartOffset,
      recoveryPoint: options.recoveryPoint,
      firstKnownOffset: options.names.has(LEADER_EPOCH_CHECKPOINT)
        ? epochs.earliest?.startOffset ?? 0
        : undefined,
      // A log that was compacted keeps its gaps when its policy has become another.
      allowGaps: config.compact || (options.cleanedOffset ?? 0) > 0,
      wasShutDownCleanly: options.wasShutDownCleanly === true,
      beginWalk: (first, before) => {
        this.#walkedFrom = first.baseOffset;
        // Without a recovery point nothing is known to be durable, whole as it may be.
        if (options.recoveryPoint === undefined) {
          for (const segment of before) segment.isDirty = true;
        }
        const begin = before[0]?.baseOffset ?? first.baseOffset;
        const from = snapshots.restore(producers, begin, first.baseOffset, nowMs);
        replayProducers(before, producers, from, first.baseOffset);
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

  /** Loads what was not walked. `segments` and `logStartOffset` are the log as it is now. */
  finish(segments: readonly Segment[], logStartOffset: number): void {
    const { producers, snapshots } = this.#options;
    const logEndOffset = segments.at(-1)!.nextOffset;
    snapshots.removeAbove(logEndOffset);
    if (this.#walkedFrom === -1) {
      loadProducers(segments, snapshots, producers, this.#options.runtime.clock.now());
    }
    snapshots.removeObsolete(segments.map(({ baseOffset }) => baseOffset));
    if (this.#walkedFrom !== -1) snapshots.settleAbove(this.#walkedFrom);
    this.#reconcileEpochs(segments, logStartOffset, logEndOffset);
    this.#removeOrphans(segments);
    for (const segment of segments) segment.closeFile();
  }

  /** A crash may have taken the name of a segment, or of its removal, and left those beside it. */
  #removeOrphans(segments: readonly Segment[]): void {
    const { names, runtime, directory } = this.#options;
    const bases = new Map(
      segments.map((segment) => [segmentFileName(segment.baseOffset).slice(0, 20), segment]),
    );
    for (const name of names) {
      if (!/^\d{20}\.(index|timeindex|txnindex)$/.test(name)) continue;
      const segment = bases.get(name.slice(0, 20));
      // A segment that was made anew knows nothing of a list of transactions that is left.
      const isLeft = segment?.aborted.mayHaveSome === false && name.endsWith(".txnindex");
      if (segment === undefined || isLeft) runtime.files.remove(`${directory}/${name}`);
    }
  }

  /**
   * After an orderly end the leader epochs begin where the log does: when its files begin later, the
   * first of them is missing.
   */
  #checkBeginning({ path, baseOffset }: Segment): void {
    const { epochs, directory, name, logStartOffset } = this.#options;
    const { earliest } = epochs;
    // On a full disk the log's start may have been written down and the epochs not.
    if (logStartOffset >= baseOffset) return;
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
      this.#options.epochs.load();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#hasEpochs = false;
    }
  }

  /** Makes the leader epochs' file agree with the log, from whose batches it can be made anew. */
  #reconcileEpochs(
    segments: readonly Segment[],
    logStartOffset: number,
    logEndOffset: number,
  ): void {
    const { epochs } = this.#options;
    let isTrue = this.#hasEpochs;
    if (isTrue && this.#options.wasShutDownCleanly === true) this.#checkBeginning(segments[0]!);
    // An epoch that begins at the end is one whose leader has written nothing yet, or whose records
    // were cut off.
    epochs.truncateFromEnd(this.wasRepaired ? logEndOffset : logEndOffset + 1);
    epochs.truncateFromStart(logStartOffset);
    isTrue &&= epochs.entries().length > 0 || segments.every(({ size }) => size === 0);
    // A later start that was lost has left its mark here all the same.
    const wasClean = this.#options.wasShutDownCleanly === true;
    isTrue &&= wasClean || (epochs.earliest?.startOffset ?? 0) <= logStartOffset;
    if (isTrue && this.#replay.agreesWith(epochs, logStartOffset)) return;
    const [first, ...later] = replayEpochs(segments);
    if (first === undefined) return epochs.replace([]);
    // Where the first records were compacted, nobody need look for their epoch each time.
    const startOffset = Math.min(first.startOffset, logStartOffset);
    epochs.replace([{ epoch: first.epoch, startOffset }, ...later]);
    epochs.truncateFromStart(logStartOffset);
  }
}
