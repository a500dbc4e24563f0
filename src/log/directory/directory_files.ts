/**
 * The files of one data directory, watched: a disk that fails is noticed at the first write or sync
 * that it loses, whoever made it, and from then on nothing in the directory is changed any more.
 *
 * What takes a directory out of service, and what does not:
 * - a write, a cut, a creation, a renaming or a removal that fails by the disk's own fault (EIO, a
 *   file system that has become read-only), and any sync that fails: what is on the disk is not
 *   known any more, and a second sync that succeeds would prove nothing. Reading goes on.
 * - a full disk (ENOSPC) does not, unless it is a sync that meets it: the write is taken back and
 *   refused, and the next one is tried again, so that the directory takes records as soon as there
 *   is room. Apache Kafka takes the directory offline until it is restarted.
 * - a want of descriptors (EMFILE) does not, whatever meets it: nothing was written or synced. The
 *   operation fails, and the next one may succeed.
 * - a failed read does not: who asked is told, and the rest of the disk may well be readable.
 *   Apache Kafka takes the directory offline for that too.
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

/** Why a sync has not even begun. */
const HARMLESS_TO_SYNCS: ReadonlySet<FileError["reason"]> = new Set([
  "not-found",
  "refused",
  "too-many-open",
]);

/** Is told, once, what took the directory out of service. */
export type OnDiskFault = (fault: FileError) => void;

/** A file system of which one directory may go out of service. */
export class DirectoryFiles implements FileSystem {
  /** Why nothing is changed any more, or null. */
  fault: FileError | null = null;
  /** The ends of removals under way. */
  readonly #removals = new Set<Promise<void>>();

  /** `onFault` is called while the operation that failed is under way: it must not throw. */
  constructor(private readonly files: FileSystem, private readonly onFault: OnDiskFault) {}

  open(path: string, mode: OpenMode): FileHandle {
    if (mode !== "create") return new DirectoryFile(this.files.open(path, mode), path, this);
    // A file that is there is opened all the same: it can be read.
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

  /** Resolves when nothing is being removed any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Rejects every later change: the directory may belong to another process. */
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

  /** Runs what changes names or a file's content, unless the directory is out of service. */
  change<T>(path: string, run: () => T): T {
    this.refuseAfterFault(path);
    try {
      return run();
    } catch (error) {
      if (error instanceof FileError && error.reason === "io") this.#fail(error);
      throw error;
    }
  }

  /** Takes the error of a write or a cut of an open file: a disk may have become read-only. */
  noteWrite(error: unknown): unknown {
    if (error instanceof FileError && (error.reason === "io" || error.reason === "permission")) {
      this.#fail(error);
    }
    return error;
  }

  /**
   * Takes the error of a sync. A directory that is gone, a closed file, and a directory for which there
   * is no descriptor, are no faults of the disk.
   */
  noteSync(error: unknown): unknown {
    if (error instanceof FileError && !HARMLESS_TO_SYNCS.has(error.reason)) this.#fail(error);
    return error;
  }

  /** Throws a `FileError` when the directory is out of service. */
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
