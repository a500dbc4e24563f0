/**
 * One segment of a partition's log: a file of whole record batches, one after another, named by the
 * offset it begins at, with Kafka's index files beside it. Knows where its batches lie; decides
 * nothing about them. What is closed is opened, and its index loaded, when it is needed.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { readMaxTimestamp } from "../../protocol/records/batch.ts";
import { FileError, type FileHandle, type FileSystem } from "../../runtime/runtime.ts";
import { AbortedTransactions } from "./aborted_transactions.ts";
import { BatchIndex } from "./batch_index.ts";
import { BatchScanner, LOOKUP_WINDOW, WALK_WINDOW } from "./batch_scanner.ts";
import { DELETED_SUFFIX } from "../compaction/swap_files.ts";
import { type LogRecords, SegmentSlice } from "./log_records.ts";
import { type CountedSegment, OpenSegments } from "./open_segments.ts";
import { ReaderPlaces } from "./reader_places.ts";
import { loadIndex, removeIndex, siblingPath, storeIndex } from "./index_storage.ts";
import { asKafkaError, storageError } from "../storage_error.ts";
import { UnreadBytes } from "./unread_bytes.ts";

/** The offset that a segment file named `name` begins at, or -1 for a file of another kind. */
export function baseOffsetOf(name: string): number {
  if (!/^\d{20}\.log$/.test(name)) return -1;
  const offset = Number(name.slice(0, 20));
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** The name of the segment file that begins at `baseOffset`: 20 digits and `.log`. */
export function segmentFileName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, "0")}.log`;
}

/** A first timestamp that has not been looked up. */
const NOT_READ = -2;

/** Why a file cannot be made now that can be made later. */
const PASSING: ReadonlySet<FileError["reason"]> = new Set(["no-space", "too-many-open"]);

/** What a segment may be told at once; all of it can be left out. */
export interface SegmentOptions {
  /** Keeps count of open files. A count of its own unless told. */
  readonly open?: OpenSegments;
  /** Whether it has a `.txnindex` already. */
  readonly hasTransactionIndex?: boolean;
  /** The initial value of {@linkcode Segment.isNamed}. Defaults to false. */
  readonly isNamed?: boolean;
}

/** A segment file with its index. All methods throw a `FileError` when the file fails. */
export class Segment implements CountedSegment {
  /** Bytes of whole batches in the file: where the next one goes. */
  size = 0;
  /** The offset after the last record's. */
  nextOffset: number;
  /** How much `segment.ms` is shortened for this segment, ms. */
  rollJitterMs = 0;
  /** Whether something was written since the last sync began. */
  isDirty = false;
  /**
   * Whether the directory entry of its `.log` is durable. Until then it gets no index file: an index
   * that outlives its log in a power failure is taken for a log that was removed.
   */
  isNamed: boolean;
  /** The turn at which its file was last used; see {@linkcode OpenSegments}. */
  lastUsed = 0;
  /** The aborted transactions whose marker is in it. */
  readonly aborted: AbortedTransactions;

  readonly #files: FileSystem;
  readonly #indexIntervalBytes: number;
  readonly #open: OpenSegments;
  readonly #index = new BatchIndex();
  #isLoaded = true;
  /** Whether the index files hold what the index does. */
  #isStored = false;
  /** Whether this process has built the index from the batches: then it is no cause of errors. */
  #isTrusted = true;
  #maxTimestamp: Int64 = -1;
  /** The last offset of the batch that has the largest timestamp. */
  #maxTimestampOffset: number;
  #firstTimestamp: Int64 = -1;
  #file: FileHandle | null = null;
  #isClosed = false;
  /** The sync under way. */
  #syncing: Promise<void> | null = null;
  /** How many answers on their way carry bytes of it. */
  #holders = 0;
  /** Grows when written bytes are cut off: who holds a range of them must not read others instead. */
  #cuts = 0;
  /** What could not be read when it was to be sent. */
  #unread: UnreadBytes | null = null;
  readonly #places = new ReaderPlaces();

  /** A segment over the file at `path`, made when it is first written. Nothing is read yet. */
  constructor(
    files: FileSystem,
    /** The file. It may move: see {@linkcode Segment.moveTo}. */
    public path: string,
    /** The offset it begins at. */
    readonly baseOffset: number,
    /** When this process made or opened it, ms since 1970: the age of a segment without timestamps. */
    readonly createdMs: number,
    indexIntervalBytes: number,
    options: SegmentOptions = {},
  ) {
    this.#files = files;
    this.#indexIntervalBytes = indexIntervalBytes;
    this.#open = options.open ?? new OpenSegments();
    this.isNamed = options.isNamed ?? false;
    this.nextOffset = baseOffset;
    this.#maxTimestampOffset = baseOffset;
    this.aborted = new AbortedTransactions(
      files,
      siblingPath(path, ".txnindex"),
      options.hasTransactionIndex ?? false,
    );
  }

  /** The file, opened when it is first needed. */
  get file(): FileHandle {
    this.lastUsed = this.#open.use();
    return this.#file ?? this.#openFile();
  }

  #openFile(): FileHandle {
    if (this.#isClosed) {
      throw storageError(`Cannot read ${this.path}`, new Error("the segment has been closed"));
    }
    this.#open.beforeOpen();
    const file = this.#files.open(this.path, this.size === 0 ? "create" : "write");
    this.#open.opened(this);
    return this.#file = file;
  }

  /** Whether its file must stay open for now. */
  get isBusy(): boolean {
    return this.#syncing !== null;
  }

  /** Where its batches are. Loaded when it is first needed. */
  get index(): BatchIndex {
    if (!this.#isLoaded) this.#load();
    return this.#index;
  }

  /** The largest timestamp of its batches, ms, or -1. */
  get maxTimestamp(): Int64 {
    if (!this.#isLoaded) this.#load();
    return this.#maxTimestamp;
  }

  /** The largest timestamp of the first batch, from which `segment.ms` counts, or -1. */
  get firstTimestamp(): Int64 {
    if (this.#firstTimestamp === NOT_READ) this.#readFirstTimestamp();
    return this.#firstTimestamp;
  }

  #readFirstTimestamp(): void {
    const scanner = new BatchScanner(this.file, 0, this.size, LOOKUP_WINDOW);
    if (!scanner.next()) throw this.#damaged(scanner);
    this.#firstTimestamp = readMaxTimestamp(scanner.bytes, scanner.at);
  }

  /**
   * It was found with `size` bytes of whole batches, the last of which ends before `nextOffset`; where
   * they lie is in the index files, once somebody asks, or is read from their headers.
   */
  adopt(size: number, nextOffset: number, hasIndexFiles: boolean): void {
    this.size = size;
    this.nextOffset = nextOffset;
    this.#firstTimestamp = size === 0 ? -1 : NOT_READ;
    if (size === 0) this.#isStored = hasIndexFiles;
    else if (hasIndexFiles) this.#isLoaded = false;
    else this.rebuildIndex();
  }

  /** Writes `bytes`, whole batches, at the end. They become visible by {@linkcode Segment.addBatch} only. */
  write(bytes: Uint8Array): void {
    this.isDirty = true;
    this.file.writeAt(bytes, this.size);
  }

  /**
   * Has at hand what {@linkcode Segment.addBatch} needs, so that it reads no file: the batch is in the
   * scratch memory that reading would use.
   */
  prepareAppend(): void {
    if (!this.#isLoaded) this.#load();
    if (this.#firstTimestamp === NOT_READ) this.#readFirstTimestamp();
  }

  /**
   * Counts in the batch of `size` bytes that has been written, or was found, at the end. Call
   * {@linkcode Segment.prepareAppend} before.
   */
  addBatch(size: number, baseOffset: number, lastOffset: number, maxTimestamp: Int64): void {
    assert(this.#isLoaded, "the segment was not prepared for an append");
    if (this.#isStored) this.#forgetStored();
    const position = this.size;
    if (position === 0) this.#firstTimestamp = maxTimestamp;
    this.#indexBatch(position, baseOffset, lastOffset, maxTimestamp);
    this.size = position + size;
    this.nextOffset = lastOffset + 1;
  }

  #indexBatch(position: number, first: number, last: number, maxTimestamp: Int64): void {
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp;
      this.#maxTimestampOffset = last;
    }
    const index = this.#index;
    if (position - index.lastPosition > this.#indexIntervalBytes) {
      const { baseOffset } = this;
      index.append(first - baseOffset, last - baseOffset, position);
      index.appendTimestamp(this.#maxTimestamp, this.#maxTimestampOffset - baseOffset);
    }
  }

  /**
   * The position of the first batch that ends at `offset` or after it: the one that holds `offset`,
   * or where compaction left a gap, the next. The segment's size when there is none.
   */
  locate(offset: number): number {
    if (offset >= this.nextOffset) return this.size;
    const remembered = this.#places.positionOf(offset);
    if (remembered !== -1) return remembered;
    const { index } = this;
    const relative = offset - this.baseOffset;
    const entry = index.entryForOffset(relative);
    const following = entry + 1 < index.length ? index.firstOffsetAt(entry + 1) : -1;
    if (following !== -1 && following <= relative) return index.positionAt(entry + 1);
    const start = entry === -1 ? 0 : index.positionAt(entry);
    if (
      entry !== -1 && index.lastOffsetAt(entry) === relative && index.firstOffsetAt(entry) !== -1
    ) {
      return start;
    }
    const scanner = new BatchScanner(this.file, start, this.size, LOOKUP_WINDOW);
    let isFirst = entry !== -1;
    while (scanner.next()) {
      if (isFirst && scanner.lastOffset > this.baseOffset + index.lastOffsetAt(entry)) break;
      isFirst = false;
      if (scanner.lastOffset >= offset) {
        this.#places.remember(offset, scanner.position);
        return scanner.position;
      }
    }
    this.#rebuildOrThrow(scanner);
    return this.locate(offset);
  }

  /**
   * Where a read of whole batches from `start` (the position of a batch) ends: at most `maxBytes`
   * later and before the batch that holds `endOffset`. At least one batch is read if `minOneBatch`,
   * however large. `start` itself when nothing may be read.
   */
  endOfRange(start: number, maxBytes: number, endOffset: number, minOneBatch: boolean): number {
    const limit = endOffset >= this.nextOffset ? this.size : this.locate(endOffset);
    if (limit <= start) return start;
    if (limit - start <= maxBytes) {
      if (limit === this.size) this.#places.remember(this.nextOffset, limit);
      return limit;
    }
    const target = start + maxBytes;
    const entry = this.index.entryForPosition(target);
    const indexed = entry === -1 ? 0 : this.index.positionAt(entry);
    if (indexed > start) {
      if (this.index.firstOffsetAt(entry) === -1 && !this.#readFirstOffset(entry)) {
        return this.endOfRange(start, maxBytes, endOffset, minOneBatch);
      }
      return indexed;
    }
    // The range ends within one interval of the index: only the headers tell where.
    const scanner = new BatchScanner(this.file, start, limit, LOOKUP_WINDOW);
    let end = start;
    while (scanner.next()) {
      if (scanner.nextPosition > target && !(minOneBatch && end === start)) break;
      end = scanner.nextPosition;
      this.#places.remember(scanner.lastOffset + 1, end);
      if (end >= target) break;
    }
    if (scanner.problem !== null) throw this.#damaged(scanner);
    return end;
  }

  /**
   * Looks up where the batch of a loaded entry begins, so that who reads on from there need not
   * search. False when the index turned out to be wrong and was made anew.
   */
  #readFirstOffset(entry: number): boolean {
    const { index } = this;
    const scanner = new BatchScanner(this.file, index.positionAt(entry), this.size, LOOKUP_WINDOW);
    if (scanner.next() && scanner.lastOffset <= this.baseOffset + index.lastOffsetAt(entry)) {
      index.setFirstOffset(entry, scanner.baseOffset - this.baseOffset);
      return true;
    }
    this.#rebuildOrThrow(scanner);
    return false;
  }

  /** An offset that no record before `end`, where a read ended, reaches: the next that is known. */
  offsetBoundAt(end: number): number {
    const { index } = this;
    const entry = index.entryForPosition(end - 1) + 1;
    return entry < index.length ? this.baseOffset + index.lastOffsetAt(entry) + 1 : this.nextOffset;
  }

  /** The bytes from `start` to `end`, read when they are copied, and before where that has failed. */
  slice(start: number, end: number): LogRecords {
    this.#unread?.readAgain(start, end, (target, at) => this.copy(target, at, this.#cuts));
    return new SegmentSlice(this, start, end - start, this.#cuts);
  }

  /** Somebody begins to send bytes of it: its file must not go before they have left. */
  hold(): void {
    this.#holders++;
  }

  /** Takes one {@linkcode Segment.hold} back. */
  unhold(): void {
    this.#holders--;
  }

  /** Whether bytes of it are being sent. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** Fills `target` from `position`. Throws KAFKA_STORAGE_ERROR when the bytes are no longer there. */
  copy(target: Uint8Array, position: number, cuts: number): void {
    if (cuts !== this.#cuts) {
      throw storageError(`Cannot read ${this.path}`, new Error("the log was cut back meanwhile"));
    }
    let length: number;
    try {
      length = this.file.readAt(target, position);
    } catch (error) {
      this.#noteUnread(position, target.length);
      throw asKafkaError(`Cannot read ${this.path}`, error);
    }
    if (length < target.length) {
      this.#noteUnread(position, target.length);
      throw storageError(
        `Cannot read ${target.length} bytes at ${position} of ${this.path}`,
        new Error(`the file ends after ${length}`),
      );
    }
  }

  #noteUnread(position: number, length: number): void {
    (this.#unread ??= new UnreadBytes()).add(position, position + length);
  }

  /** Cuts off what lies at `position`, where a batch begins, and beyond, and forgets it. */
  truncate(position: number): void {
    const { index } = this;
    // What the files say of the batches that go must not be believed later.
    this.#forgetStored();
    removeIndex(this.#files, this.path);
    this.file.truncate(position);
    this.isDirty = true;
    this.#cuts++;
    this.#unread = null;
    this.#places.clear();
    this.nextOffset = this.baseOffset;
    this.size = position;
    let scanner = this.#scanFrom(index.entryForPosition(position - 1), position);
    while (scanner.next()) this.nextOffset = scanner.lastOffset + 1;
    if (scanner.problem !== null) throw this.#damaged(scanner);
    index.truncate(position, this.nextOffset - this.baseOffset);
    this.#maxTimestamp = index.lastTimestamp;
    this.#maxTimestampOffset = this.baseOffset + Math.max(0, index.lastTimestampOffset);
    scanner = this.#scanFrom(index.entryForOffset(index.lastTimestampOffset), position);
    while (scanner.next()) {
      const timestamp = readMaxTimestamp(scanner.bytes, scanner.at);
      if (timestamp <= this.#maxTimestamp) continue;
      this.#maxTimestamp = timestamp;
      this.#maxTimestampOffset = scanner.lastOffset;
    }
    if (position === 0) this.#firstTimestamp = -1;
    this.aborted.truncate(this.nextOffset, this.baseOffset);
  }

  #scanFrom(entry: number, end: number): BatchScanner {
    const start = entry === -1 ? 0 : this.#index.positionAt(entry);
    return new BatchScanner(this.file, start, end, LOOKUP_WINDOW);
  }

  /** Drops bytes beyond the last whole batch, which a failed write may have left. */
  dropUnfinished(): void {
    this.file.truncate(this.size);
  }

  /** Whether something that was written may not be on the disk yet. */
  get needsSync(): boolean {
    return this.isDirty || this.#syncing !== null;
  }

  /** Resolves when all that was written before the call is on the disk. */
  async sync(): Promise<void> {
    // One at a time: hosts tell of a failure once, and it concerns all whose bytes it lost.
    while (this.#syncing !== null) await this.#syncing;
    if (!this.isDirty || this.#isClosed) return;
    // To open one of the two files may close the other: each is opened right before its own sync.
    const syncing = this.aborted.isDirty
      ? this.aborted.sync().then(() => this.#isClosed ? undefined : this.file.sync())
      : this.file.sync();
    this.isDirty = false;
    this.#syncing = syncing;
    try {
      await syncing;
    } catch (error) {
      this.isDirty = true;
      throw error;
    } finally {
      this.#syncing = null;
    }
  }

  /**
   * Writes the index to its files, unless they hold it or the segment is not named yet. For a segment
   * that is closed, or a process that ends: the largest timestamp of all gets its entry.
   */
  storeIndex(): void {
    if (this.#isStored || !this.#isLoaded || this.#isClosed || !this.isNamed) return;
    this.#index.appendTimestamp(this.#maxTimestamp, this.#maxTimestampOffset - this.baseOffset);
    try {
      storeIndex(this.#files, this.path, this.#index);
    } catch (error) {
      if (!(error instanceof FileError && PASSING.has(error.reason))) throw error;
      // It is built again when it is needed; a part of it must not pass for the whole.
      removeIndex(this.#files, this.path);
      return;
    }
    this.#isStored = true;
    this.#open.loaded(this, this.#index.byteLength);
  }

  /** Forgets the index, which is in its files. */
  unloadIndex(): void {
    if (!this.#isStored || !this.#isLoaded) return;
    this.#index.clear();
    this.#isLoaded = false;
    this.#open.unloaded(this);
  }

  /** Builds the index from the batches' headers, and writes it down where that is possible. */
  rebuildIndex(): void {
    this.#forgetStored();
    this.#index.clear();
    this.#isLoaded = true;
    this.#isTrusted = true;
    this.#maxTimestamp = -1;
    this.#maxTimestampOffset = this.baseOffset;
    this.#places.clear();
    const scanner = new BatchScanner(this.file, 0, this.size, WALK_WINDOW);
    while (scanner.next()) {
      const timestamp = readMaxTimestamp(scanner.bytes, scanner.at);
      this.#indexBatch(scanner.position, scanner.baseOffset, scanner.lastOffset, timestamp);
    }
    if (scanner.problem !== null) throw this.#damaged(scanner);
    this.#index.trim();
    try {
      this.storeIndex();
    } catch {
      // It serves from memory; a later start makes it anew.
      this.#forgetStored();
    }
  }

  #load(): void {
    this.#isLoaded = true;
    try {
      if (this.size > 0 && !loadIndex(this.#files, this, this.#index)) return this.rebuildIndex();
    } catch (error) {
      this.#isLoaded = false;
      throw error;
    }
    this.#isTrusted = false;
    this.#isStored = true;
    this.#maxTimestamp = this.#index.lastTimestamp;
    this.#maxTimestampOffset = this.baseOffset + Math.max(0, this.#index.lastTimestampOffset);
    this.#open.loaded(this, this.#index.byteLength);
  }

  /** The index is about to change, or is not to be believed. */
  #forgetStored(): void {
    this.#isStored = false;
    this.#open.unloaded(this);
  }

  /** The index led `scanner` astray: makes it anew, or throws where it cannot be the cause. */
  #rebuildOrThrow(scanner: BatchScanner): void {
    if (this.#isTrusted) throw this.#damaged(scanner);
    this.rebuildIndex();
  }

  /** Its directory has got another name; no file of it may be open. */
  moveTo(path: string): void {
    this.path = path;
    this.aborted.path = siblingPath(path, ".txnindex");
  }

  /** Gives its files other names: the `.log` becomes `path`, what belongs to it goes along. */
  rename(path: string): void {
    this.closeFile();
    this.aborted.letGo();
    const from = this.path;
    this.#files.rename(from, path);
    this.moveTo(path);
    for (const suffix of [".txnindex", ".index", ".timeindex"]) {
      const sibling = siblingPath(from, suffix);
      if (this.#files.exists(sibling)) this.#files.rename(sibling, siblingPath(path, suffix));
    }
  }

  /**
   * Once the directory entry of the `.log` is durable, creates an empty `.index` where there is none,
   * as the active segment of Apache Kafka always has. If the `.log` is missing at a start, that tells
   * of it. `isWhole`: stores the index, where recovery has rebuilt it and could not store it yet.
   */
  placeIndex(isWhole = false): void {
    const path = siblingPath(this.path, ".index");
    try {
      if (isWhole) this.storeIndex();
      if (!this.#files.exists(path)) this.#files.open(path, "create").close();
    } catch (error) {
      // The log does without: only a file that somebody removes would not be missed.
      if (!(error instanceof FileError)) throw error;
    }
  }

  /** Removes the files of its index, from which nothing is read any more. */
  removeIndexFiles(): void {
    removeIndex(this.#files, this.path);
  }

  /**
   * Removes its files. It must be closed. When it is not urgent, the `.log` only gets the name of
   * one that was deleted, which a start removes, and goes while the event loop goes on.
   */
  removeFiles(isUrgent = true): void {
    const files = this.#files;
    const isAside = this.path.endsWith(DELETED_SUFFIX);
    const aside = isAside ? this.path : this.path + DELETED_SUFFIX;
    if (isUrgent || files.removeLater === undefined || !isAside && files.exists(aside)) {
      files.remove(this.path);
    } else {
      if (!isAside) files.rename(this.path, aside);
      files.removeLater(aside).catch(() => {});
    }
    removeIndex(this.#files, this.path);
    this.aborted.remove();
  }

  /** Closes the file until it is needed again. */
  closeFile(): void {
    this.#file?.close();
    this.#file = null;
    this.#open.closed(this);
  }

  /** Lets the file go until it is needed again. */
  release(): void {
    this.closeFile();
  }

  /** Closes the file for good. Reading fails from now on. */
  close(): void {
    this.closeFile();
    this.aborted.letGo();
    this.#open.unloaded(this);
    this.#isClosed = true;
  }

  #damaged(scanner: BatchScanner): Error {
    return storageError(
      `Cannot read the batch at byte ${scanner.nextPosition} of ${this.path}`,
      new Error(scanner.problem ?? "the index does not fit the file"),
    );
  }
}
