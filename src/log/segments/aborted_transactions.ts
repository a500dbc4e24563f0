/**
 * The aborted transactions whose marker is in one segment, stored in its `.txnindex`. Consumers
 * that read committed records skip their records. The file is created with the first entry.
 *
 * @module
 */
import type { FileSystem } from "../../runtime/runtime.ts";
import { readWhole, writeWhole } from "./index_storage.ts";
import { DurableFile } from "../text_file.ts";
import {
  ABORTED_TRANSACTION_BYTES,
  type AbortedTransaction,
  decodeTransactionIndex,
  encodeAbortedTransaction,
} from "./transaction_index_format.ts";

/** The list of one segment. Methods throw a `FileError` if the file operation fails. */
export class AbortedTransactions {
  /** Null until the file has been read. */
  #entries: AbortedTransaction[] | null;
  #hasFile: boolean;
  readonly #files: FileSystem;
  readonly #file: DurableFile;

  /** Creates the list of the file at `path`, or an empty one if `hasFile` is false. */
  constructor(files: FileSystem, path: string, hasFile: boolean) {
    this.#files = files;
    this.#file = new DurableFile(files, path);
    this.#hasFile = hasFile;
    this.#entries = hasFile ? null : [];
  }

  /** The path of the file, which may not exist. */
  get path(): string {
    return this.#file.path;
  }

  /** Must be set after the directory was renamed. */
  set path(path: string) {
    this.#file.path = path;
  }

  /** Whether something was written since the last sync started. */
  get isDirty(): boolean {
    return this.#file.isDirty;
  }

  /** Whether there may be entries. Does not read the file. */
  get mayHaveSome(): boolean {
    return this.#entries === null || this.#entries.length > 0;
  }

  /**
   * Returns the entries in the order of their markers, or null if the file is invalid and must be
   * rebuilt from the log. `baseOffset` and `nextOffset` are the start and the end of the segment.
   */
  entries(baseOffset: number, nextOffset: number): readonly AbortedTransaction[] | null {
    if (this.#entries !== null) return this.#entries;
    const bytes = readWhole(this.#files, this.path) ?? new Uint8Array(0);
    const { entries, problem } = decodeTransactionIndex(bytes);
    const isStray = entries.some(({ lastOffset }) =>
      lastOffset < baseOffset || lastOffset >= nextOffset
    );
    if (problem !== null || isStray) return null;
    return this.#entries = [...entries];
  }

  /**
   * Appends an entry, whose marker is after all others. Returns whether the file was created for
   * it.
   */
  append(transaction: AbortedTransaction, baseOffset: number, nextOffset: number): boolean {
    const entries = this.entries(baseOffset, nextOffset) as AbortedTransaction[] | null;
    // An invalid file is rebuilt before its next use.
    if (entries === null) return false;
    const isNew = !this.#hasFile;
    const file = this.#files.open(this.path, "create");
    this.#hasFile = true;
    this.#file.isDirty = true;
    try {
      const at = entries.length * ABORTED_TRANSACTION_BYTES;
      file.writeAt(encodeAbortedTransaction(transaction), at);
    } finally {
      file.close();
    }
    entries.push(transaction);
    return isNew;
  }

  /** Replaces all entries, also in the file. */
  replace(entries: readonly AbortedTransaction[]): void {
    this.#entries = [...entries];
    if (entries.length === 0) return this.remove();
    const bytes = new Uint8Array(entries.length * ABORTED_TRANSACTION_BYTES);
    for (const [i, entry] of entries.entries()) {
      bytes.set(encodeAbortedTransaction(entry), i * ABORTED_TRANSACTION_BYTES);
    }
    writeWhole(this.#files, this.path, bytes);
    this.#hasFile = true;
    this.#file.isDirty = true;
  }

  /** Removes the entries whose marker is at or above `offset`. */
  truncate(offset: number, baseOffset: number): void {
    if (!this.mayHaveSome) return;
    const entries = this.entries(baseOffset, Infinity) ?? [];
    const kept = entries.filter(({ lastOffset }) => lastOffset < offset);
    if (kept.length === entries.length && kept.length > 0) return;
    if (kept.length === 0) return this.replace(kept);
    // A full disk has no space for a new file.
    this.#file.closeFile();
    const file = this.#files.open(this.path, "write");
    try {
      file.truncate(kept.length * ABORTED_TRANSACTION_BYTES);
    } finally {
      file.close();
    }
    this.#entries = kept;
    this.#file.isDirty = true;
  }

  /** Resolves when everything written is durable. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Closes the file, before it is renamed or when the log is closed. */
  closeFile(): void {
    this.#file.closeFile();
  }

  /** Removes the file. */
  remove(): void {
    this.#file.closeFile();
    if (this.#hasFile) this.#files.remove(this.path);
    this.#hasFile = false;
    this.#file.isDirty = false;
  }
}
