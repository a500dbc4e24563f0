/**
 * Which segments of the process have their file open, and which closed ones their index in memory.
 * Both are bounded: what was not used for longest is closed, or forgotten, and comes back when it is
 * needed again.
 *
 * @module
 */
import { MAX_LOADED_INDEX_BYTES, MAX_OPEN_SEGMENT_FILES } from "../../limits.ts";

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
/** A want of descriptors lowers the bound no further than this. */
const LEAST_FILES = 8;
/** The bound rises again after as many openings as this many times itself. */
const OPENINGS_PER_RISE = 4;

/** Keeps count of open segment files and of loaded indexes. */
export class OpenSegments {
  readonly #open = new Set<CountedSegment>();
  readonly #loaded = new Map<CountedSegment, number>();
  readonly #mostFiles: number;
  #maxFiles: number;
  /** Openings since the bound last changed. */
  #openings = 0;
  #loadedBytes = 0;
  #turn = 0;

  /** At most `maxFiles` are open, and indexes of closed segments take at most `maxIndexBytes`. */
  constructor(
    maxFiles: number = MAX_OPEN_SEGMENT_FILES,
    readonly maxIndexBytes: number = MAX_LOADED_INDEX_BYTES,
  ) {
    this.#mostFiles = maxFiles;
    this.#maxFiles = maxFiles;
  }

  /** How many files may be open now: fewer than at first when descriptors have run out. */
  get maxFiles(): number {
    return this.#maxFiles;
  }

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

  /** The file of a segment is about to be opened: others make way where there are too many. */
  beforeOpen(): void {
    if (this.#maxFiles < this.#mostFiles) this.#raise();
    if (this.#open.size >= this.#maxFiles) this.#closeIdle(Math.ceil(this.#maxFiles / SHARE));
  }

  /** The file of `segment` has been opened. */
  opened(segment: CountedSegment): void {
    this.#open.add(segment);
  }

  /** The file of `segment` has been closed. */
  closed(segment: CountedSegment): void {
    this.#open.delete(segment);
  }

  /**
   * The process has no descriptor left: closes the half of the idle files that were not used for
   * longest, and lowers the bound to what is still open. The bound rises again, step by step, while
   * files are opened. Returns whether any file was closed.
   */
  makeRoom(): boolean {
    const before = this.#open.size;
    this.#closeIdle(null);
    this.#maxFiles = Math.max(LEAST_FILES, Math.min(this.#maxFiles, this.#open.size));
    this.#openings = 0;
    return this.#open.size < before;
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

  /** Closes at most `count` idle files, those not used for longest first; half of them for null. */
  #closeIdle(count: number | null): void {
    const idle = [...this.#open].filter((segment) => !segment.isBusy);
    idle.sort((one, other) => one.lastUsed - other.lastUsed);
    for (const segment of idle.slice(0, count ?? Math.ceil(idle.length / 2))) segment.closeFile();
  }

  #raise(): void {
    if (++this.#openings < this.#maxFiles * OPENINGS_PER_RISE) return;
    this.#openings = 0;
    const raised = this.#maxFiles + Math.ceil(this.#maxFiles / SHARE);
    this.#maxFiles = Math.min(this.#mostFiles, raised);
  }
}
