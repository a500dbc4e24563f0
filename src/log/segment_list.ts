/**
 * The segments of one log, oldest first: the last is written, the others are only read. New ones come
 * at the end, old ones go at the beginning, and no file is renamed or removed while it is open.
 *
 * @module
 */
import type { RecordsSource } from "../protocol/wire.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { LogConfig } from "./log_config.ts";
import type { ReadOptions } from "./log_types.ts";
import { NO_RECORDS, Segment, segmentFileName } from "./segment.ts";

/** Segments in order. Methods throw a `FileError` when files fail. */
export class SegmentList {
  readonly #runtime: Pick<Runtime, "files" | "clock" | "random">;
  readonly #directory: string;
  readonly #onSyncFailure: (path: string, error: unknown) => void;
  #segments: Segment[] = [];
  /** Deleted segments whose files go when their time has come. */
  #retired: { readonly segment: Segment; readonly dueMs: number }[] = [];
  /** Whether a file was made or removed since the directory was synced. */
  #directoryIsDirty = false;

  /**
   * An empty list over the files of `directory`. `onSyncFailure` is told when a segment that was
   * closed by a roll could not be brought to the disk.
   */
  constructor(
    runtime: Pick<Runtime, "files" | "clock" | "random">,
    directory: string,
    onSyncFailure: (path: string, error: unknown) => void,
  ) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#onSyncFailure = onSyncFailure;
  }

  /** Takes segments that were found, oldest first. */
  adopt(segments: Segment[]): void {
    this.#segments = segments;
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
    return this.#retired[0]?.segment.baseOffset ?? this.#segments[0]!.baseOffset;
  }

  /** Adds an empty segment that begins at `baseOffset`, and makes its file. */
  add(baseOffset: number, config: LogConfig): Segment {
    const { files, clock, random } = this.#runtime;
    const path = `${this.#directory}/${segmentFileName(baseOffset)}`;
    const namesake = this.#retired.findIndex(({ segment }) => segment.path === path);
    if (namesake !== -1) this.#remove(this.#retired.splice(namesake, 1)[0]!.segment);
    const segment = new Segment(files, path, baseOffset, clock.now(), config.indexIntervalBytes);
    segment.rollJitterMs = config.segmentJitterMs > 0 ? random.below(config.segmentJitterMs) : 0;
    // Made now, so that a disk without room for it is noticed before anything else happens.
    try {
      segment.file.truncate(0);
    } catch (error) {
      segment.close();
      throw error;
    }
    this.#directoryIsDirty = true;
    this.#segments.push(segment);
    return segment;
  }

  /** Adds a segment that begins where the active one ends, which is brought to the disk meanwhile. */
  roll(config: LogConfig): void {
    const closed = this.active;
    this.add(closed.nextOffset, config);
    closed.index.trim();
    // After a loss of power only the last segment may have a torn tail.
    closed.sync().catch((error) => this.#onSyncFailure(closed.path, error));
  }

  /** As `PartitionLog.read`, for offsets that lie in the log. */
  read({ fetchOffset, maxBytes, endOffset, minOneBatch }: ReadOptions): RecordsSource {
    for (let i = this.#numberFor(fetchOffset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]!;
      if (segment.baseOffset >= endOffset) break;
      const start = segment.locate(fetchOffset);
      if (start === segment.size) continue;
      const end = segment.endOfRange(start, maxBytes, endOffset, minOneBatch);
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

  /** Removes the files of retired segments whose time has come at `nowMs`. */
  removeRetired(nowMs: number): void {
    while (this.#retired.length > 0 && this.#retired[0]!.dueMs <= nowMs) {
      this.#remove(this.#retired.shift()!.segment);
    }
  }

  /** Cuts off the batch that holds `offset` and all that follow. The first segment stays, if only empty. */
  truncate(offset: number): void {
    while (this.#segments.length > 1 && this.active.baseOffset > offset) {
      this.#remove(this.#segments.pop()!);
    }
    this.active.truncate(this.active.locate(offset));
  }

  /** Removes every segment and its file. */
  clear(): void {
    for (const segment of this.#segments.splice(0)) this.#remove(segment);
  }

  /** Resolves when all that was written, and the files' names, are on the disk. */
  async sync(): Promise<void> {
    for (const segment of [...this.#segments]) {
      if (segment.isDirty) await segment.sync();
    }
    if (!this.#directoryIsDirty) return;
    this.#directoryIsDirty = false;
    await this.#runtime.files.syncDirectory(this.#directory);
  }

  /** Whether {@linkcode SegmentList.sync} has anything to do. */
  get isDirty(): boolean {
    return this.#directoryIsDirty || this.#segments.some((segment) => segment.isDirty);
  }

  /** Closes the files, and removes those of retired segments. */
  close(): void {
    for (const segment of this.#segments) segment.close();
    this.removeRetired(Infinity);
  }

  /** The number of the last segment that begins at or before `offset`. */
  #numberFor(offset: number): number {
    for (let i = this.#segments.length - 1; i > 0; i--) {
      if (this.#segments[i]!.baseOffset <= offset) return i;
    }
    return 0;
  }

  #remove(segment: Segment): void {
    segment.close();
    this.#runtime.files.remove(segment.path);
    this.#directoryIsDirty = true;
  }
}
