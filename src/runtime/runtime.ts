/**
 * What a host gives to Millrace: time, chance, the network and files.
 *
 * Nothing outside `src/runtime/` and `cli/` reads a clock, draws a random number, opens a socket or
 * touches a file by itself: it is handed a {@linkcode Runtime}. `deno.ts` and `node.ts` make one of
 * the real host; `src/simulator/` makes one of simulated time, network and disks, so that a whole
 * run can be repeated from its seed.
 *
 * @module
 */

import type { HostCodecs } from "../protocol/records/compression/host_codecs.ts";

export type { HostCodecs };

/** A pending call of {@linkcode Clock.setTimer}. */
export interface Timer {
  /** Forgets the call. Does nothing when it has been made or was cancelled before. */
  cancel(): void;
}

/** Time, as the host tells it. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01T00:00:00Z, whole. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start, with fractions. Never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs` (0 to 2^31 - 1). A pending timer keeps the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /**
   * Lets other work of the event loop (sockets, timers) go first. A long computation awaits this
   * every few milliseconds.
   */
  yieldToLoop(): Promise<void>;
}

/** Chance. Seeded in the simulator, the host's own source elsewhere. */
export interface RandomSource {
  /** Fills `target` with random bytes and returns it. */
  fill(target: Uint8Array): Uint8Array;
  /** A whole number from 0 up to, but without, `bound` (1 to 2^32). */
  below(bound: number): number;
}

/** One end of a connection. The host of an IPv4 connection is an IPv4 address on every listener. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * A TCP connection: a pair of Web Streams, and beside them, where the host has it, a cheaper way
 * over the same socket. A user takes either the streams or the two fast methods, never both.
 */
export interface Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** A byte stream: `getReader({ mode: "byob" })` reads into the caller's buffer. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Each chunk is written whole before its `write()` settles. Chunks may be reused after that. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Reads at least one byte into `buffer` (not empty) and returns their number, or null when the
   * peer has ended its side. Rejects when the connection broke or was closed here.
   */
  readInto?(buffer: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`, which must not change until this settles. Rejects when broken or closed. */
  writeAll?(bytes: Uint8Array): Promise<void>;
  /** Ends both directions at once. Pending reads and writes reject. May be called twice. */
  close(): void;
}

/** A listening socket. */
export interface Listener {
  /** Where it listens: the port the host chose when 0 was asked for. */
  readonly address: Address;
  /**
   * The next connection, or null once the listener is closed. Rejects with a
   * {@linkcode ConnectionError} of the reason `too-many-open` when there is no descriptor for it:
   * close some, wait, and call again. Hosts that cannot tell keep the peer waiting, or close it.
   */
  accept(): Promise<Connection | null>;
  close(): void;
}

/** TCP. */
export interface Network {
  /**
   * Listens on `host` (an address or a name of this machine, "" for all of its addresses, with IPv6
   * where there is IPv6) and `port` (0: any free one).
   * Throws {@linkcode AddressInUseError} when taken.
   */
  listen(options: { host: string; port: number }): Promise<Listener>;
  /** Connects, with Nagle's algorithm off. */
  connect(options: { host: string; port: number }): Promise<Connection>;
}

/** How a file is opened: `read` (must exist), `write` (read and write, must exist), `create` (read and write, made when missing). */
export type OpenMode = "read" | "write" | "create";

/**
 * An open file. Reads and writes say where they happen, and happen at once: through the host's page
 * cache they are cheaper than a thread hop (a 16 KB write costs 7 us, its asynchronous form 25).
 * `sync` waits for the disk and is asynchronous, and so is `read`, for those who read much that
 * nobody waits for.
 */
export interface FileHandle {
  /** Reads up to `target.length` bytes at `position` and returns how many: less only at the end of the file. */
  readAt(target: Uint8Array, position: number): number;
  /**
   * As `readAt`, while the event loop goes on: sockets are served before it resolves, and other
   * operations on the file may come first. Nobody may touch `target` meanwhile. A file that is closed
   * while it is read is read to the end.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`, growing the file where needed. */
  writeAt(bytes: Uint8Array, position: number): void;
  /** The file's length in bytes. */
  size(): number;
  /** Cuts (or extends with zeros) the file to `length` bytes. */
  truncate(length: number): void;
  /** Resolves when the file's data and length are on the disk (fdatasync). */
  sync(): Promise<void>;
  close(): void;
}

