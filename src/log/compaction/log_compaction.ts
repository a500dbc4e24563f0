/**
 * The side of a partition's log that compaction works on: its segments, what its producers and
 * transactions still need, and the exchange of old segments for a new one, which no crash can leave
 * half done. `swap_files.ts` says how.
 *
 * @module
 */
import type { Int64 } from "../../protocol/int64.ts";
import type { Clock, FileSystem, HostCodecs } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import type { LogCheckpoints } from "../log_types.ts";
import type { Segment } from "../segments/segment.ts";
import type { SegmentList } from "../segments/segment_list.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";
import type { LastProduced } from "./batch_filter.ts";
import { DELETED_SUFFIX, SWAP_SUFFIX } from "./swap_files.ts";

/** The parts of a log that compaction works on. */
export interface CompactedState {
  /** Such as `events-0`. */
  readonly name: string;
  readonly runtime: {
    readonly files: FileSystem;
    readonly clock: Pick<Clock, "now">;
  };
  readonly codecs: () => HostCodecs;
  readonly segments: SegmentList;
  readonly config: LogConfig;
  readonly logStartOffset: number;
  readonly isWritable: boolean;
  readonly producers: {
    /** What a producer wrote last, or null for one that is not remembered. */
    lastProduced(producerId: Int64): LastProduced | null;
  };
  readonly checkpoints: Pick<LogCheckpoints, "saveCleanedOffset"> | null;
  /** Returns the aborted transactions with records in `[startOffset, endOffset)`. */
  abortedTransactions(startOffset: number, endOffset: number): readonly AbortedTransaction[];
}

/** An exchange whose files do not have their last names yet. */
interface Swap {
  readonly old: readonly Segment[];
  readonly cleaned: Segment;
}

/** A log as its cleaner sees it. Methods throw a `FileError` when files fail. */
export class LogCompaction {
  readonly #state: CompactedState;
  #cleanedOffset: number;
  #swaps: Swap[] = [];

  /** The compaction of a log that was compacted up to `cleanedOffset` when it was closed. */
  constructor(state: CompactedState, cleanedOffset: number) {
    this.#state = state;
    this.#cleanedOffset = cleanedOffset;
  }

  /** Such as `events-0`. */
  get name(): string {
    return this.#state.name;
  }

  /** The log's settings. */
  get config(): LogConfig {
    return this.#state.config;
  }

  /** The log's segments, oldest first; the last one is active. */
  get segments(): readonly Segment[] {
    return this.#state.segments.all;
  }

  /** Where the log begins. */
  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /** Where the log ends. */
  get logEndOffset(): number {
    return this.#state.segments.active.nextOffset;
  }

  /** Up to where the log has been compacted: what `cleaner-offset-checkpoint` holds. 0 for never. */
  get cleanedOffset(): number {
    return this.#cleanedOffset;
  }

  /** Whether the log can be changed: it is open, and its disk works. */
  get isWritable(): boolean {
    return this.#state.isWritable;
  }

  /** The host's compressors. */
  get codecs(): () => HostCodecs {
    return this.#state.codecs;
  }

  /** Whether {@linkcode LogCompaction.finishSwaps} has anything to do. */
  get hasPendingSwaps(): boolean {
    return this.#swaps.length > 0;
  }

  /** What the producer wrote last, or null for one that is not remembered. */
  lastProduced(producerId: Int64): LastProduced | null {
    return this.#state.producers.lastProduced(producerId);
  }

  /** The aborted transactions with a record from `startOffset` up to `endOffset`, exclusive. */
  abortedTransactions(startOffset: number, endOffset: number): readonly AbortedTransaction[] {
    return this.#state.abortedTransactions(startOffset, endOffset);
  }

  /** Everything before `offset` has been compacted. To be said when no crash can undo that. */
  markCleaned(offset: number): void {
    if (offset === this.#cleanedOffset) return;
    this.#cleanedOffset = offset;
    this.#state.checkpoints?.saveCleanedOffset(offset);
  }

  /** The log was cut back to `offset`: what comes behind it now has not been compacted. */
  onTruncated(offset: number): void {
    if (this.#cleanedOffset > offset) this.markCleaned(offset);
  }

  /** Makes the file of the segment that is to take the place of `old`. */
  createCleaned(old: readonly Segment[]): Segment {
    const { baseOffset } = old[0]!;
    return this.#state.segments.createCleaned(baseOffset, old.at(-1)!.createdMs, this.config);
  }

  /** Removes what {@linkcode LogCompaction.createCleaned} made. What cannot be removed goes at a start. */
  discard(cleaned: Segment): void {
    try {
      cleaned.close();
      cleaned.removeFiles();
    } catch {
      // Its name says that it is not needed.
    }
  }

  /**
   * Puts `cleaned`, whose bytes are on the disk, in the place of `old`, which are neighbours in the
   * log, and resolves when no crash can undo it. Those who read the old ones finish. `isCurrent` is
   * asked once more before the exchange; where it says no, nothing has happened.
   */
  async replace(
    old: readonly Segment[],
    cleaned: Segment,
    isCurrent: () => boolean,
  ): Promise<boolean> {
    const { segments, runtime } = this.#state;
    cleaned.rename(pathWith(cleaned, SWAP_SUFFIX));
    segments.markDirectoryDirty();
    await segments.syncDirectory();
    if (!isCurrent()) return false;
    segments.replace(old, cleaned, runtime.clock.now() + this.config.fileDeleteDelayMs);
    this.#swaps.push({ old, cleaned });
    await this.finishSwaps();
    return true;
  }

  /** Takes in segments that an earlier process has exchanged, and that have not got their names yet. */
  adopt(segments: readonly Segment[]): void {
    for (const cleaned of segments) {
      if (cleaned.path.endsWith(SWAP_SUFFIX)) this.#swaps.push({ old: [], cleaned });
    }
    if (this.hasPendingSwaps) this.#state.segments.markDirectoryDirty();
  }

  /** Resolves when the files of every exchange have their last names, on the disk. */
  async finishSwaps(): Promise<void> {
    const { segments, runtime: { files } } = this.#state;
    while (this.#swaps.length > 0) {
      const swap = this.#swaps[0]!;
      for (const segment of swap.old) {
        if (segment.path.endsWith(DELETED_SUFFIX) || !files.exists(segment.path)) continue;
        segment.rename(pathWith(segment, DELETED_SUFFIX));
        segments.markDirectoryDirty();
      }
      // The old names have to be gone for good before the new segment gives up the name that says so.
      await segments.syncDirectory();
      const { cleaned } = swap;
      if (cleaned.path.endsWith(SWAP_SUFFIX) && files.exists(cleaned.path)) {
        cleaned.rename(pathWith(cleaned, ""));
        segments.markDirectoryDirty();
      }
      this.#swaps = this.#swaps.filter((other) => other !== swap);
      await segments.syncDirectory();
      if (segments.all.includes(cleaned)) cleaned.index.write();
    }
  }
}

/** The path of the segment's file with another ending behind `.log`. */
function pathWith({ path }: Segment, suffix: string): string {
  return path.slice(0, path.lastIndexOf(".log") + ".log".length) + suffix;
}
