/**
 * The segments of one log, oldest first: the last is written, the others are only read. New ones come
 * at the end, old ones go at the beginning, and no file is renamed or removed while it is open.
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

/** Segments in order. Methods throw a `FileError` when files fail. */
export class SegmentList {
  readonly #runtime: Pick<Runtime, "files" | "clock" | "random">;
  #directory: string;
  readonly #open: OpenSegments;
  #segments: Segment[] = [];
  /** Deleted segments whose files go when their time has come and nobody sends them any more. */
  #retired: { readonly segment: Segment; readonly dueMs: number }[] = [];
  /** Segments from there on are about to go. */
  #unmarkedFrom = Infinity;
  /** Whether a file was made or removed since the directory was synced. */
  #directoryIsDirty = false;
  /** Whether the directory was made, and its own name may not be on the disk. */
  #directoryIsNew = false;
  /** The sync of the directory that is under way. */
  #directorySync: Promise<void> | null = null;

  /**
   * An empty list over the files of `directory`, whose open files are counted in `open`.
   */
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
   * Takes segments that were found, oldest first, in a directory that this process has made (`new`),
   * or that an orderly end has left (`clean`), or another end (`unclean`): then the names of files
   * that the last process made may not have reached the disk.
   */
  adopt(segments: Segment[], origin: "new" | "clean" | "unclean"): void {
    this.#segments = segments;
    // Its own name has to be brought to the disk too.
    this.#directoryIsNew = origin === "new";
    if (origin !== "clean") this.#directoryIsDirty = true;
  }

  /** All segments, oldest first. */
  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** The segment that is appended to. There is one once the log is open. */
  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    let size = 0;
    for (const segment of this.#segments) size += segment.size;
    return size;
  }

