/**
 * The index of one segment: finds batches by offset, position and timestamp. It is kept in memory,
 * written to Kafka's index files when the segment is closed, loaded from them when it is needed, and
 * rebuilt from the batches' headers when they are missing or wrong.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { atOnce, type Steps } from "../../protocol/records/compression/steps.ts";
import { readMaxTimestamp } from "../../protocol/records/batch.ts";
import { FileError, type FileHandle, type FileSystem } from "../../runtime/runtime.ts";
import { storageError } from "../storage_error.ts";
import { BatchIndex } from "./batch_index.ts";
import { BatchScanner, LOOKUP_WINDOW, WALK_WINDOW } from "./batch_scanner.ts";
import { type IndexedFile, loadIndex, removeIndex, writeIndex } from "./index_storage.ts";
import type { CountedSegment, OpenSegments } from "./open_segments.ts";
import { ReaderPlaces } from "./reader_places.ts";

/** Reasons why a file cannot be created now and may be created later. */
const TRANSIENT: ReadonlySet<FileError["reason"]> = new Set(["no-space", "too-many-open"]);

/** The segment of an index. */
export interface IndexOwner extends IndexedFile, CountedSegment {
  /** Reads the file, over several turns of the event loop. */
  readonly reader: Pick<FileHandle, "readAt">;
  /** Whether the index files may be created: see `Segment.hasDurableName`. */
  readonly mayWriteIndex: boolean;
}

/** The index of one segment. Methods throw a `FileError` when files fail. */
export class SegmentIndex {
  readonly #files: FileSystem;
  readonly #owner: IndexOwner;
  readonly #intervalBytes: number;
  readonly #open: OpenSegments;
  readonly #entries = new BatchIndex();
  #isLoaded = true;
  /** Whether the index files hold the same entries. */
  #isWritten = false;
  /** Whether this process built the entries from the batches, so that they cannot be wrong. */
  #isTrusted = true;
  #maxTimestamp: Int64 = -1;
  /** The last offset of the batch that has the largest timestamp. */
  #maxTimestampOffset: number;
  readonly #places = new ReaderPlaces();

  /** An empty index of `owner` with an entry for about every `intervalBytes`. */
  constructor(files: FileSystem, owner: IndexOwner, intervalBytes: number, open: OpenSegments) {
    this.#files = files;
    this.#owner = owner;
    this.#intervalBytes = intervalBytes;
    this.#open = open;
    this.#maxTimestampOffset = owner.baseOffset;
  }

  /** The entries, loaded when they are not in memory. */
  get #loaded(): BatchIndex {
    if (!this.#isLoaded) this.load();
    return this.#entries;
  }

