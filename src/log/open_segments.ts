/**
 * Which segments of the process have their file open, and which closed ones their index in memory.
 * Both are bounded: what was not used for longest is closed, or forgotten, and comes back when it is
 * needed again.
 *
 * @module
 */
import { MAX_LOADED_INDEX_BYTES, MAX_OPEN_SEGMENT_FILES } from "../limits.ts";

/** A segment, as the one that keeps count sees it. */
export interface CountedSegment {
  /** The turn at which it was last used. */
  readonly lastUsed: number;
  /** Whether its file has to stay open now. */
  readonly isBusy: boolean;
  /** Closes the file until it is needed again. */
  closeFile(): void;
  /** Forgets the index, which its files have. */
  unloadIndex(): void;
}

/** The part that makes way at once, so that not every opening has to look for the oldest. */
const SHARE = 8;

/** Keeps count of open segment files and of loaded indexes. */
export class OpenSegments {
  readonly #open = new Set<CountedSegment>();
  readonly #loaded = new Map<CountedSegment, number>();
  #loadedBytes = 0;
  #turn = 0;

  /** Bounds other than those of `limits.ts` are for tests. */
  constructor(
    readonly maxFiles: number = MAX_OPEN_SEGMENT_FILES,
    readonly maxIndexBytes: number = MAX_LOADED_INDEX_BYTES,
  ) {}

  /** How many files are open. */
  get openFiles(): number {
    return this.#open.size;
  }

  /** Bytes of the indexes that were loaded. */
  get loadedBytes(): number {
    return this.#loadedBytes;
  }

  /** The number of this use: each is larger than all before. */
  use(): number {
    return ++this.#turn;
  }

  /** The file of `segment` is about to be opened: others make way where there are too many. */
  opening(segment: CountedSegment): void {
    if (this.#open.size >= this.maxFiles) {
      const idle = [...this.#open].filter((other) => !other.isBusy && other !== segment);
      idle.sort((one, other) => one.lastUsed - other.lastUsed);
      for (const other of idle.slice(0, Math.ceil(this.maxFiles / SHARE))) other.closeFile();
    }
    this.#open.add(segment);
  }

  /** The file of `segment` has been closed. */
  closed(segment: CountedSegment): void {
    this.#open.delete(segment);
  }

  /** The index of `segment`, `bytes` of memory, can be loaded again from its files. */
  loaded(segment: CountedSegment, bytes: number): void {
    this.unloaded(segment);
    this.#loaded.set(segment, bytes);
    this.#loadedBytes += bytes;
    if (this.#loadedBytes <= this.maxIndexBytes) return;
    const others = [...this.#loaded.keys()].filter((other) => other !== segment);
    others.sort((one, other) => one.lastUsed - other.lastUsed);
    const enough = this.maxIndexBytes - this.maxIndexBytes / SHARE;
    for (const other of others) {
      if (this.#loadedBytes <= enough) break;
      other.unloadIndex();
    }
  }

  /** The index of `segment` is no longer in memory, or can no longer be loaded. */
  unloaded(segment: CountedSegment): void {
    this.#loadedBytes -= this.#loaded.get(segment) ?? 0;
    this.#loaded.delete(segment);
  }
}
