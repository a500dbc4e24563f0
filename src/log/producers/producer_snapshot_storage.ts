/**
 * The snapshots of a log's producers: `<offset>.snapshot` says what was known of them from the batches
 * below that offset. Opening a log loads the newest that is whole and reads the log only from there.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer_snapshot_format.ts";
import type { ProducerState } from "./producer_state.ts";
import { readWhole, writeWhole } from "../segments/index_storage.ts";
import { DurableFile } from "../text_file.ts";

/** The offset of the snapshot named `name`, or -1 for a file of another kind. */
export function snapshotOffsetOf(name: string): number {
  if (!/^\d{20}\.snapshot$/.test(name)) return -1;
  const offset = Number(name.slice(0, 20));
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** The snapshots in one log's directory. Methods throw a `FileError`. */
export class ProducerSnapshots {
  readonly #files: FileSystem;
  #directory: string;
  /** Rising. */
  #offsets: number[] = [];
  readonly #dirty = new Map<number, DurableFile>();

  /** No snapshots in `directory` that are known of yet. */
  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** The offsets that there are snapshots for, rising. */
  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** Takes in the snapshots among the files named `names`. */
  find(names: Iterable<string>): void {
    this.#offsets = [...names].map(snapshotOffsetOf).filter((offset) => offset >= 0)
      .sort((one, other) => one - other);
  }

  /**
   * Fills `producers` from the newest whole snapshot that lies from `from` to `to`, both included, and
   * returns its offset; `from`, with nobody known, where there is none. Those that are damaged go.
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

  /** Writes down what is known at `offset`, unless there is a snapshot for it. */
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

  /** Removes the snapshots of offsets above `offset`: the log was cut there. */
  removeAbove(offset: number): void {
    for (const stored of this.#offsets.filter((stored) => stored > offset)) this.#remove(stored);
  }

  /**
   * Removes those that nobody needs any more: below the first segment, and those in the middle of a
   * segment, except for the newest of all.
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
   * Removes those that a loss of power has left in part: nobody may have synced an older one. Those
   * above `offset` are brought to the disk with the next sync: the last process may not have done it.
   */
  settleAbove(offset: number): void {
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

  /** Whether {@linkcode ProducerSnapshots.sync} has anything to do. */
  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Resolves when every snapshot is on the disk. */
  async sync(): Promise<void> {
    for (const [offset, file] of [...this.#dirty]) {
      await file.sync();
      // It may have been removed meanwhile, and made anew.
      if (this.#dirty.get(offset) === file) this.#dirty.delete(offset);
    }
  }

  /** Nobody may have a file of it open now. */
  closeFiles(): void {
    for (const file of this.#dirty.values()) file.closeFile();
  }

  /** The directory has got another name. */
  moveTo(directory: string): void {
    this.#directory = directory;
    this.#dirty.clear();
  }

  #note(offset: number): void {
    const file = new DurableFile(this.#files, this.#path(offset));
    file.isDirty = true;
    this.#dirty.set(offset, file);
  }

  /** A full disk may have left the beginning of one. */
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
