/**
 * The aborted transactions whose marker lies in one segment, kept in its `.txnindex`: those who read
 * committed records only are told to leave their records out. The file is made when the first one
 * comes.
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

/** The list of one segment. Methods throw a `FileError` when the file fails. */
export class AbortedTransactions {
  /** Null while the file has not been read. */
  #entries: AbortedTransaction[] | null;
  #hasFile: boolean;
  readonly #files: FileSystem;
  readonly #file: DurableFile;

  /** The list that is in the file at `path`; an empty one where `hasFile` says that there is none. */
  constructor(files: FileSystem, path: string, hasFile: boolean) {
    this.#files = files;
    this.#file = new DurableFile(files, path);
    this.#hasFile = hasFile;
    this.#entries = hasFile ? null : [];
  }

  /** Where the file is, or would be. */
  get path(): string {
    return this.#file.path;
  }

  /** The file has moved, its directory having got another name. */
  set path(path: string) {
    this.#file.path = path;
  }

  /** Whether something was written since the last sync began. */
  get isDirty(): boolean {
    return this.#file.isDirty;
  }

  /** Whether there may be some, without a look at the file. */
  get mayHaveSome(): boolean {
    return this.#entries === null || this.#entries.length > 0;
  }

  /**
   * All of them, in the order of their markers; null when the file makes no sense and has to be made
   * anew from the log. `baseOffset` and `nextOffset` are where the segment begins and ends.
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

  /** Adds one, whose marker is behind those of all others. True when the file was made for it. */
  append(transaction: AbortedTransaction, baseOffset: number, nextOffset: number): boolean {
    const entries = this.entries(baseOffset, nextOffset) as AbortedTransaction[] | null;
    // A file that makes no sense is made anew before anybody reads it.
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

  /** Puts `entries` in the place of everything known, in the file too. */
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

  /** Forgets those whose marker is at `offset` or behind it. */
  truncate(offset: number, baseOffset: number): void {
    if (!this.mayHaveSome) return;
    const entries = this.entries(baseOffset, Infinity) ?? [];
    const kept = entries.filter(({ lastOffset }) => lastOffset < offset);
    if (kept.length === entries.length && kept.length > 0) return;
    if (kept.length === 0) return this.replace(kept);
    // A full disk has no room for a new file.
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

  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** The file is about to be renamed, or the log is closed: nobody may have it open. */
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