  /** The largest timestamp of the batches, ms, or -1. */
  get maxTimestamp(): Int64 {
    if (!this.#isLoaded) this.load();
    return this.#maxTimestamp;
  }

  /** Adopts the batches of a segment that was found, whose index files are loaded later if it has any. */
  *adopt(hasIndexFiles: boolean): Steps<void> {
    if (this.#owner.size === 0) this.#isWritten = hasIndexFiles;
    else if (hasIndexFiles) this.#isLoaded = false;
    else yield* this.#rebuild();
  }

  /** Adds a batch at the end. The index must be loaded: loading reuses the memory of the batch. */
  add(position: number, baseOffset: number, lastOffset: number, maxTimestamp: Int64): void {
    assert(this.#isLoaded, "the segment was not prepared for an append");
    if (this.#isWritten) this.#invalidateFiles();
    this.#add(position, baseOffset, lastOffset, maxTimestamp);
  }

  #add(position: number, first: number, last: number, maxTimestamp: Int64): void {
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp;
      this.#maxTimestampOffset = last;
    }
    const entries = this.#entries;
    if (position - entries.lastPosition > this.#intervalBytes) {
      const { baseOffset } = this.#owner;
      entries.append(first - baseOffset, last - baseOffset, position);
      entries.appendTimestamp(this.#maxTimestamp, this.#maxTimestampOffset - baseOffset);
    }
  }

  /**
   * Returns the position of the first batch that ends at `offset` or after it: the one that holds
   * `offset`, or where compaction left a gap, the next. The segment's size when there is none.
   */
  locate(offset: number): number {
    const { nextOffset, size, baseOffset } = this.#owner;
    if (offset >= nextOffset) return size;
    const remembered = this.#places.positionOf(offset);
    if (remembered !== -1) return remembered;
    const entries = this.#loaded;
    const relative = offset - baseOffset;
    const entry = entries.entryForOffset(relative);
    const following = entry + 1 < entries.length ? entries.firstOffsetAt(entry + 1) : -1;
    if (following !== -1 && following <= relative) return entries.positionAt(entry + 1);
    const start = entry === -1 ? 0 : entries.positionAt(entry);
    if (
      entry !== -1 && entries.lastOffsetAt(entry) === relative &&
      entries.firstOffsetAt(entry) !== -1
    ) {
      return start;
    }
    const scanner = new BatchScanner(this.#owner.file, start, size, LOOKUP_WINDOW);
    let isFirst = entry !== -1;
    while (scanner.next()) {
      if (isFirst && scanner.lastOffset > baseOffset + entries.lastOffsetAt(entry)) break;
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
   * Returns where a read of whole batches from `start` (the position of a batch) ends: at most
   * `maxBytes` later and before the batch that holds `endOffset`. If `minOneBatch`, at least one batch
   * is read, however large. Returns `start` itself when nothing may be read.
   */
  endOfRange(start: number, maxBytes: number, endOffset: number, minOneBatch: boolean): number {
    const { nextOffset, size } = this.#owner;
    const limit = endOffset >= nextOffset ? size : this.locate(endOffset);
    if (limit <= start) return start;
    if (limit - start <= maxBytes) {
      if (limit === size) this.#places.remember(nextOffset, limit);
      return limit;
    }
    const target = start + maxBytes;
    const entries = this.#loaded;
    const entry = entries.entryForPosition(target);
    const indexed = entry === -1 ? 0 : entries.positionAt(entry);
    if (indexed > start) {
      if (entries.firstOffsetAt(entry) === -1 && !this.#readFirstOffset(entry)) {
        return this.endOfRange(start, maxBytes, endOffset, minOneBatch);
      }
      return indexed;
    }
    // The range ends within one interval of the index: only the headers show where.
    const scanner = new BatchScanner(this.#owner.file, start, limit, LOOKUP_WINDOW);
    let end = start;
    while (scanner.next()) {
      if (scanner.nextPosition > target && !(minOneBatch && end === start)) break;
      end = scanner.nextPosition;
      this.#places.remember(scanner.lastOffset + 1, end);
      if (end >= target) break;
    }
    if (scanner.problem !== null) throw damagedBatch(this.#owner.path, scanner);
    return end;
  }

  /**
   * Reads the first offset of the batch of a loaded entry, so that a read from there need not search.
   * Returns false when the index was wrong and has been rebuilt.
   */
  #readFirstOffset(entry: number): boolean {
    const { file, size, baseOffset } = this.#owner;
    const entries = this.#entries;
    const scanner = new BatchScanner(file, entries.positionAt(entry), size, LOOKUP_WINDOW);
    if (scanner.next() && scanner.lastOffset <= baseOffset + entries.lastOffsetAt(entry)) {
      entries.setFirstOffset(entry, scanner.baseOffset - baseOffset);
      return true;
    }
    this.#rebuildOrThrow(scanner);
    return false;
  }

  /** An upper bound of the offsets before position `end`, where a read ended. */
  offsetBoundAt(end: number): number {
    const entries = this.#loaded;
    const entry = entries.entryForPosition(end - 1) + 1;
    const { baseOffset, nextOffset } = this.#owner;
    return entry < entries.length ? baseOffset + entries.lastOffsetAt(entry) + 1 : nextOffset;
  }

  /** An offset before which no batch has a timestamp of at least `timestamp`. */
  offsetForTimestamp(timestamp: Int64): number {
    return this.#owner.baseOffset + this.#loaded.offsetForTimestamp(timestamp);
  }

  /** Loads the index, and removes its files: they must not outlive batches that are about to be cut. */
  prepareTruncation(): void {
    this.load();
    this.#invalidateFiles();
    removeIndex(this.#files, this.#owner.path);
  }

  /** Returns the offset after the last batch before `position`, the start of a batch. */
  endBefore(position: number): number {
    const { baseOffset, path } = this.#owner;
    let nextOffset = baseOffset;
    const scanner = this.#scanFrom(this.#loaded.entryForPosition(position - 1), position);
    while (scanner.next()) nextOffset = scanner.lastOffset + 1;
    if (scanner.problem !== null) throw damagedBatch(path, scanner);
    return nextOffset;
  }

  /** Removes the entries from `position` on, the new end of the file. Returns the next offset. */
  truncate(position: number): number {
    const { baseOffset } = this.#owner;
    const entries = this.#entries;
    this.#places.clear();
    const nextOffset = this.endBefore(position);
    entries.truncate(position, nextOffset - baseOffset);
    this.#maxTimestamp = entries.lastTimestamp;
    this.#maxTimestampOffset = baseOffset + Math.max(0, entries.lastTimestampOffset);
    const scanner = this.#scanFrom(entries.entryForOffset(entries.lastTimestampOffset), position);
    while (scanner.next()) {
      const timestamp = readMaxTimestamp(scanner.bytes, scanner.at);
      if (timestamp <= this.#maxTimestamp) continue;
      this.#maxTimestamp = timestamp;
      this.#maxTimestampOffset = scanner.lastOffset;
    }
    return nextOffset;
  }

  #scanFrom(entry: number, end: number): BatchScanner {
    const start = entry === -1 ? 0 : this.#entries.positionAt(entry);
    return new BatchScanner(this.#owner.file, start, end, LOOKUP_WINDOW);
  }

  /**
   * Writes the index to its files, unless they hold it or may not be created. For a segment that is
   * closed, or a process that ends: the largest timestamp of all gets its entry.
   */
  write(): void {
    const { mayWriteIndex, path, baseOffset } = this.#owner;
    if (this.#isWritten || !this.#isLoaded || !mayWriteIndex) return;
    this.#entries.appendTimestamp(this.#maxTimestamp, this.#maxTimestampOffset - baseOffset);
    try {
      writeIndex(this.#files, path, this.#entries);
    } catch (error) {
      if (!(error instanceof FileError && TRANSIENT.has(error.reason))) throw error;
      // It is rebuilt when it is needed; a part of it must not be taken for the whole.
      removeIndex(this.#files, path);
      return;
    }
    this.#isWritten = true;
    this.#open.loaded(this.#owner, this.#entries.byteLength);
  }

  /** Frees the memory of the index, if its files hold it. */
  unload(): void {
    if (!this.#isWritten || !this.#isLoaded) return;
    this.#entries.clear();
    this.#isLoaded = false;
    this.#open.unloaded(this.#owner);
  }

  /** Frees the memory that later entries would have used: the segment is closed. */
  trim(): void {
    this.#entries.trim();
  }

  /** Removes the index files, from which nothing is read any more. */
  removeFiles(): void {
    removeIndex(this.#files, this.#owner.path);
  }

  /** Builds the index from the batches' headers, and writes it where that is possible. */
  rebuild(): void {
    atOnce(this.#rebuild());
  }

  *#rebuild(): Steps<void> {
    const { reader, size, path, baseOffset } = this.#owner;
    this.#invalidateFiles();
    this.#entries.clear();
    this.#isLoaded = true;
    this.#isTrusted = true;
    this.#maxTimestamp = -1;
    this.#maxTimestampOffset = baseOffset;
    this.#places.clear();
    const scanner = new BatchScanner(reader, 0, size, WALK_WINDOW);
    while (scanner.next()) {
      const timestamp = readMaxTimestamp(scanner.bytes, scanner.at);
      this.#add(scanner.position, scanner.baseOffset, scanner.lastOffset, timestamp);
      if (scanner.mayPause) yield;
    }
    if (scanner.problem !== null) throw damagedBatch(path, scanner);
    this.#entries.trim();
    try {
      this.write();
    } catch {
      // It is used from memory, and a later start rebuilds it.
      this.#invalidateFiles();
    }
  }

  /** Loads the index from its files if it is not in memory. */
  load(): void {
    if (this.#isLoaded) return;
    const owner = this.#owner;
    this.#isLoaded = true;
    try {
      if (owner.size > 0 && !loadIndex(this.#files, owner, this.#entries)) return this.rebuild();
    } catch (error) {
      this.#isLoaded = false;
      throw error;
    }
    this.#isTrusted = false;
    this.#isWritten = true;
    this.#maxTimestamp = this.#entries.lastTimestamp;
    this.#maxTimestampOffset = owner.baseOffset + Math.max(0, this.#entries.lastTimestampOffset);
    this.#open.loaded(owner, this.#entries.byteLength);
  }

  /** The files are out of date, or wrong. */
  #invalidateFiles(): void {
    this.#isWritten = false;
    this.#open.unloaded(this.#owner);
  }

  /** Rebuilds the index, which led `scanner` to no batch, or throws when it cannot be the cause. */
  #rebuildOrThrow(scanner: BatchScanner): void {
    if (this.#isTrusted) throw damagedBatch(this.#owner.path, scanner);
    this.rebuild();
  }
}

/** The error for the batch that `scanner` could not read. */
export function damagedBatch(path: string, scanner: BatchScanner): Error {
  return storageError(
    `Cannot read the batch at byte ${scanner.nextPosition} of ${path}`,
    new Error(scanner.problem ?? "the index does not fit the file"),
  );
}