/** One entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** A lock on a directory that goes with the process, however it ends. */
export interface DirectoryLock {
  release(): void;
}

/** How much room a disk has, in bytes. */
export interface DiskSpace {
  /** All of it. */
  readonly total: number;
  /** What this process may still use. */
  readonly usable: number;
}

/** Files and directories. Paths use `/`, on every host. Failures are {@linkcode FileError}s. */
export interface FileSystem {
  open(path: string, mode: OpenMode): FileHandle;
  /** Makes the directory and its parents; content when it exists. */
  makeDirectory(path: string): void;
  /** Entries in no particular order, without `.` and `..`. */
  list(path: string): DirectoryEntry[];
  exists(path: string): boolean;
  /** Moves a file or directory, over an existing file where there is one. Neither may be open. */
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with everything in it. Content when it does not exist. */
  remove(path: string): void;
  /**
   * As `remove`, while the event loop goes on: to free the room of a file of a gigabyte takes a tenth
   * of a second and more. When the process ends meanwhile, the file or a part of the directory may
   * still be there. Absent where it takes no time.
   */
  removeLater?(path: string): Promise<void>;
  /** Makes the directory's entries (creations, renames, removals) last (fsync of the directory). */
  syncDirectory(path: string): Promise<void>;
  /** Takes the file `path` as a lock for this process, or returns null when another one holds it. */
  tryLock(path: string): DirectoryLock | null;
  /**
   * The room of the disk that `path`, which must exist, is on; null when the host does not tell.
   * Absent where files take no room that could be counted.
   */
  space?(path: string): Promise<DiskSpace | null>;
}

/** Everything a host gives. */
export interface Runtime {
  readonly name: "deno" | "node" | "bun" | "simulated";
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly network: Network;
  readonly files: FileSystem;
  /** Loaded on first use, since most processes never compress. */
  codecs(): HostCodecs;
  /**
   * The most files and sockets that the process may have open at one time, or undefined when the host
   * does not tell. Absent where there is no limit.
   */
  openFileLimit?(): number | undefined;
}

/** A file operation that failed; the message names the path and what was tried. */
export class FileError extends Error {
  override readonly name = "FileError";
  constructor(
    message: string,
    /**
     * Why: what the caller can tell apart. `io` is the disk's own failure, `too-many-open` a want of
     * descriptors, `refused` the host's for what was asked: a directory in the place of a file, a file
     * closed before.
     */
    readonly reason:
      | "not-found"
      | "permission"
      | "exists"
      | "not-a-directory"
      | "no-space"
      | "too-many-open"
      | "refused"
      | "io",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The address is taken by another listener. */
export class AddressInUseError extends Error {
  override readonly name = "AddressInUseError";
}

/** The connection broke, was refused or was closed. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** `too-many-open` when the process or the system had no descriptor left for it. */
  readonly reason: "broken" | "too-many-open";
  constructor(message: string, options?: ErrorOptions & { readonly reason?: "too-many-open" }) {
    super(message, options);
    this.reason = options?.reason ?? "broken";
  }
}

/**
 * Whether `error`, or what caused it, is the want of a file descriptor (EMFILE, ENFILE): nothing is
 * wrong with the file or the peer, and the same call succeeds once other files have been closed.
 */
export function isDescriptorShortage(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof FileError || at instanceof ConnectionError) {
      return at.reason === "too-many-open";
    }
  }
  return false;
}
