/**
 * One segment of a partition's log: a file of whole record batches, named by the offset that it begins
 * at, with Kafka's index files beside it. Nothing here interprets the batches. A closed file is opened,
 * and its index loaded, when it is needed.
 *
 * @module
 */
import type { Int64 } from "../../protocol/int64.ts";
import { readMaxTimestamp } from "../../protocol/records/batch.ts";
import { FileError, type FileHandle, type FileSystem } from "../../runtime/runtime.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { DELETED_SUFFIX } from "../compaction/swap_files.ts";
import { asKafkaError, storageError } from "../storage_error.ts";
import { AbortedTransactions } from "./aborted_transactions.ts";
import { BatchScanner, LOOKUP_WINDOW } from "./batch_scanner.ts";
import { removeIndex, siblingPath } from "./index_storage.ts";
import { type LogRecords, SegmentSlice } from "./log_records.ts";
import { OpenSegments } from "./open_segments.ts";
import { damagedBatch, type IndexOwner, SegmentIndex } from "./segment_index.ts";
import { UnreadBytes } from "./unread_bytes.ts";

/** Returns the base offset of the segment file `name`, or -1 for a file of another kind. */
export function baseOffsetOf(name: string): number {
  if (!/^\d{20}\.log$/.test(name)) return -1;
  const offset = Number(name.slice(0, 20));
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** Returns the name of the segment file that begins at `baseOffset`: 20 digits and `.log`. */
export function segmentFileName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, "0")}.log`;
}

/** A first timestamp that has not been read. */
const NOT_READ = -2;

/** The optional parameters of a segment. */
export interface SegmentOptions {
  /** Counts open files. Defaults to a count of its own. */
  readonly open?: OpenSegments;
  /** Whether it has a `.txnindex`. Defaults to false. */
  readonly hasTransactionIndex?: boolean;
  /** The initial value of {@linkcode Segment.hasDurableName}. Defaults to false. */
  readonly hasDurableName?: boolean;
}

/** A segment file with its index. Methods throw a `FileError` when the file fails. */
export class Segment implements IndexOwner {
  /** The size of the whole batches in the file, bytes: the position of the next batch. */
  size = 0;
  /** The offset after the last record's. */
  nextOffset: number;
  /** How much `segment.ms` is shortened for this segment, ms. */
  rollJitterMs = 0;
  /** Whether something was written since the last sync began. */
  isDirty = false;
  /**
   * Whether the directory entry of its `.log` is durable. Until then it gets no index file: an index
   * that outlives its log in a power failure looks as if the log had been removed.
   */
  hasDurableName: boolean;
  /** The turn at which its file was last used; see {@linkcode OpenSegments}. */
  lastUsed = 0;
  /** Finds its batches. */
  readonly index: SegmentIndex;
  /** The aborted transactions whose marker is in it. */
  readonly aborted: AbortedTransactions;

  readonly #files: FileSystem;
  readonly #open: OpenSegments;
  #firstTimestamp: Int64 = -1;
  #file: FileHandle | null = null;
  #isClosed = false;
  /** The running sync. */
  #syncing: Promise<void> | null = null;
  /** The number of responses being sent that carry bytes of it. */
  #holders = 0;
  /** The number of truncations, by which a slice detects that its bytes may have been replaced. */
  #cuts = 0;
  /** Bytes that could not be read when they were to be sent. */
  #unread: UnreadBytes | null = null;

  /** A segment over the file at `path`, created by the first write. Reads nothing yet. */
  constructor(
    files: FileSystem,
    /** The file, which {@linkcode Segment.moveTo} may change. */
    public path: string,
    /** The offset that it begins at. */
    readonly baseOffset: number,
    /** When this process created or opened it, ms since 1970: the age of one without timestamps. */
    readonly createdMs: number,
    indexIntervalBytes: number,
    options: SegmentOptions = {},
  ) {
    this.#files = files;
    this.#open = options.open ?? new OpenSegments();
    this.hasDurableName = options.hasDurableName ?? false;
    this.nextOffset = baseOffset;
    this.index = new SegmentIndex(files, this, indexIntervalBytes, this.#open);
    this.aborted = new AbortedTransactions(
      files,
      siblingPath(path, ".txnindex"),
      options.hasTransactionIndex ?? false,
    );
  }

  /** The file, opened when it is needed. */
  get file(): FileHandle {
    this.lastUsed = this.#open.use();
    return this.#file ?? this.#openFile();
  }

  /** Reads the file over several turns of the event loop, between which it may have to be closed. */
  get reader(): Pick<FileHandle, "readAt"> {
    return { readAt: (target, position) => this.file.readAt(target, position) };
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

  /** Whether its file must stay open now. */
  get isBusy(): boolean {
    return this.#syncing !== null;
  }

  /** Whether its index files may be created. */
  get mayWriteIndex(): boolean {
    return this.hasDurableName && !this.#isClosed;
  }

  /** The largest timestamp of its first batch, from which `segment.ms` counts, or -1. */
  get firstTimestamp(): Int64 {
    if (this.#firstTimestamp === NOT_READ) this.#readFirstTimestamp();
    return this.#firstTimestamp;
  }

  #readFirstTimestamp(): void {
    const scanner = new BatchScanner(this.file, 0, this.size, LOOKUP_WINDOW);
    if (!scanner.next()) throw damagedBatch(this.path, scanner);
    this.#firstTimestamp = readMaxTimestamp(scanner.bytes, scanner.at);
  }

  /**
   * Adopts a file that was found with `size` bytes of whole batches, the last of which ends before
   * `nextOffset`. Their index is loaded from its files when it is needed, or rebuilt from the headers.
   */
  *adopt(size: number, nextOffset: number, hasIndexFiles: boolean): Steps<void> {
    this.size = size;
    this.nextOffset = nextOffset;
    this.#firstTimestamp = size === 0 ? -1 : NOT_READ;
    yield* this.index.adopt(hasIndexFiles);
  }

  /** Writes `bytes`, whole batches, at the end. {@linkcode Segment.addBatch} makes them visible. */
  write(bytes: Uint8Array): void {
    this.isDirty = true;
    this.file.writeAt(bytes, this.size);
  }

  /**
   * Loads what {@linkcode Segment.addBatch} needs, so that it reads no file: the batch is in the
   * scratch memory that reading would use.
   */
  prepareAppend(): void {
    this.index.load();
    if (this.#firstTimestamp === NOT_READ) this.#readFirstTimestamp();
  }

  /**
   * Adds the batch of `size` bytes that has been written, or was found, at the end. Call
   * {@linkcode Segment.prepareAppend} first.
   */
  addBatch(size: number, baseOffset: number, lastOffset: number, maxTimestamp: Int64): void {
    const position = this.size;
    this.index.add(position, baseOffset, lastOffset, maxTimestamp);
    if (position === 0) this.#firstTimestamp = maxTimestamp;
    this.size = position + size;
    this.nextOffset = lastOffset + 1;
  }

  /** Returns the bytes from `start` to `end`, which are read when they are copied. */
  slice(start: number, end: number): LogRecords {
    this.#unread?.readAgain(start, end, (target, at) => this.copy(target, at, this.#cuts));
    return new SegmentSlice(this, start, end - start, this.#cuts);
  }

  /** Keeps its file from being removed while a response with bytes of it is sent. */
  hold(): void {
    this.#holders++;
  }

  /** Ends one {@linkcode Segment.hold}. */
  release(): void {
    this.#holders--;
  }

  /** Whether a response with bytes of it is being sent. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** Fills `target` from `position`. Throws KAFKA_STORAGE_ERROR when the bytes no longer exist. */
  copy(target: Uint8Array, position: number, cuts: number): void {
    if (cuts !== this.#cuts) {
      throw storageError(
        `Cannot read ${this.path}`,
        new Error("the log was truncated in the meantime"),
      );
    }
    let length: number;
    try {
      length = this.file.readAt(target, position);
    } catch (error) {
      this.#addUnread(position, target.length);
      throw asKafkaError(`Cannot read ${this.path}`, error);
    }
    if (length < target.length) {
      this.#addUnread(position, target.length);
      throw storageError(
        `Cannot read ${target.length} bytes at ${position} of ${this.path}`,
        new Error(`the file ends after ${length}`),
      );
    }
  }

  #addUnread(position: number, length: number): void {
    (this.#unread ??= new UnreadBytes()).add(position, position + length);
  }

  /** Cuts off everything from `position`, where a batch begins. */
  truncate(position: number): void {
    this.index.prepareTruncation();
    this.file.truncate(position);
    this.isDirty = true;
    this.#cuts++;
    this.#unread = null;
    this.nextOffset = this.baseOffset;
    this.size = position;
    this.nextOffset = this.index.truncate(position);
    if (position === 0) this.#firstTimestamp = -1;
    this.aborted.truncate(this.nextOffset, this.baseOffset);
  }

  /** Cuts off bytes behind the last whole batch, which a failed write may have left. */
  dropUnfinished(): void {
    this.file.truncate(this.size);
  }

  /** Whether something that was written may not be durable yet. */
  get needsSync(): boolean {
    return this.isDirty || this.#syncing !== null;
  }

  /** Resolves when everything written before the call is durable. */
  async sync(): Promise<void> {
    // One at a time: hosts report a failure once, and it concerns all writes that were lost.
    while (this.#syncing !== null) await this.#syncing;
    if (!this.isDirty || this.#isClosed) return;
    // Opening one of the two files may close the other: each is opened right before its own sync.
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

  /** Frees the memory of the index, if its files hold it. */
  unloadIndex(): void {
    this.index.unload();
  }

  /** Follows its directory, which was renamed. None of its files may be open. */
  moveTo(path: string): void {
    this.path = path;
    this.aborted.path = siblingPath(path, ".txnindex");
  }

  /** Renames its files: the `.log` to `path`, the others accordingly. */
  rename(path: string): void {
    this.closeFile();
    this.aborted.closeFile();
    const from = this.path;
    this.#files.rename(from, path);
    this.moveTo(path);
    for (const suffix of [".txnindex", ".index", ".timeindex"]) {
      const sibling = siblingPath(from, suffix);
      if (this.#files.exists(sibling)) this.#files.rename(sibling, siblingPath(path, suffix));
    }
  }

  /**
   * Once the directory entry of the `.log` is durable, creates an empty `.index` as a marker, as the
   * active segment of Apache Kafka always has one: a start that finds it without its `.log` knows that
   * the `.log` was removed. `isComplete`: writes the index, which recovery has rebuilt.
   */
  createMarker(isComplete = false): void {
    const path = siblingPath(this.path, ".index");
    try {
      if (isComplete) this.index.write();
      if (!this.#files.exists(path)) this.#files.open(path, "create").close();
    } catch (error) {
      // Best effort: without this file, a removed segment cannot be detected at the next start.
      if (!(error instanceof FileError)) throw error;
    }
  }

  /**
   * Removes its files. It must be closed. When it is not urgent, the `.log` is only renamed to that of
   * a deleted segment, which a start removes, and is removed in the background.
   */
  removeFiles(isUrgent = true): void {
    const files = this.#files;
    const isRenamed = this.path.endsWith(DELETED_SUFFIX);
    const target = isRenamed ? this.path : this.path + DELETED_SUFFIX;
    if (isUrgent || files.removeLater === undefined || !isRenamed && files.exists(target)) {
      files.remove(this.path);
    } else {
      if (!isRenamed) files.rename(this.path, target);
      files.removeLater(target).catch(() => {});
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

  /** Closes the file for good. Reading fails from now on. */
  close(): void {
    this.closeFile();
    this.aborted.closeFile();
    this.#open.unloaded(this);
    this.#isClosed = true;
  }
}
