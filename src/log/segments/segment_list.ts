/**
 * The segments of one log, oldest first. The last one is active; the others are only read. No file
 * is renamed or removed while it is open.
 *
 * @module
 */
import type { Runtime } from "../../runtime/runtime.ts";
import { CLEANED_SUFFIX } from "../compaction/swap_files.ts";
import type { LogConfig } from "../log_config.ts";
import { type LogRecords, NO_RECORDS } from "./log_records.ts";
import type { ReadOptions } from "../log_types.ts";
import type { OpenSegments } from "./open_segments.ts";
import { Segment, segmentFileName } from "./segment.ts";
import { removeIndex } from "./index_storage.ts";

const LARGEST_JITTER_MS = 2_147_483_647;

/** The segments in order. Methods throw a `FileError` if a file operation fails. */
export class SegmentList {
  readonly #runtime: Pick<Runtime, "files" | "clock" | "random">;
  #directory: string;
  readonly #open: OpenSegments;
  #segments: Segment[] = [];
  /**
   * Deleted segments. Their files are removed once they are due and no response is being sent from
   * them.
   */
  #retired: { readonly segment: Segment; readonly dueMs: number }[] = [];
  /** Segments from this offset on are about to be removed, and get no marker. */
  #unmarkedFrom = Infinity;
  /** Whether a file was created or removed since the last sync of the directory. */
  #directoryIsDirty = false;
  /** Whether the directory was created, so that its own name may not be durable. */
  #directoryIsNew = false;
  /** The running sync of the directory. */
  #directorySync: Promise<void> | null = null;

