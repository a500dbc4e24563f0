/**
 * Small text files, read and replaced whole: Kafka's checkpoints and property files.
 *
 * @module
 */
import { FileError, type FileHandle, type FileSystem } from "../runtime/runtime.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The largest such file that is read: a checkpoint of a million partitions takes about 64 MiB. */
const MAXIMUM_BYTES = 134_217_728;

/** The text of the file, or null when there is none. Throws a `FileError`. */
export function readTextFile(files: FileSystem, path: string): string | null {
  const file = openExisting(files, path);
  if (file === null) return null;
  try {
    const bytes = new Uint8Array(Math.min(file.size(), MAXIMUM_BYTES));
    const text = decoder.decode(bytes.subarray(0, file.readAt(bytes, 0)));
    // A loss of power may keep a file's length and lose what it held.
    return text.replace(/\0+$/, "");
  } finally {
    file.close();
  }
}

/** The file, or null when there is none: one call where it exists, as it nearly always does. */
function openExisting(files: FileSystem, path: string): FileHandle | null {
  try {
    return files.open(path, "read");
  } catch (error) {
    if (error instanceof FileError && error.reason === "not-found") return null;
    throw error;
  }
}

/** Resolves when the file at `path`, which must exist, is on the disk. Rejects with a `FileError`. */
export async function syncFile(files: FileSystem, path: string): Promise<void> {
  const file = files.open(path, "write");
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/**
 * Puts `text` in the place of whatever the file held: a reader, and a process that starts after
 * this one was killed, sees the old text or the new one, never a part; so it is after a loss of
 * power only once {@linkcode syncFile} and a sync of the directory have ended. Throws a `FileError`.
 */
export function replaceTextFile(files: FileSystem, path: string, text: string): void {
  const temporary = `${path}.tmp`;
  writeTextFile(files, temporary, text);
  files.rename(temporary, path);
}

/** Writes `text` over what the file held. A crash may leave a part of it. Throws a `FileError`. */
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

/** A file that is written whole, and may be replaced or removed while it is brought to the disk. */
export class DurableFile {
  /** Whether it was written since the last sync began. */
  isDirty = false;
  #syncing: FileHandle | null = null;
  #running: Promise<void> | null = null;

  /** The file at `path`, which need not exist. */
  constructor(readonly files: FileSystem, public path: string) {}

  /** It is about to be replaced, renamed or removed: nobody may have it open. */
  closeFile(): void {
    this.#syncing?.close();
    this.#syncing = null;
  }

  /** It is about to be removed: nothing of it need reach the disk. */
  forget(): void {
    this.closeFile();
    this.isDirty = false;
  }

  /** Resolves when what it held at the call is on the disk. Rejects with a `FileError`. */
  async sync(): Promise<void> {
    while (this.#running !== null) await this.#running;
    if (!this.isDirty) return;
    const file = this.#syncing = this.files.open(this.path, "write");
    this.isDirty = false;
    try {
      await (this.#running = file.sync());
    } catch (error) {
      // What took its place is somebody else's to sync.
      if (this.#syncing !== file) return;
      this.isDirty = true;
      throw error;
    } finally {
      this.#running = null;
      if (this.#syncing === file) this.closeFile();
    }
  }
}
