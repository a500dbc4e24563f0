/**
 * An open file of a simulated process.
 *
 * @module
 */

import type { FileHandle } from "../runtime/runtime.ts";
import { fileErrorOfCode } from "../runtime/errors.ts";
import type { FileNode } from "../runtime/path_tree.ts";
import type { PagedFile } from "./paged_file.ts";
import type { ProcessEvents } from "./process_events.ts";
import type { DiskOperation, SimulatedDisk } from "./simulated_disk.ts";
import { markOf } from "./trace.ts";

/** The shortest asynchronous read. */
const READ_US = 20;
/** How much faster than that a disk reads. */
const READ_BYTES_PER_US = 1_000;

/** The process's files, as one of them sees them. */
export interface FileOwner {
  readonly disk: SimulatedDisk;
  readonly events: ProcessEvents;
  /** Throws when the disk was made to fail `operation`. */
  begin(operation: DiskOperation, path: string): void;
  /**
   * Calls `finish` when the disk has finished an operation that takes `delayUs`, later while it hangs,
   * never after the end of the process. A paused process does not hold it back.
   */
  complete(delayUs: number, finish: () => void): void;
}

/** An open file. */
export class SimulatedFile implements FileHandle {
  constructor(
    readonly path: string,
    readonly node: FileNode<PagedFile>,
    readonly writable: boolean,
    readonly owner: FileOwner,
    readonly openFiles: Set<SimulatedFile>,
  ) {
    node.handles++;
    openFiles.add(this);
  }

  /** As {@linkcode FileHandle.readAt}. */
  readAt(target: Uint8Array, position: number): number {
    this.#mustBeOpen("read");
    this.owner.begin("read", this.path);
    return this.node.content.read(target, position);
  }

  /** As {@linkcode FileHandle.read}. */
  read(target: Uint8Array, position: number): Promise<number> {
    const { events } = this.owner;
    return new Promise((resolve, reject) => {
      this.#mustBeOpen("read");
      this.owner.complete(
        READ_US + Math.ceil(target.length / READ_BYTES_PER_US),
        () =>
          events.deliver({}, () => {
            try {
              this.owner.begin("read", this.path);
              resolve(this.node.content.read(target, position));
            } catch (error) {
              reject(error);
            }
          }),
      );
    });
  }

  /** As {@linkcode FileHandle.writeAt}. */
  writeAt(bytes: Uint8Array, position: number): void {
    this.#mustBeOpen("write", true);
    const { disk } = this.owner;
    try {
      this.owner.begin("write", this.path);
      disk.checkSpace(this.path, position + bytes.length - this.node.content.length);
    } catch (error) {
      // A disk that runs full has often written the beginning.
      const taken = disk.random.below(bytes.length + 1);
      this.node.content.write(bytes.subarray(0, taken), position);
      throw error;
    }
    this.node.content.write(bytes, position);
    disk.trace(`write ${this.path} ${position} ${markOf(bytes)}`);
  }

  /** As {@linkcode FileHandle.size}. */
  size(): number {
    this.#mustBeOpen("measure");
    return this.node.content.length;
  }

  /** As {@linkcode FileHandle.truncate}. */
  truncate(length: number): void {
    this.#mustBeOpen("truncate", true);
    this.owner.begin("write", this.path);
    this.node.content.truncate(length);
    this.owner.disk.trace(`truncate ${this.path} ${length}`);
  }

  /** As {@linkcode FileHandle.sync}. */
  sync(): Promise<void> {
    const { owner, path } = this;
    return new Promise((resolve, reject) => {
      this.#mustBeOpen("sync");
      const pending = this.node.content.beginSync();
      owner.complete(owner.disk.drawSyncUs(), () => {
        try {
          owner.begin("sync", path);
        } catch (error) {
          pending.fail();
          return owner.events.deliver({}, () => reject(error));
        }
        pending.complete();
        owner.disk.trace(`sync ${path}`);
        owner.events.deliver({}, resolve);
      });
    });
  }

  /** As {@linkcode FileHandle.close}. */
  close(): void {
    if (this.openFiles.delete(this)) this.node.handles--;
  }

  #mustBeOpen(action: string, changes = false): void {
    if (!this.openFiles.has(this) || changes && !this.writable) {
      throw fileErrorOfCode(action, this.path, "EBADF");
    }
  }
}
