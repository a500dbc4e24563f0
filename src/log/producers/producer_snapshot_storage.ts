/**
 * The snapshots of a log's producer state: `<offset>.snapshot` holds the state from the batches
 * below that offset. Opening a log loads the newest intact snapshot and replays the log from there.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer_snapshot_format.ts";
import type { ProducerState } from "./producer_state.ts";
import { readWhole, writeWhole } from "../segments/index_storage.ts";
import { DurableFile } from "../text_file.ts";

/** Returns the offset of the snapshot named `name`, or -1 for another kind of file. */
export function snapshotOffsetOf(name: string): number {
  if (!/^\d{20}\.snapshot$/.test(name)) return -1;
  const offset = Number(name.slice(0, 20));
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** The snapshots in one log's directory. Methods throw a `FileError`. */
export class ProducerSnapshots {
  readonly #files: FileSystem;
  #directory: string;
  /** In rising order. */
  #offsets: number[] = [];
  readonly #dirty = new Map<number, DurableFile>();

  /** Creates a list without snapshots. {@linkcode ProducerSnapshots.find} adds existing files. */
  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** The offsets of the snapshots, in rising order. */
  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** Adds the snapshots among the files `names`. */
  find(names: Iterable<string>): void {
    this.#offsets = [...names].map(snapshotOffsetOf).filter((offset) => offset >= 0)
      .sort((one, other) => one - other);
  }

  /**
   * Restores `producers` from the newest intact snapshot in `[from, to]` and returns its offset.
   * Without one, clears them and returns `from`. Damaged snapshots are removed.
   */
  restore(producers: ProducerState, from: number, to: number, nowMs: number): number {
    producers.clear();
    for (let i = this.#offsets.length - 1; i >= 0; i--) {
      const offset = this.#offsets[i]!;
      if (offset > to) continue;
      if (offset < from) break;
      const path = this.#path(offset);
      try {
        producers.restore(
          decodeProducerSnapshot(readWhole(this.#files, path) ?? new Uint8Array(0), path),
          nowMs,
        );
        return offset;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.#remove(offset);
      }
    }
    return from;
  }

  /** Writes a snapshot at `offset`, unless there is one. */
  take(offset: number, producers: ProducerState): void {
    if (this.#offsets.includes(offset)) return;
    const path = this.#path(offset);
    try {
      writeWhole(this.#files, path, encodeProducerSnapshot(producers.snapshot()));
    } catch (error) {
      this.#dropUnfinished(path);
      throw error;
    }
    this.#note(offset);
    this.#offsets.push(offset);
    this.#offsets.sort((one, other) => one - other);
  }

  /** Removes the snapshots above `offset`, after truncation. */
  removeAbove(offset: number): void {
    for (const stored of this.#offsets.filter((stored) => stored > offset)) this.#remove(stored);
  }

  /**
   * Removes the snapshots that are not needed: those below the first segment, and those that are
   * not at the start of a segment, except for the newest of all.
   */
  removeObsolete(baseOffsets: readonly number[]): void {
    const needed = new Set(baseOffsets);
    const newest = this.#offsets.at(-1);
    for (const offset of [...this.#offsets]) {
      if (needed.has(offset)) continue;
      if (offset === newest && offset > baseOffsets[0]!) continue;
      this.#remove(offset);
    }
  }

  /**
   * Removes snapshots that a power failure has left incomplete; even old ones may never have been
   * synced. Those above `offset` are marked for the next sync, since the last process may not have
   * synced them.
   */
  removeIncomplete(offset: number): void {
    for (const stored of [...this.#offsets]) {
      const path = this.#path(stored);
      try {
        decodeProducerSnapshot(readWhole(this.#files, path) ?? new Uint8Array(0), path);
        if (stored > offset) this.#note(stored);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.#remove(stored);
      }
    }
  }

  /** Whether {@linkcode ProducerSnapshots.sync} has work to do. */
  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Resolves when every snapshot is durable. */
  async sync(): Promise<void> {
    for (const [offset, file] of [...this.#dirty]) {
      await file.sync();
      // During the sync it may have been removed and written again.
      if (this.#dirty.get(offset) === file) this.#dirty.delete(offset);
    }
  }

  /** Closes the files that are open for a sync. */
  closeFiles(): void {
    for (const file of this.#dirty.values()) file.closeFile();
  }

  /** Must be called after the directory was renamed. */
  moveTo(directory: string): void {
    this.#directory = directory;
    this.#dirty.clear();
  }

  #note(offset: number): void {
    const file = new DurableFile(this.#files, this.#path(offset));
    file.isDirty = true;
    this.#dirty.set(offset, file);
  }

  /** Removes a file that a full disk may have left incomplete. */
  #dropUnfinished(path: string): void {
    try {
      this.#files.remove(path);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }

  #path(offset: number): string {
    return `${this.#directory}/${String(offset).padStart(20, "0")}.snapshot`;
  }

  #remove(offset: number): void {
    this.#dirty.get(offset)?.forget();
    this.#dirty.delete(offset);
    this.#files.remove(this.#path(offset));
    this.#offsets = this.#offsets.filter((stored) => stored !== offset);
  }
}
