/**
 * The snapshots in the directory of the metadata log: which there are, reading them for other nodes,
 * writing and receiving new ones, and removing old ones.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { FileHandle, FileSystem } from "../../runtime/runtime.ts";
import { asKafkaError } from "../../log/storage_error.ts";
import {
  BOOTSTRAP_SNAPSHOT_ID,
  compareSnapshotIds,
  DELETED_SUFFIX,
  isSnapshotLeftover,
  parseSnapshotFileName,
  snapshotFileName,
  type SnapshotId,
} from "./snapshot_names.ts";
import { SnapshotDraft } from "./snapshot_draft.ts";
import { checkSnapshot, SnapshotReader } from "./snapshot_reader.ts";
import type { SnapshotHeader } from "./snapshot_writer.ts";

/** A snapshot that is being read. Close it. */
export interface OpenSnapshot {
  /** Reads its records, from the first on. */
  readonly reader: SnapshotReader;
  close(): void;
}

/** The snapshots in one directory. Methods throw a `KafkaError`, KAFKA_STORAGE_ERROR when files fail. */
export class SnapshotFiles {
  readonly #files: FileSystem;
  readonly #directory: string;
  /** In ascending order, without the bootstrap snapshot. */
  #ids: SnapshotId[] = [];
  #hasBootstrap = false;
  /** How many readers have a file open, by name. */
  readonly #readers = new Map<string, number>();
  /** Names of files to remove once they are closed. */
  readonly #retired = new Set<string>();
  readonly #drafts = new Set<string>();

  private constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /**
   * Lists the snapshots of `directory`, which must exist, and removes what interrupted writes have left.
   * The names that it finds are durable when it resolves.
   */
  static async open(files: FileSystem, directory: string): Promise<SnapshotFiles> {
    const snapshots = new SnapshotFiles(files, directory);
    try {
      snapshots.#list();
      // A killed process may have published a snapshot without syncing its name.
      await files.syncDirectory(directory);
    } catch (error) {
      throw asKafkaError(`Cannot read the snapshots in ${directory}`, error);
    }
    return snapshots;
  }

  /** All snapshots in ascending order, without the bootstrap snapshot. */
  get ids(): readonly SnapshotId[] {
    return this.#ids;
  }

  /** The oldest snapshot, or null. */
  get earliest(): SnapshotId | null {
    return this.#ids[0] ?? null;
  }

  /** The newest snapshot, or null. */
  get latest(): SnapshotId | null {
    return this.#ids.at(-1) ?? null;
  }

