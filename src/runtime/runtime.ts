/**
 * What the host provides: time, random numbers, network and files.
 *
 * No module outside `src/runtime/` and `cli/` reads a clock, draws a random number, opens a socket or
 * accesses a file by itself: it receives a {@linkcode Runtime}. `deno/` and `node/` implement one for
 * the real host; `src/simulator/` implements one with simulated time, network and disks, so that a whole
 * run can be replayed from its seed.
 *
 * @module
 */

import type { HostCodecs } from "../protocol/records/compression/host_codecs.ts";

export type { HostCodecs };

/** A pending call of {@linkcode Clock.setTimer}. */
export interface Timer {
  /** Cancels the call. Does nothing if it has been made or cancelled. */
  cancel(): void;
}

/** The host's time and timers. */
export interface Clock {
  /** Returns the wall-clock time in whole milliseconds since 1970-01-01T00:00:00Z. May jump. */
  now(): number;
  /** Returns milliseconds since an arbitrary start, with fractions. Never decreases. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs` (0 to 2^31 - 1). A pending timer keeps the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /**
   * Yields to other work of the event loop (sockets, timers). A long computation awaits this every few
   * milliseconds.
   */
  yieldToLoop(): Promise<void>;
}

/** Random numbers. Seeded in the simulator, the host's source elsewhere. */
export interface RandomSource {
  /** Fills `target` with random bytes and returns it. */
  fill(target: Uint8Array): Uint8Array;
  /** Returns a whole number from 0 up to, but not including, `bound` (1 to 2^32). */
  below(bound: number): number;
}

/** One end of a connection. The host of an IPv4 connection is an IPv4 address on every listener. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * A TCP connection: a pair of Web Streams, and two faster methods on the same socket. A caller uses
 * either the streams or the methods, never both.
 */
export interface Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** A byte stream: `getReader({ mode: "byob" })` reads into the caller's buffer. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** A chunk is completely written before its `write()` settles, and may be reused afterwards. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Reads at least one byte into `buffer` (not empty) and resolves with their number, or null if the
   * peer has ended its side. Rejects if the connection broke or was closed locally.
   */
  readInto?(buffer: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`, which must not change until this settles. Rejects if broken or closed. */
  writeAll?(bytes: Uint8Array): Promise<void>;
  /** Closes both directions immediately. Pending reads and writes reject. May be called twice. */
  close(): void;
}

/** A listening socket. */
export interface Listener {
  /** The address it listens on, with the port chosen by the host if 0 was requested. */
  readonly address: Address;
  /**
   * Resolves with the next connection, or null once the listener is closed. Rejects with a
   * {@linkcode ConnectionError} with the reason `too-many-open` if there is no descriptor for it: close
   * some, wait, and call again. Hosts that do not report this keep the peer waiting, or close it.
   */
  accept(): Promise<Connection | null>;
  close(): void;
}

/** TCP. */
export interface Network {
  /**
   * Listens on `host` (an address or a name of this machine, "" for all of its addresses, including IPv6
   * if available) and `port` (0 for any free one). Throws {@linkcode AddressInUseError} if it is taken.
   */
  listen(options: { host: string; port: number }): Promise<Listener>;
  /**
   * Connects, with Nagle's algorithm off. Rejects with a {@linkcode ConnectionError}, whose reason is
   * `refused` if nothing listens at the address.
   */
  connect(options: { host: string; port: number }): Promise<Connection>;
}

/** How to open a file: `read` (must exist), `write` (read and write, must exist) or `create` (read and write, created if missing). */
export type OpenMode = "read" | "write" | "create";

/**
 * An open file. Reads and writes are positional and synchronous: through the host's page cache they are
 * cheaper than a change of thread (a 16 KB write takes 7 us, its asynchronous form 25). `sync`, which
 * waits for the disk, is asynchronous, and so is `read`, for large reads in the background.
 */
export interface FileHandle {
  /** Reads up to `target.length` bytes at `position` and returns their number: fewer only at the end of the file. */
  readAt(target: Uint8Array, position: number): number;
  /**
   * Like `readAt`, without blocking the event loop: other operations on the file may be executed first.
   * `target` must not be used until it resolves. A read of a file that is closed meanwhile completes.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`, extending the file if necessary. */
  writeAt(bytes: Uint8Array, position: number): void;
  /** Returns the length of the file in bytes. */
  size(): number;
  /** Truncates the file to `length` bytes, or extends it with zeros. */
  truncate(length: number): void;
  /** Resolves when the file's data and length are on disk (fdatasync). */
  sync(): Promise<void>;
  close(): void;
}

