/**
 * Small text files that are read and replaced as a whole: Kafka's checkpoints and property files.
 *
 * @module
 */
import { FileError, type FileHandle, type FileSystem } from "../runtime/runtime.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The maximum size of a file to read, bytes. A checkpoint of a million partitions takes about 64
 * MiB.
 */
const MAXIMUM_BYTES = 134_217_728;

/** Returns the text of the file, or null if it does not exist. Throws a `FileError`. */
export function readTextFile(files: FileSystem, path: string): string | null {
  const file = openExisting(files, path);
  if (file === null) return null;
  try {
    const bytes = new Uint8Array(Math.min(file.size(), MAXIMUM_BYTES));
    const text = decoder.decode(bytes.subarray(0, file.readAt(bytes, 0)));
    // A power failure may keep the length of a file and lose its content.
    return text.replace(/\0+$/, "");
  } finally {
    file.close();
  }
}

/** Opens the file, or returns null if it does not exist: one call if it exists, as it usually does. */
function openExisting(files: FileSystem, path: string): FileHandle | null {
  try {
    return files.open(path, "read");
  } catch (error) {
    if (error instanceof FileError && error.reason === "not-found") return null;
    throw error;
  }
}

/** Makes the existing file at `path` durable. Rejects with a `FileError`. */
export async function syncFile(files: FileSystem, path: string): Promise<void> {
  const file = files.open(path, "write");
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/**
 * Replaces the content of the file with `text`. Readers, and a process started after this one was
 * killed, see the old text or the new one, never a part. After a power failure this only holds once
 * {@linkcode syncFile} and a sync of the directory have completed. Throws a `FileError`.
 */
export function replaceTextFile(files: FileSystem, path: string, text: string): void {
  const temporary = `${path}.tmp`;
  writeTextFile(files, temporary, text);
  files.rename(temporary, path);
}

/**
 * Overwrites the content of the file with `text`. A crash may leave a part of it. Throws a
 * `FileError`.
 */
export function writeTextFile(files: FileSystem, path: string, text: string): void {
  write(files, path, text, false);
}

/**
 * Writes `text` to a file that does not exist, with the fewest operations. A crash may leave a part of
 * it. Throws a `FileError`.
 */
export function createTextFile(files: FileSystem, path: string, text: string): void {
  write(files, path, text, true);
}

function write(files: FileSystem, path: string, text: string, isNew: boolean): void {
  const bytes = encoder.encode(text);
  const file = files.open(path, "create");
  try {
    if (!isNew) file.truncate(0);
    if (bytes.length > 0) file.writeAt(bytes, 0);
  } finally {
    file.close();
  }
}

/** A file that is written as a whole, and may be replaced or removed during a sync. */
export class DurableFile {
  /** Whether it was written since the last sync started. */
  isDirty = false;
  #syncing: FileHandle | null = null;
  #running: Promise<void> | null = null;

  /** `path` need not exist. */
  constructor(readonly files: FileSystem, public path: string) {}

  /** Closes the file if it is open for a sync, before it is replaced, renamed or removed. */
  closeFile(): void {
    this.#syncing?.close();
    this.#syncing = null;
  }

  /** Closes the file before its removal, so that it is not synced again. */
  forget(): void {
    this.closeFile();
    this.isDirty = false;
  }

  /** Resolves when the content at the time of the call is durable. Rejects with a `FileError`. */
  async sync(): Promise<void> {
    while (this.#running !== null) await this.#running;
    if (!this.isDirty) return;
    const file = this.#syncing = this.files.open(this.path, "write");
    this.isDirty = false;
    try {
      await (this.#running = file.sync());
    } catch (error) {
      // The file was replaced during the sync, and its replacement is synced separately.
      if (this.#syncing !== file) return;
      this.isDirty = true;
      throw error;
    } finally {
      this.#running = null;
      if (this.#syncing === file) this.closeFile();
    }
  }
}