  /** The newest snapshot, or else the bootstrap snapshot, or null: the start of the state to load. */
  get latestOrBootstrap(): SnapshotId | null {
    return this.latest ?? (this.#hasBootstrap ? BOOTSTRAP_SNAPSHOT_ID : null);
  }

  /** Whether the snapshot exists. The bootstrap snapshot, which is not sent to others, does not count. */
  has(id: SnapshotId): boolean {
    return this.#ids.some((one) => compareSnapshotIds(one, id) === 0);
  }

  /** Returns the size of a snapshot in bytes. */
  sizeOf(id: SnapshotId): number {
    return this.#withFile(id, (file) => file.size());
  }

  /** Returns up to `maxBytes` bytes from `position` on: fewer only at the end of the snapshot. */
  readRange(id: SnapshotId, position: number, maxBytes: number): Uint8Array<ArrayBuffer> {
    return this.#withFile(id, (file) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(maxBytes, file.size() - position)));
      return bytes.subarray(0, file.readAt(bytes, position));
    });
  }

  /** Opens a snapshot, which may be the bootstrap snapshot. Throws if its header is damaged. */
  read(id: SnapshotId): OpenSnapshot {
    const name = snapshotFileName(id);
    const file = this.#open(id, name);
    const close = () => {
      file.close();
      this.#release(name);
    };
    try {
      return { reader: new SnapshotReader(file, this.#pathOf(name)), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Reads a whole snapshot, in steps. Returns its header, and throws if any part is damaged. */
  *check(id: SnapshotId): Steps<SnapshotHeader> {
    const name = snapshotFileName(id);
    const file = this.#open(id, name);
    try {
      return yield* checkSnapshot(file, this.#pathOf(name));
    } finally {
      file.close();
      this.#release(name);
    }
  }

  /** Begins a snapshot, which exists once {@linkcode SnapshotDraft.publish} has resolved. */
  create(id: SnapshotId): SnapshotDraft {
    const name = snapshotFileName(id);
    assert(!this.#drafts.has(name), `The snapshot ${name} is being written already`);
    assert(!this.has(id), `The snapshot ${name} exists already`);
    try {
      const draft = new SnapshotDraft({
        files: this.#files,
        directory: this.#directory,
        id,
        onPublished: () => this.#add(id),
        onEnd: () => this.#drafts.delete(name),
      });
      this.#drafts.add(name);
      return draft;
    } catch (error) {
      throw asKafkaError(`Cannot create the snapshot ${this.#pathOf(name)}`, error);
    }
  }

  /**
   * Removes all snapshots before `id`, the bootstrap snapshot included. One that is being read is removed
   * when its readers have ended. A crash may leave some of them, which are complete.
   */
  deleteBefore(id: SnapshotId): void {
    assert(this.has(id), `There is no snapshot ${snapshotFileName(id)}`);
    const old = this.#ids.filter((one) => compareSnapshotIds(one, id) < 0);
    if (this.#hasBootstrap) old.push(BOOTSTRAP_SNAPSHOT_ID);
    this.#hasBootstrap = false;
    this.#ids = this.#ids.filter((one) => compareSnapshotIds(one, id) >= 0);
    for (const one of old) this.#retired.add(snapshotFileName(one));
    this.#removeRetired();
  }

  /** Removes a snapshot that nothing refers to. */
  delete(id: SnapshotId): void {
    assert(this.has(id), `There is no snapshot ${snapshotFileName(id)}`);
    this.#ids = this.#ids.filter((one) => compareSnapshotIds(one, id) !== 0);
    this.#retired.add(snapshotFileName(id));
    this.#removeRetired();
  }

  #list(): void {
    for (const { name, isDirectory } of this.#files.list(this.#directory)) {
      if (isDirectory) continue;
      const id = parseSnapshotFileName(name);
      if (id !== null) this.#add(id);
      else if (isSnapshotLeftover(name)) this.#files.remove(this.#pathOf(name));
    }
  }

  #add(id: SnapshotId): void {
    this.#retired.delete(snapshotFileName(id));
    if (compareSnapshotIds(id, BOOTSTRAP_SNAPSHOT_ID) === 0) this.#hasBootstrap = true;
    else if (!this.has(id)) this.#ids = [...this.#ids, id].sort(compareSnapshotIds);
  }

  #withFile<Result>(id: SnapshotId, use: (file: FileHandle) => Result): Result {
    const name = snapshotFileName(id);
    const file = this.#open(id, name);
    try {
      return use(file);
    } catch (error) {
      throw asKafkaError(`Cannot read the snapshot ${this.#pathOf(name)}`, error);
    } finally {
      file.close();
      this.#release(name);
    }
  }

  #open(id: SnapshotId, name: string): FileHandle {
    const isBootstrap = compareSnapshotIds(id, BOOTSTRAP_SNAPSHOT_ID) === 0;
    assert(isBootstrap ? this.#hasBootstrap : this.has(id), `There is no snapshot ${name}`);
    try {
      const file = this.#files.open(this.#pathOf(name), "read");
      this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
      return file;
    } catch (error) {
      throw asKafkaError(`Cannot open the snapshot ${this.#pathOf(name)}`, error);
    }
  }

  #release(name: string): void {
    const left = this.#readers.get(name)! - 1;
    if (left > 0) {
      this.#readers.set(name, left);
      return;
    }
    this.#readers.delete(name);
    this.#removeRetired();
  }

  #removeRetired(): void {
    for (const name of this.#retired) {
      if (this.#readers.has(name)) continue;
      this.#retired.delete(name);
      const path = this.#pathOf(name);
      const deleted = `${path}${DELETED_SUFFIX}`;
      try {
        this.#files.rename(path, deleted);
        const removal = this.#files.removeLater?.(deleted);
        // The next start removes what could not be removed.
        if (removal === undefined) this.#files.remove(deleted);
        else removal.catch(() => {});
      } catch (error) {
        throw asKafkaError(`Cannot remove the snapshot ${path}`, error);
      }
    }
  }

  #pathOf(name: string): string {
    return `${this.#directory}/${name}`;
  }
}