/** One entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** A lock on a directory that is released when the process ends, however it ends. */
export interface DirectoryLock {
  release(): void;
}

/** The space of a disk, in bytes. */
export interface DiskSpace {
  /** The total space. */
  readonly total: number;
  /** The space available to this process. */
  readonly usable: number;
}

/** Files and directories. Paths use `/` on every host. Methods throw {@linkcode FileError}s. */
export interface FileSystem {
  open(path: string, mode: OpenMode): FileHandle;
  /** Creates the directory and its parents, unless it exists. */
  makeDirectory(path: string): void;
  /** Returns the entries in no particular order, without `.` and `..`. */
  list(path: string): DirectoryEntry[];
  exists(path: string): boolean;
  /** Moves a file or directory, replacing an existing file. Neither may be open. */
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with its content, if it exists. */
  remove(path: string): void;
  /**
   * Like `remove`, without blocking the event loop: freeing the space of a 1 GB file takes 0.1 s or more.
   * If the process ends meanwhile, the file or a part of the directory may remain. Absent if removal
   * takes no time.
   */
  removeLater?(path: string): Promise<void>;
  /** Makes the directory's entries (creations, renames, removals) durable (fsync of the directory). */
  syncDirectory(path: string): Promise<void>;
  /** Locks the file `path` for this process. Returns null if another process holds the lock. */
  tryLock(path: string): DirectoryLock | null;
  /**
   * Resolves with the space of the disk of `path`, which must exist, or null if the host does not report
   * it. Absent if files take no space on a disk.
   */
  space?(path: string): Promise<DiskSpace | null>;
}

/** A hash function of {@linkcode Cryptography}. */
export type HashName = "sha256" | "sha512";

/** The input of {@linkcode Cryptography.pbkdf2}. */
export interface Pbkdf2Input {
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  /** At least 1. The event loop is blocked meanwhile: 4,096 take about 2 ms. */
  readonly iterations: number;
  /** Bytes of the derived key. */
  readonly length: number;
}

/** Synchronous cryptographic functions, for SASL mechanisms and delegation tokens. */
export interface Cryptography {
  /** Returns the digest of `data`. */
  hash(name: HashName, data: Uint8Array): Uint8Array;
  /** Returns the HMAC of `data` (RFC 2104). */
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Derives a key from a password with PBKDF2 over HMAC (RFC 8018). */
  pbkdf2(name: HashName, input: Pbkdf2Input): Uint8Array;
  /** Returns random bytes from {@linkcode Runtime.random}. */
  randomBytes(length: number): Uint8Array;
}

/** Everything that the host provides. */
export interface Runtime {
  readonly name: "deno" | "node" | "bun" | "simulated";
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly crypto: Cryptography;
  readonly network: Network;
  readonly files: FileSystem;
  /** Loads the compressors, on first use, since most processes never compress. */
  codecs(): HostCodecs;
  /**
   * Returns the maximum number of files and sockets that the process may have open, or undefined if the
   * host does not report it. Absent if there is no limit.
   */
  openFileLimit?(): number | undefined;
}

/** A failed file operation. The message names the path and the operation. */
export class FileError extends Error {
  override readonly name = "FileError";
  constructor(
    message: string,
    /**
     * The kind of failure. `io` is a failure of the disk, `too-many-open` a lack of descriptors,
     * `refused` an invalid operation, such as on a directory instead of a file, or on a closed file.
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

/** The address is in use by another listener. */
export class AddressInUseError extends Error {
  override readonly name = "AddressInUseError";
}

/** The connection broke, was refused or was closed. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /**
   * `refused` if the machine answered that nothing listens at the address, `too-many-open` if the process or
   * the system had no descriptor left, `broken` otherwise.
   */
  readonly reason: "broken" | "refused" | "too-many-open";
  constructor(
    message: string,
    options?: ErrorOptions & { readonly reason?: "refused" | "too-many-open" },
  ) {
    super(message, options);
    this.reason = options?.reason ?? "broken";
  }
}

/**
 * Returns whether `error` or one of its causes is a lack of file descriptors (EMFILE, ENFILE). The file or
 * the peer is not at fault, and the same call succeeds once other files have been closed.
 */
export function isDescriptorShortage(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof FileError || at instanceof ConnectionError) {
      return at.reason === "too-many-open";
    }
  }
  return false;
}