  /** The first offset in the files that still exist, deleted segments' among them. */
  get firstFileOffset(): number {
    let first = this.#segments[0]!.baseOffset;
    for (const { segment } of this.#retired) first = Math.min(first, segment.baseOffset);
    return first;
  }

  /**
   * Segments that begin at `offset` or behind it are about to go: nothing beside them may tell of them.
   * Resolves when nothing does on the disk; null when nothing did.
   */
  invalidateMarkers(offset: number): Promise<void> | null {
    this.#unmarkedFrom = Math.min(this.#unmarkedFrom, offset);
    const doomed = this.#segments.filter((segment) => segment.baseOffset >= offset);
    const marked = doomed.filter((segment) => segment.hasDurableName);
    if (marked.length === 0) return null;
    for (const segment of marked) {
      segment.hasDurableName = false;
      segment.index.removeFiles();
    }
    this.#directoryIsDirty = true;
    const done = this.#runtime.files.syncDirectory(this.#directory);
    // Who does not wait has the directory synced by the next flush.
    done.catch(() => {});
    return done;
  }

  /** Adds an empty segment that begins at `baseOffset`, and makes its file. */
  add(baseOffset: number, config: LogConfig): Segment {
    const { files, clock, random } = this.#runtime;
    const path = `${this.#directory}/${segmentFileName(baseOffset)}`;
    const namesake = this.#retired.findIndex(({ segment }) => segment.path === path);
    if (namesake !== -1) this.#remove(this.#retired.splice(namesake, 1)[0]!.segment);
    const segment = new Segment(files, path, baseOffset, clock.now(), config.indexIntervalBytes, {
      open: this.#open,
    });
    // Bounded as in Apache Kafka.
    const jitterMs = Math.min(config.segmentJitterMs, config.segmentMs, LARGEST_JITTER_MS);
    segment.rollJitterMs = jitterMs > 0 ? random.below(jitterMs) : 0;
    // Made now, so that a disk without room for it is noticed before anything else happens.
    try {
      segment.file.truncate(0);
      removeIndex(files, path);
    } catch (error) {
      segment.close();
      throw error;
    }
    this.#directoryIsDirty = true;
    this.#segments.push(segment);
    return segment;
  }

  /**
   * Makes the empty segment that compaction writes in the place of those from `baseOffset` on, and
   * that is as old as `createdMs`.
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
   * Adds a segment that begins at `baseOffset`, by default where the active one ends. Returns the closed
   * one, or null when that was empty and has been replaced.
   */
  roll(config: LogConfig, baseOffset: number = this.active.nextOffset): Segment | null {
    const closed = this.active;
    if (closed.size === 0) {
      this.add(baseOffset, config);
      this.#segments.splice(this.#segments.length - 2, 1);
      if (closed.baseOffset !== baseOffset) this.#remove(closed);
      return null;
    }
    // Before anything changes: the index may have to be loaded, which may fail.
    closed.index.load();
    this.add(baseOffset, config);
    closed.index.trim();
    return closed;
  }

  /** As `PartitionLog.read`, for offsets that lie in the log. */
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

  /** How many segments lie wholly before `offset`, the active one never. */
  countBefore(offset: number): number {
    let count = 0;
    while ((this.#segments[count + 1]?.baseOffset ?? Infinity) <= offset) count++;
    return count;
  }

  /** Takes out the oldest `count` segments; their files go at `dueMs`, for those who read them now. */
  retire(count: number, dueMs: number): void {
    for (const segment of this.#segments.splice(0, count)) this.#retired.push({ segment, dueMs });
  }

  /**
   * Puts `replacement`, whose files are on the disk, where the segments `old` are, which follow one
   * another. Their files go at `dueMs`.
   */
  replace(old: readonly Segment[], replacement: Segment, dueMs: number): void {
    const first = this.#segments.indexOf(old[0]!);
    const removed = this.#segments.splice(first, old.length, replacement);
    for (const segment of removed) this.#retired.push({ segment, dueMs });
    this.#directoryIsDirty = true;
  }

  /**
   * Removes the files of retired segments whose time has come at `nowMs` and that nobody sends; all of
   * them, and at once, at Infinity: the process ends.
   */
  removeRetired(nowMs: number): void {
    if (this.#retired.length === 0) return;
    const isOver = ({ segment, dueMs }: { segment: Segment; dueMs: number }) =>
      dueMs <= nowMs && (!segment.isHeld || nowMs === Infinity);
    const over = this.#retired.filter(isOver);
    this.#retired = this.#retired.filter((retired) => !isOver(retired));
    for (const { segment } of over) this.#remove(segment, nowMs === Infinity);
  }

  /** Whether bytes of any segment are being sent. */
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
   * Cuts off the batch that holds `offset` and everything behind it. The first segment stays, if only
   * empty. May be repeated after a throw.
   */
  truncate(offset: number): void {
    while (this.#segments.length > 1 && this.active.baseOffset > offset) this.#removeActive();
    this.active.truncate(this.active.index.locate(offset));
    // Its list of aborted transactions may have gone with what it speaks of.
    this.#directoryIsDirty = true;
    this.#unmarkedFrom = Infinity;
    // Its index went with the cut.
    this.active.hasDurableName = false;
  }

  /** Replaces all segments with an empty one at `offset`. May be repeated after a throw. */
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

  /** Resolves when all that was written, and the files' names, are on the disk. */
  async sync(): Promise<void> {
    await this.#syncFiles(this.#segments);
    await this.syncDirectory();
  }

  /** Syncs `segments` and the retired ones: while those are there, a start takes them for the beginning. */
  async #syncFiles(segments: readonly Segment[]): Promise<void> {
    const retired = this.#retired.map(({ segment }) => segment);
    for (const segment of [...retired, ...segments].filter(({ needsSync }) => needsSync)) {
      await segment.sync();
    }
  }

  /** Resolves when the names of all files are on the disk. */
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
    // A file that nobody finds is lost, however well it was synced.
    if (this.#directoryIsNew) {
      await files.syncDirectory(this.#directory.replace(/(?<=.)\/[^/]*$/, ""));
      this.#directoryIsNew = false;
    }
    for (const segment of present) {
      if (segment.hasDurableName || segment.baseOffset >= this.#unmarkedFrom) continue;
      // One that compaction has made has its own name later.
      if (!this.#segments.includes(segment) || !segment.path.endsWith(".log")) continue;
      segment.hasDurableName = true;
      segment.createMarker(segment !== this.active);
    }
  }

  /**
   * Resolves when all that lies before the active segment is on the disk, with the names of all files
   * and the indexes of the segments.
   */
  async syncClosed(): Promise<void> {
    await this.#syncFiles(this.#segments.slice(0, -1));
    await this.syncDirectory();
    for (const segment of this.#segments.slice(0, -1)) segment.index.write();
  }

  /** The name of a file in the directory was made or changed by somebody else. */
  markDirectoryDirty(): void {
    this.#directoryIsDirty = true;
  }

  /** Writes the indexes of all segments to their files. */
  writeIndexes(): void {
    for (const segment of this.#segments) segment.index.write();
  }

  /** The directory is about to get another name: closes every file. */
  closeFiles(): void {
    const retired = this.#retired.map(({ segment }) => segment);
    for (const segment of [...this.#segments, ...retired]) {
      segment.closeFile();
      segment.aborted.closeFile();
    }
  }

  /** The directory has got another name; no file of it may be open. */
  moveTo(directory: string): void {
    for (const segment of this.#segments) move(segment, directory);
    for (const { segment } of this.#retired) move(segment, directory);
    this.#directory = directory;
  }

  /** Whether {@linkcode SegmentList.sync} has anything to do. */
  get isDirty(): boolean {
    return this.#directoryIsDirty || this.#directorySync !== null ||
      this.#segments.some((segment) => segment.needsSync);
  }

  /** Closes all files for good and leaves them where they are. */
  abandon(): void {
    for (const segment of this.#segments) segment.close();
    for (const { segment } of this.#retired.splice(0)) segment.close();
  }

  /** Closes the files. */
  close(): void {
    for (const segment of this.#segments) segment.close();
    for (const { segment } of this.#retired) segment.close();
  }

  /** Makes a little room: the indexes of retired segments can be done without. */
  removeRetiredIndexes(): void {
    for (const { segment } of this.#retired) segment.index.removeFiles();
  }

  /** The number of the last segment that begins at or before `offset`. */
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
