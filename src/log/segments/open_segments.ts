/**
 * Tracks which segments of the process have an open file, and which closed segments have their
 * index in memory. Both are bounded: the least recently used are closed or unloaded, and reopened
 * or reloaded on demand.
 *
 * @module
 */
import { MAX_LOADED_INDEX_BYTES, MAX_OPEN_SEGMENT_FILES } from "../../limits.ts";

/** A segment as {@linkcode OpenSegments} sees it. */
export interface CountedSegment {
  /** The time of its last use, as a number from {@linkcode OpenSegments.use}. */
  readonly lastUsed: number;
  /** Whether its file must stay open now. */
  readonly isBusy: boolean;
  /** Closes the file until its next use. */
  closeFile(): void;
  /** Frees the memory of the index, which can be loaded again. */
  unloadIndex(): void;
}

/**
 * The divisor of the number of files that are closed at once, so that not every opening needs a
 * search.
 */
const EVICTION_DIVISOR = 8;
/** The lower bound of the limit when file descriptors run out. */
const MIN_FILES = 8;
/** The limit rises again after this many times as many openings. */
const OPENINGS_PER_RISE = 4;

/** Tracks open segment files and loaded indexes. */
export class OpenSegments {
  readonly #open = new Set<CountedSegment>();
  readonly #loaded = new Map<CountedSegment, number>();
  readonly #mostFiles: number;
  #maxFiles: number;
  /** The number of openings since the limit last changed. */
  #openings = 0;
  #loadedBytes = 0;
  #turn = 0;

  /**
   * Creates a tracker with limits for open files and for the memory of the indexes of closed
   * segments, bytes.
   */
  constructor(
    maxFiles: number = MAX_OPEN_SEGMENT_FILES,
    readonly maxIndexBytes: number = MAX_LOADED_INDEX_BYTES,
  ) {
    this.#mostFiles = maxFiles;
    this.#maxFiles = maxFiles;
  }

  /**
   * The current limit of open files, below the configured one after file descriptors have run out.
   */
  get maxFiles(): number {
    return this.#maxFiles;
  }

  /** The number of open files. */
  get openFiles(): number {
    return this.#open.size;
  }

  /** The memory of the loaded indexes, bytes. */
  get loadedBytes(): number {
    return this.#loadedBytes;
  }

  /** Returns the number of this use, which rises with each use. */
  use(): number {
    return ++this.#turn;
  }

  /** Must be called before a segment file is opened. Closes others if there are too many. */
  beforeOpen(): void {
    if (this.#maxFiles < this.#mostFiles) this.#raise();
    if (this.#open.size >= this.#maxFiles) {
      this.#closeIdle(Math.ceil(this.#maxFiles / EVICTION_DIVISOR));
    }
  }

  /** Must be called after the file of `segment` was opened. */
  opened(segment: CountedSegment): void {
    this.#open.add(segment);
  }

  /** Must be called after the file of `segment` was closed. */
  closed(segment: CountedSegment): void {
    this.#open.delete(segment);
  }

  /**
   * Must be called when the process is out of file descriptors. Closes the less recently used half
   * of the idle files, and lowers the limit to the number of files still open. The limit rises
   * again in steps as files are opened. Returns whether any file was closed.
   */
  makeRoom(): boolean {
    const before = this.#open.size;
    this.#closeIdle(null);
    this.#maxFiles = Math.max(MIN_FILES, Math.min(this.#maxFiles, this.#open.size));
    this.#openings = 0;
    return this.#open.size < before;
  }

  /**
   * Must be called after the index of `segment`, with `bytes` of memory, was loaded or stored in
   * its files.
   */
  loaded(segment: CountedSegment, bytes: number): void {
    this.unloaded(segment);
    this.#loaded.set(segment, bytes);
    this.#loadedBytes += bytes;
    if (this.#loadedBytes <= this.maxIndexBytes) return;
    const others = [...this.#loaded.keys()].filter((other) => other !== segment);
    others.sort((one, other) => one.lastUsed - other.lastUsed);
    const enough = this.maxIndexBytes - this.maxIndexBytes / EVICTION_DIVISOR;
    for (const other of others) {
      if (this.#loadedBytes <= enough) break;
      other.unloadIndex();
    }
  }

  /**
   * Must be called when the index of `segment` is no longer in memory, or can no longer be loaded.
   */
  unloaded(segment: CountedSegment): void {
    this.#loadedBytes -= this.#loaded.get(segment) ?? 0;
    this.#loaded.delete(segment);
  }

  /** Closes at most `count` idle files, or half of them for null, least recently used first. */
  #closeIdle(count: number | null): void {
    const idle = [...this.#open].filter((segment) => !segment.isBusy);
    idle.sort((one, other) => one.lastUsed - other.lastUsed);
    for (const segment of idle.slice(0, count ?? Math.ceil(idle.length / 2))) segment.closeFile();
  }

  #raise(): void {
    if (++this.#openings < this.#maxFiles * OPENINGS_PER_RISE) return;
    this.#openings = 0;
    const raised = this.#maxFiles + Math.ceil(this.#maxFiles / EVICTION_DIVISOR);
    this.#maxFiles = Math.min(this.#mostFiles, raised);
  }
}
