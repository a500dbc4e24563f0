/**
 * A file system that monitors one data directory: after a write or sync that reveals a failing disk,
 * nothing in the directory is changed any more, whichever component made that call.
 *
 * These failures take a directory out of service, or not:
 * - A write, truncation, creation, rename or removal that fails because of the disk (EIO, a file system
 *   that has become read-only), and any failed sync, do. The content of the disk is then unknown, and a
 *   second sync that succeeds would prove nothing. Reads continue.
 * - A full disk (ENOSPC) does not, except during a sync. The write is undone and rejected, and later
 *   writes are attempted, so the directory accepts records as soon as there is space. Apache Kafka
 *   takes the directory offline until it is restarted.
 * - A lack of file descriptors (EMFILE) does not: nothing was written or synced. The operation fails,
 *   and the next one may succeed.
 * - A failed read does not. Its caller gets the error, and the rest of the disk may be readable. Apache
 *   Kafka takes the directory offline in this case too.
 *
 * @module
 */
import {
  type DirectoryEntry,
  type DirectoryLock,
  type DiskSpace,
  FileError,
  type FileHandle,
  type FileSystem,
  type OpenMode,
} from "../../runtime/runtime.ts";

const CLOSED = new FileError("the data directory has been closed", "refused");

/** Reasons for which a sync has not even started. */
const HARMLESS_TO_SYNCS: ReadonlySet<FileError["reason"]> = new Set([
  "not-found",
  "refused",
  "too-many-open",
]);

/** Called once with the fault that took the directory out of service. */
export type OnDiskFault = (fault: FileError) => void;

/** A file system with a directory that may go out of service. */
export class DirectoryFiles implements FileSystem {
  /** Why nothing is changed any more, or null. */
  fault: FileError | null = null;
  /** The removals in progress. */
  readonly #removals = new Set<Promise<void>>();

  /** `onFault` is called during the operation that failed. It must not throw. */
  constructor(private readonly files: FileSystem, private readonly onFault: OnDiskFault) {}

  open(path: string, mode: OpenMode): FileHandle {
    if (mode !== "create") return new DirectoryFile(this.files.open(path, mode), path, this);
    // An existing file is opened anyway, since it can be read.
    if (this.fault !== null && this.files.exists(path)) return this.open(path, "write");
    return new DirectoryFile(this.change(path, () => this.files.open(path, mode)), path, this);
  }

  makeDirectory(path: string): void {
    this.change(path, () => this.files.makeDirectory(path));
  }

  list(path: string): DirectoryEntry[] {
    return this.files.list(path);
  }

  exists(path: string): boolean {
    return this.files.exists(path);
  }

  rename(from: string, to: string): void {
    this.change(from, () => this.files.rename(from, to));
  }

  remove(path: string): void {
    this.change(path, () => this.files.remove(path));
  }

  removeLater(path: string): Promise<void> {
    const removal = this.#removeLater(path);
    const end = removal.catch(() => {}).then(() => void this.#removals.delete(end));
    this.#removals.add(end);
    return removal;
  }

  /** Resolves when no removals are in progress. */
  async settle(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Rejects all later changes, since the directory may belong to another process. */
  close(): void {
    this.fault ??= CLOSED;
  }

  async syncDirectory(path: string): Promise<void> {
    this.refuseAfterFault(path);
    try {
      await this.files.syncDirectory(path);
    } catch (error) {
      throw this.noteSync(error);
    }
  }

  tryLock(path: string): DirectoryLock | null {
    return this.files.tryLock(path);
  }

  space(path: string): Promise<DiskSpace | null> {
    return this.files.space?.(path) ?? Promise.resolve(null);
  }

  /**
   * Calls `run`, which changes names or the content of a file, unless the directory is out of
   * service.
   */
  change<T>(path: string, run: () => T): T {
    this.refuseAfterFault(path);
    try {
      return run();
    } catch (error) {
      if (error instanceof FileError && error.reason === "io") this.#fail(error);
      throw error;
    }
  }

  /**
   * Handles the error of a write to, or truncation of, an open file: the disk may have become
   * read-only.
   */
  noteWrite(error: unknown): unknown {
    if (error instanceof FileError && (error.reason === "io" || error.reason === "permission")) {
      this.#fail(error);
    }
    return error;
  }

  /**
   * Handles the error of a sync. A missing directory, a closed file and a lack of file descriptors
   * are not disk faults.
   */
  noteSync(error: unknown): unknown {
    if (error instanceof FileError && !HARMLESS_TO_SYNCS.has(error.reason)) this.#fail(error);
    return error;
  }

  /** Throws a `FileError` if the directory is out of service. */
  refuseAfterFault(path: string): void {
    const { fault } = this;
    if (fault === null) return;
    if (fault === CLOSED) {
      throw new FileError(`Cannot change "${path}": ${CLOSED.message}`, "refused");
    }
    throw new FileError(
      `Cannot change "${path}": nothing in its data directory is changed since this failed: ` +
        fault.message,
      "io",
      { cause: fault },
    );
  }

  async #removeLater(path: string): Promise<void> {
    if (this.files.removeLater === undefined) return this.remove(path);
    this.refuseAfterFault(path);
    try {
      await this.files.removeLater(path);
    } catch (error) {
      if (error instanceof FileError && error.reason === "io") this.#fail(error);
      throw error;
    }
  }

  #fail(fault: FileError): void {
    if (this.fault !== null) return;
    this.fault = fault;
    this.onFault(fault);
  }
}

/** An open file of a directory that may go out of service. */
class DirectoryFile implements FileHandle {
  constructor(
    private readonly file: FileHandle,
    private readonly path: string,
    private readonly directory: DirectoryFiles,
  ) {}

  readAt(target: Uint8Array, position: number): number {
    return this.file.readAt(target, position);
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.file.read(target, position);
  }

  writeAt(bytes: Uint8Array, position: number): void {
    const { directory } = this;
    if (directory.fault !== null) directory.refuseAfterFault(this.path);
    try {
      this.file.writeAt(bytes, position);
    } catch (error) {
      throw directory.noteWrite(error);
    }
  }

  size(): number {
    return this.file.size();
  }

  truncate(length: number): void {
    this.directory.refuseAfterFault(this.path);
    try {
      this.file.truncate(length);
    } catch (error) {
      throw this.directory.noteWrite(error);
    }
  }

  async sync(): Promise<void> {
    this.directory.refuseAfterFault(this.path);
    try {
      await this.file.sync();
    } catch (error) {
      throw this.directory.noteSync(error);
    }
  }

  close(): void {
    this.file.close();
  }
}