  /** Creates an empty list for the files of `directory`. Open files are tracked by `open`. */
  constructor(
    runtime: Pick<Runtime, "files" | "clock" | "random">,
    directory: string,
    open: OpenSegments,
  ) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#open = open;
  }

  /**
   * Adds the segments found, oldest first, in a directory that this process has created (`new`), or
   * that the last process left after a clean shutdown (`clean`) or not (`unclean`). In the last
   * case, the names of its files may not be durable.
   */
  adopt(segments: Segment[], origin: "new" | "clean" | "unclean"): void {
    this.#segments = segments;
    // The directory's own name must be synced too.
    this.#directoryIsNew = origin === "new";
    if (origin !== "clean") this.#directoryIsDirty = true;
  }

  /** All segments, oldest first. */
  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** The segment for appends. It exists once the log is open. */
  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  /** The size of all segments, bytes. */
  get sizeInBytes(): number {
    let size = 0;
    for (const segment of this.#segments) size += segment.size;
    return size;
  }

  /** The first offset in the files that exist, including those of deleted segments. */
  get firstFileOffset(): number {
    let first = this.#segments[0]!.baseOffset;
    for (const { segment } of this.#retired) first = Math.min(first, segment.baseOffset);
    return first;
  }

  /**
   * Removes the index files of segments at or after `offset`, which are about to be removed.
   * Resolves when the removal is durable, or returns null if there were none.
   */
  invalidateMarkers(offset: number): Promise<void> | null {
    this.#unmarkedFrom = Math.min(this.#unmarkedFrom, offset);
    const marked = this.#segments.filter((segment) =>
      segment.baseOffset >= offset && segment.hasDurableName
    );
    if (marked.length === 0) return null;
    for (const segment of marked) {
      segment.hasDurableName = false;
      segment.index.removeFiles();
    }
    this.#directoryIsDirty = true;
    const done = this.#runtime.files.syncDirectory(this.#directory);
    // If the caller does not wait, the next flush syncs the directory.
    done.catch(() => {});
    return done;
  }

  /** Lets the next sync create the markers again, since no segment will be removed. */
  keepMarkers(): void {
    this.#unmarkedFrom = Infinity;
  }

  /**
   * Appends an empty segment at `baseOffset` and creates its file. `isFirst`: the directory is empty, so
   * that no file of this name exists.
   */
  add(baseOffset: number, config: LogConfig, isFirst = false): Segment {
    const { files, clock, random } = this.#runtime;
    const path = `${this.#directory}/${segmentFileName(baseOffset)}`;
    const namesake = this.#retired.findIndex(({ segment }) => segment.path === path);
    if (namesake !== -1) this.#remove(this.#retired.splice(namesake, 1)[0]!.segment);
    const segment = new Segment(files, path, baseOffset, clock.now(), config.indexIntervalBytes, {
      open: this.#open,
    });
    // Limited like in Apache Kafka.
    const jitterMs = Math.min(config.segmentJitterMs, config.segmentMs, LARGEST_JITTER_MS);
    segment.rollJitterMs = jitterMs > 0 ? random.below(jitterMs) : 0;
    // Create the file now, so that a full disk is detected before anything else changes.
    try {
      const { file } = segment;
      if (!isFirst) {
        file.truncate(0);
        removeIndex(files, path);
      }
    } catch (error) {
      segment.close();
      throw error;
    }
    this.#directoryIsDirty = true;
    this.#segments.push(segment);
    return segment;
  }

  /**
   * Creates the empty segment by which compaction replaces those from `baseOffset` on, with the age
   * given by `createdMs`.
   */
  createCleaned(baseOffset: number, createdMs: number, config: LogConfig): Segment {
    const { files } = this.#runtime;
    const path = `${this.#directory}/${segmentFileName(baseOffset)}${CLEANED_SUFFIX}`;
    const segment = new Segment(files, path, baseOffset, createdMs, config.indexIntervalBytes, {
      open: this.#open,
    });
    try {
      segment.file.truncate(0);
    } catch (error) {
      segment.close();
      throw error;
    }
    return segment;
  }

  /**
   * Adds a segment at `baseOffset`, by default at the log end. Returns the closed segment, or null
   * if it was empty and has been replaced.
   */
  roll(config: LogConfig, baseOffset: number = this.active.nextOffset): Segment | null {
    const closed = this.active;
    if (closed.size === 0) {
      this.add(baseOffset, config);
      this.#segments.splice(this.#segments.length - 2, 1);
      if (closed.baseOffset !== baseOffset) this.#remove(closed);
      return null;
    }
    // Do this before anything changes, since loading the index may fail.
    closed.index.load();
    this.add(baseOffset, config);
    closed.index.trim();
    return closed;
  }

  /** Like `PartitionLog.read`, for offsets within the log. */
  read({ fetchOffset, maxBytes, endOffset, minOneBatch }: ReadOptions): LogRecords {
    for (let i = this.#numberFor(fetchOffset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]!;
      if (segment.baseOffset >= endOffset) break;
      const start = segment.index.locate(fetchOffset);
      if (start === segment.size) continue;
      const end = segment.index.endOfRange(start, maxBytes, endOffset, minOneBatch);
      return end === start ? NO_RECORDS : segment.slice(start, end);
    }
    return NO_RECORDS;
  }

  /** Returns the number of segments entirely before `offset`, never including the active one. */
  countBefore(offset: number): number {
    let count = 0;
    while ((this.#segments[count + 1]?.baseOffset ?? Infinity) <= offset) count++;
    return count;
  }

  /**
   * Deletes the oldest `count` segments. Their files are removed at `dueMs`, for reads in progress.
   */
  retire(count: number, dueMs: number): void {
    for (const segment of this.#segments.splice(0, count)) this.#retired.push({ segment, dueMs });
  }

  /**
   * Replaces `old`, adjacent segments, with `replacement`, whose files are durable. The old files
   * are removed at `dueMs`.
   */
  replace(old: readonly Segment[], replacement: Segment, dueMs: number): void {
    const first = this.#segments.indexOf(old[0]!);
    const removed = this.#segments.splice(first, old.length, replacement);
    for (const segment of removed) this.#retired.push({ segment, dueMs });
    this.#directoryIsDirty = true;
  }

  /**
   * Removes the files of deleted segments that are due at `nowMs` and not being sent. With
   * Infinity, when the process shuts down, removes all of them immediately.
   */
  removeRetired(nowMs: number): void {
    if (this.#retired.length === 0) return;
    const isOver = ({ segment, dueMs }: { segment: Segment; dueMs: number }) =>
      dueMs <= nowMs && (!segment.isHeld || nowMs === Infinity);
    const over = this.#retired.filter(isOver);
    this.#retired = this.#retired.filter((retired) => !isOver(retired));
    for (const { segment } of over) this.#remove(segment, nowMs === Infinity);
  }

  /** Whether a response with bytes of any segment is being sent. */
  get isHeld(): boolean {
    return this.#segments.some((segment) => segment.isHeld) ||
      this.#retired.some(({ segment }) => segment.isHeld);
  }

  /** Returns where the log ends after it is truncated to `offset`. */
  endBefore(offset: number): number {
    const { index } = this.#segments[this.#numberFor(offset)]!;
    return index.endBefore(index.locate(offset));
  }

  /**
   * Removes the batch that holds `offset` and everything after it. The first segment is kept, even
   * if empty. Can be repeated after an error.
   */
  truncate(offset: number): void {
    while (this.#segments.length > 1 && this.active.baseOffset > offset) this.#removeActive();
    this.active.truncate(this.active.index.locate(offset));
    // Its list of aborted transactions may have been removed with the last entry.
    this.#directoryIsDirty = true;
    this.#unmarkedFrom = Infinity;
    // The index files were removed by the truncation.
    this.active.hasDurableName = false;
  }

  /** Replaces all segments with an empty one at `offset`. Can be repeated after an error. */
  reset(offset: number, config: LogConfig): void {
    while (this.#segments.length > 1) this.#removeActive();
    const first = this.active;
    if (first.baseOffset === offset) return this.truncate(offset);
    this.add(offset, config);
    this.#remove(first);
    this.#segments.shift();
    this.#unmarkedFrom = Infinity;
  }

  #removeActive(): void {
    this.#remove(this.active);
    this.#segments.pop();
  }

  /** Removes every segment and its file. */
  clear(): void {
    for (const segment of this.#segments.splice(0)) this.#remove(segment);
    this.#unmarkedFrom = Infinity;
  }

  /** Resolves when everything written, and the names of the files, are durable. */
  async sync(): Promise<void> {
    await this.#syncFiles(this.#segments);
    await this.syncDirectory();
  }

  /**
   * Syncs `segments` and the deleted ones, whose files a start would still use as the beginning of
   * the log.
   */
  async #syncFiles(segments: readonly Segment[]): Promise<void> {
    const retired = this.#retired.map(({ segment }) => segment);
    for (const segment of [...retired, ...segments].filter(({ needsSync }) => needsSync)) {
      await segment.sync();
    }
  }

  /** Resolves when the names of all files are durable. */
  async syncDirectory(): Promise<void> {
    while (this.#directorySync !== null) await this.#directorySync;
    if (!this.#directoryIsDirty) return;
    const syncing = this.#syncNames();
    this.#directoryIsDirty = false;
    this.#directorySync = syncing;
    try {
      await syncing;
    } catch (error) {
      this.#directoryIsDirty = true;
      throw error;
    } finally {
      this.#directorySync = null;
    }
  }

  async #syncNames(): Promise<void> {
    const { files } = this.#runtime;
    const present = [...this.#segments];
    await files.syncDirectory(this.#directory);
    // A file without a durable name is lost even if its content was synced.
    if (this.#directoryIsNew) {
      await files.syncDirectory(this.#directory.replace(/(?<=.)\/[^/]*$/, ""));
      this.#directoryIsNew = false;
    }
    for (const segment of present) {
      if (segment.hasDurableName || segment.baseOffset >= this.#unmarkedFrom) continue;
      // A segment written by compaction is renamed later.
      if (!this.#segments.includes(segment) || !segment.path.endsWith(".log")) continue;
      segment.hasDurableName = true;
      segment.createMarker(segment !== this.active);
    }
  }

  /**
   * Resolves when everything before the active segment is durable, including the names of all files
   * and the indexes.
   */
  async syncClosed(): Promise<void> {
    await this.#syncFiles(this.#segments.slice(0, -1));
    await this.syncDirectory();
    for (const segment of this.#segments.slice(0, -1)) segment.index.write();
  }

  /** Must be called after another component created or renamed a file in the directory. */
  markDirectoryDirty(): void {
    this.#directoryIsDirty = true;
  }

  /** Writes the indexes of all segments to their files. */
  writeIndexes(): void {
    for (const segment of this.#segments) segment.index.write();
  }

  /** Closes all files, before the directory is renamed. */
  closeFiles(): void {
    const retired = this.#retired.map(({ segment }) => segment);
    for (const segment of [...this.#segments, ...retired]) {
      segment.closeFile();
      segment.aborted.closeFile();
    }
  }

  /** Must be called after the directory was renamed. None of its files may be open. */
  moveTo(directory: string): void {
    for (const segment of this.#segments) move(segment, directory);
    for (const { segment } of this.#retired) move(segment, directory);
    this.#directory = directory;
  }

  /** Whether {@linkcode SegmentList.sync} has work to do. */
  get isDirty(): boolean {
    return this.#directoryIsDirty || this.#directorySync !== null ||
      this.#segments.some((segment) => segment.needsSync);
  }

  /** Closes all files for good, without further changes. */
  abandon(): void {
    for (const segment of this.#segments) segment.close();
    for (const { segment } of this.#retired.splice(0)) segment.close();
  }

  /** Closes the files. */
  close(): void {
    for (const segment of this.#segments) segment.close();
    for (const { segment } of this.#retired) segment.close();
  }

  /** Frees some disk space: the indexes of deleted segments are not needed. */
  removeRetiredIndexes(): void {
    for (const { segment } of this.#retired) segment.index.removeFiles();
  }

  /** Returns the position in the list of the last segment that starts at or before `offset`. */
  #numberFor(offset: number): number {
    for (let i = this.#segments.length - 1; i > 0; i--) {
      if (this.#segments[i]!.baseOffset <= offset) return i;
    }
    return 0;
  }

  #remove(segment: Segment, isUrgent = true): void {
    segment.close();
    segment.removeFiles(isUrgent);
    this.#directoryIsDirty = true;
  }
}

function move(segment: Segment, directory: string): void {
  segment.moveTo(`${directory}${segment.path.slice(segment.path.lastIndexOf("/"))}`);
}
