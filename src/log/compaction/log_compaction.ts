/**
 * The interface between a partition's log and its compaction: the segments, what producers and
 * transactions still need, and the atomic replacement of old segments by a new one (see
 * `swap_files.ts`).
 *
 * @module
 */
import type { KafkaError } from "../../protocol/errors.ts";
import type { Int64 } from "../../protocol/int64.ts";
import type { Clock, FileSystem, HostCodecs } from "../../runtime/runtime.ts";
import type { LogConfig } from "../log_config.ts";
import type { LogCheckpoints } from "../log_types.ts";
import type { Segment } from "../segments/segment.ts";
import type { SegmentList } from "../segments/segment_list.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";
import type { LastProduced } from "./batch_filter.ts";
import { DELETED_SUFFIX, SWAP_SUFFIX } from "./swap_files.ts";

/** The parts of a log that compaction needs. */
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
  /** The error for changes while the log is being truncated, or null. */
  readonly truncation: KafkaError | null;
  readonly producers: {
    /** Returns what a producer wrote last, or null for a producer without state. */
    lastProduced(producerId: Int64): LastProduced | null;
  };
  readonly checkpoints: Pick<LogCheckpoints, "saveCleanedOffset"> | null;
  /** Returns the aborted transactions with records in `[startOffset, endOffset)`. */
  abortedTransactions(startOffset: number, endOffset: number): readonly AbortedTransaction[];
}

/** A replacement whose files do not have their final names yet. */
interface Swap {
  readonly old: readonly Segment[];
  readonly cleaned: Segment;
}

/** The view of a log for its cleaner. Methods throw a `FileError` if a file operation fails. */
export class LogCompaction {
  readonly #state: CompactedState;
  #cleanedOffset: number;
  #swaps: Swap[] = [];

  /** Creates the compaction of a log that has been compacted up to `cleanedOffset`. */
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

  /** The log start offset. */
  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /** The log end offset. */
  get logEndOffset(): number {
    return this.#state.segments.active.nextOffset;
  }

  /**
   * The offset up to which the log has been compacted, from `cleaner-offset-checkpoint`. 0 for
   * never.
   */
  get cleanedOffset(): number {
    return this.#cleanedOffset;
  }

  /** Whether the log is open and its disk works. */
  get isWritable(): boolean {
    return this.#state.isWritable;
  }

  /** The host's compression codecs. */
  get codecs(): () => HostCodecs {
    return this.#state.codecs;
  }

  /** Whether {@linkcode LogCompaction.finishSwaps} has work to do. */
  get hasPendingSwaps(): boolean {
    return this.#swaps.length > 0;
  }

  /** Returns what the producer wrote last, or null for a producer without state. */
  lastProduced(producerId: Int64): LastProduced | null {
    return this.#state.producers.lastProduced(producerId);
  }

  /** Returns the aborted transactions with a record in `[startOffset, endOffset)`. */
  abortedTransactions(startOffset: number, endOffset: number): readonly AbortedTransaction[] {
    return this.#state.abortedTransactions(startOffset, endOffset);
  }

  /**
   * Records that the log has been compacted up to `offset`. Call it only once the result is
   * durable.
   */
  markCleaned(offset: number): void {
    if (offset === this.#cleanedOffset) return;
    this.#cleanedOffset = offset;
    this.#state.checkpoints?.saveCleanedOffset(offset);
  }

  /** Must be called after truncation to `offset`: new records from there on are not compacted. */
  onTruncated(offset: number): void {
    if (this.#cleanedOffset > offset) this.markCleaned(offset);
  }

  /** Creates the file of the segment that will replace `old`. */
  createCleaned(old: readonly Segment[]): Segment {
    const { baseOffset } = old[0]!;
    return this.#state.segments.createCleaned(baseOffset, old.at(-1)!.createdMs, this.config);
  }

  /**
   * Removes the file of {@linkcode LogCompaction.createCleaned}. If that fails, the next start
   * removes it.
   */
  discard(cleaned: Segment): void {
    try {
      cleaned.close();
      cleaned.removeFiles();
    } catch {
      // The name marks the file as unfinished.
    }
  }

  /**
   * Replaces `old`, adjacent segments of the log, with `cleaned`, whose bytes are durable. Resolves
   * when the replacement is durable. Reads in progress complete on the old segments. `isCurrent` is
   * called right before the replacement; if it returns false, or the log is being truncated, nothing
   * changes and the result is false.
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
    if (!isCurrent() || this.#state.truncation !== null) return false;
    segments.replace(old, cleaned, runtime.clock.now() + this.config.fileDeleteDelayMs);
    this.#swaps.push({ old, cleaned });
    await this.finishSwaps();
    return true;
  }

  /** Registers segments that a previous process has replaced but not renamed yet. */
  adopt(segments: readonly Segment[]): void {
    for (const cleaned of segments) {
      if (cleaned.path.endsWith(SWAP_SUFFIX)) this.#swaps.push({ old: [], cleaned });
    }
    if (this.hasPendingSwaps) this.#state.segments.markDirectoryDirty();
  }

  /** Resolves when the files of every replacement durably have their final names. */
  async finishSwaps(): Promise<void> {
    const { segments, runtime: { files } } = this.#state;
    while (this.#swaps.length > 0) {
      const swap = this.#swaps[0]!;
      for (const segment of swap.old) {
        if (segment.path.endsWith(DELETED_SUFFIX) || !files.exists(segment.path)) continue;
        segment.rename(pathWith(segment, DELETED_SUFFIX));
        segments.markDirectoryDirty();
      }
      // The old files must be durably renamed before the new segment loses the suffix that
      // supersedes them.
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

/** Returns the path of the segment's log file with `suffix` after `.log`. */
function pathWith({ path }: Segment, suffix: string): string {
  return path.slice(0, path.lastIndexOf(".log") + ".log".length) + suffix;
}
