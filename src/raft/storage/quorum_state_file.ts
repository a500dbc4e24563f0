/**
 * `quorum-state` in the directory of the metadata log: the epoch, the leader and the vote of a
 * controller. A controller that forgets its vote may vote twice in one epoch, so the file is replaced
 * durably before the vote is sent.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import { parentOf } from "../../log/directory/directory_names.ts";
import { asKafkaError } from "../../log/storage_error.ts";
import { readTextFile, syncFile, writeTextFile } from "../../log/text_file.ts";
import {
  decodeQuorumState,
  encodeQuorumState,
  QuorumStateError,
  type StoredQuorumState,
} from "./quorum_state_format.ts";

/** The name of the file. */
export const QUORUM_STATE = "quorum-state";

/** A write that has not begun, and its callers. */
interface PendingWrite {
  state: StoredQuorumState;
  readonly done: PromiseWithResolvers<void>;
}

/** The file in one directory. Only one object may write it at a time. */
export class QuorumStateFile {
  /** The path of the file. */
  readonly path: string;
  readonly #files: FileSystem;
  readonly #directory: string;
  #next: PendingWrite | null = null;
  #isWriting = false;
  /** Whether the name of the directory itself may not be durable. */
  #isDirectoryNew = true;

  /** `directory`, that of the metadata log, must exist before the first write. */
  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.path = `${directory}/${QUORUM_STATE}`;
  }

  /**
   * Resolves with the content, or null if there is no file because the node starts for the first time.
   * The content is durable then: a process that was killed may have replaced the file without syncing
   * its name, and the vote found must not be lost once it has been sent again. Rejects with
   * KAFKA_STORAGE_ERROR for a file that is damaged or of an unknown version.
   */
  async load(): Promise<StoredQuorumState | null> {
    const what = `Cannot read ${this.path}, the epoch and the vote of this controller`;
    try {
      const text = readTextFile(this.#files, this.path);
      if (text === null) return null;
      const state = decodeQuorumState(text);
      await syncFile(this.#files, this.path);
      await this.#syncNames();
      return state;
    } catch (error) {
      if (!(error instanceof QuorumStateError)) throw asKafkaError(what, error);
      const remedy = error.isNewer
        ? "start the node with the release that wrote it"
        : `bring the file back from a copy, or remove ${this.#directory} and format it with a new ` +
          "directory id while the other controllers have a leader";
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `${what}: ${error.message}; ${remedy}`,
        { cause: error },
      );
    }
  }

  /**
   * Replaces the content. Resolves when `state`, or a later one, is durable. Writes are executed in the
   * order of the calls; one that has not begun is replaced by the next, as are those of the same turn of
   * the event loop. Rejects with
   * KAFKA_STORAGE_ERROR: the old content or the new one may be durable then, and a later write may
   * succeed.
   */
  write(state: StoredQuorumState): Promise<void> {
    if (this.#next === null) this.#next = { state, done: Promise.withResolvers() };
    else this.#next.state = state;
    const { promise } = this.#next.done;
    if (!this.#isWriting) this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // The writes of this turn of the event loop are one: a candidate that is the only voter leads at once.
    await Promise.resolve();
    while (this.#next !== null) {
      const { state, done } = this.#next;
      this.#next = null;
      try {
        await this.#replace(encodeQuorumState(state));
        done.resolve();
      } catch (error) {
        done.reject(asKafkaError(`Cannot write ${this.path}`, error));
      }
    }
    this.#isWriting = false;
  }

  async #replace(text: string): Promise<void> {
    const temporary = `${this.path}.tmp`;
    writeTextFile(this.#files, temporary, text);
    await syncFile(this.#files, temporary);
    this.#files.rename(temporary, this.path);
    await this.#syncNames();
  }

  async #syncNames(): Promise<void> {
    await this.#files.syncDirectory(this.#directory);
    if (!this.#isDirectoryNew) return;
    await this.#files.syncDirectory(parentOf(this.#directory));
    this.#isDirectoryNew = false;
  }
}
