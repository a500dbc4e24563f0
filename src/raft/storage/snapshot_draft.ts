/**
 * A snapshot that is being written or received, in a file that ends in `.part`.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { isProcessEnded } from "../../runtime/process_ended.ts";
import { FileError, type FileHandle, type FileSystem } from "../../runtime/runtime.ts";
import { asKafkaError } from "../../log/storage_error.ts";
import { PARTIAL_SUFFIX, snapshotFileName, type SnapshotId } from "./snapshot_names.ts";
import { checkSnapshot } from "./snapshot_reader.ts";
import { type SnapshotHeader, SnapshotWriter } from "./snapshot_writer.ts";

/** Options of a {@linkcode SnapshotDraft}. */
export interface SnapshotDraftOptions {
  readonly files: FileSystem;
  /** The directory of the metadata log. */
  readonly directory: string;
  readonly id: SnapshotId;
  /** Called when the snapshot is durable under its name. */
  readonly onPublished: () => void;
  /** Called when the draft has been published or abandoned, or its publication has failed. */
  readonly onEnd: () => void;
}

/** One snapshot that is not complete. Publish or abandon it. Methods throw KAFKA_STORAGE_ERROR. */
export class SnapshotDraft {
  /** Its id. */
  readonly id: SnapshotId;
  /** The path of the unfinished file. */
  readonly path: string;
  readonly #options: SnapshotDraftOptions;
  readonly #finalPath: string;
  readonly #file: FileHandle;
  #size = 0;
  #isOpen = true;

  /** Creates the file. Throws a `FileError`. */
  constructor(options: SnapshotDraftOptions) {
    const { files, directory, id } = this.#options = options;
    this.id = id;
    this.#finalPath = `${directory}/${snapshotFileName(id)}`;
    this.path = `${this.#finalPath}${PARTIAL_SUFFIX}`;
    this.#file = files.open(this.path, "create");
    try {
      this.#file.truncate(0);
    } catch (error) {
      this.#file.close();
      this.#remove();
      throw error;
    }
  }

  /** The number of bytes written: the position of the next part. */
  get size(): number {
    return this.#size;
  }

  /** Appends bytes. `position` must be {@linkcode SnapshotDraft.size}. */
  write(bytes: Uint8Array, position: number): void {
    assert(this.#isOpen, `A part is written to ${this.path}, which is closed`);
    assert(
      position === this.#size,
      `A part is written at ${position} of ${this.path}, which has ${this.#size} bytes`,
    );
    if (bytes.length === 0) return;
    this.#guard("write", () => this.#file.writeAt(bytes, position));
    this.#size += bytes.length;
  }

  /** Returns a writer that appends to the draft. `now` returns the time, ms since 1970. */
  writer(header: SnapshotHeader, now: () => number): SnapshotWriter {
    return new SnapshotWriter({
      header,
      epoch: this.id.epoch,
      now,
      write: (bytes) => this.write(bytes, this.#size),
    });
  }

  /** Reads it in steps as {@linkcode checkSnapshot} does, before a received one is published. */
  check(): Steps<SnapshotHeader> {
    return checkSnapshot(this.#file, this.path);
  }

  /**
   * Resolves when the snapshot is durable and has its name. When it rejects, the draft is abandoned, and
   * a later start may find the snapshot complete, or not at all.
   */
  async publish(): Promise<void> {
    assert(this.#isOpen, `${this.path} is published twice`);
    const { files, directory, onPublished, onEnd } = this.#options;
    this.#isOpen = false;
    try {
      try {
        await this.#file.sync();
      } finally {
        this.#file.close();
      }
      files.rename(this.path, this.#finalPath);
      await files.syncDirectory(directory);
    } catch (error) {
      this.#remove();
      throw asKafkaError(`Cannot publish the snapshot ${this.#finalPath}`, error);
    } finally {
      onEnd();
    }
    onPublished();
  }

  /** Removes the file. Does nothing if the draft has been published or abandoned. */
  abandon(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
    this.#options.onEnd();
    this.#remove();
  }

  #remove(): void {
    try {
      this.#options.files.remove(this.path);
    } catch (error) {
      // The next start removes it.
      if (!(error instanceof FileError || isProcessEnded(error))) throw error;
    }
  }

  #guard(action: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      throw asKafkaError(`Cannot ${action} the snapshot ${this.path}`, error);
    }
  }
}
