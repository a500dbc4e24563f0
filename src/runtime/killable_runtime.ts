/**
 * A runtime that can be killed, as `kill -9` kills a process: a node on it ends in the middle of what
 * it does, while the process that hosts it goes on. It also knows what has not been given back, so that
 * tests find leaks after an orderly shutdown.
 *
 * @module
 */

import { ProcessEnded } from "./process_ended.ts";
import type {
  Address,
  Clock,
  Connection,
  DirectoryLock,
  FileHandle,
  FileSystem,
  Listener,
  Network,
  Runtime,
} from "./runtime.ts";
import { readableOver, writableOver } from "./streams.ts";

/** Something that must be given back: a timer, a file, a lock, a socket. */
interface Held {
  readonly name: string;
  /** Gives it back to the host, without the owner. */
  release(): void;
}

/**
 * Wraps a runtime so that all use of it can be ended at once. After {@linkcode KillableRuntime.kill}
 *
 * - no timer fires, and no promise of the runtime settles, pending or new;
 * - connections break, so that the peers notice, and listeners are closed;
 * - files are closed without a sync: what was written stays in the page cache, as after `kill -9`;
 * - locks are released, so that the next process can start on the same directories;
 * - synchronous operations throw {@linkcode ProcessEnded}.
 */
export class KillableRuntime {
  /** What the node is given. */
  readonly runtime: Runtime;
  /** Called with a description of each use. Set it once nothing may use the runtime any more. */
  onUse: ((what: string) => void) | null = null;
  /** Called with the path of each file that has been opened. */
  onOpen: ((path: string) => void) | null = null;
  readonly #held = new Set<Held>();
  #isKilled = false;

  constructor(host: Runtime) {
    this.runtime = {
      ...host,
      codecs: () => host.codecs(),
      clock: this.#clock(host.clock),
      network: this.#network(host.network),
      files: this.#files(host.files),
    };
  }

  /** Whether {@linkcode KillableRuntime.kill} has been called. */
  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Returns what has not been given back yet, described in words. */
  held(): string[] {
    return [...this.#held].map(({ name }) => name);
  }

  /** Ends all use at once. May be called twice. */
  kill(): void {
    this.#isKilled = true;
    const held = [...this.#held];
    this.#held.clear();
    for (const { release } of held) {
      try {
        release();
      } catch {
        // The host refuses, for a file that failed before. Nothing waits for the outcome.
      }
    }
  }

  /** Registers a use. Throws once the process has been killed. */
  #use(action: string, path: string): void {
    if (this.#isKilled) {
      throw new ProcessEnded(`Cannot ${action} "${path}": the process was killed`);
    }
    this.onUse?.(`${action} ${path}`);
  }

  /** Registers what is held until the returned function is called. */
  #hold(name: string, release: () => void): () => void {
    const held: Held = { name, release };
    this.#held.add(held);
    return () => void this.#held.delete(held);
  }

  /** Settles as `work` does, or never once the process was killed. */
  #unlessKilled<T>(work: () => Promise<T>): Promise<T> {
    return this.#opened(work, (value) => value, () => {});
  }

  /** Settles as `work` does, with `wrap` of its result. A result after the kill is closed. */
  async #opened<T, R>(
    work: () => Promise<T>,
    wrap: (value: T) => R,
    close: (late: T) => void,
  ): Promise<R> {
    if (this.#isKilled) return await never();
    try {
      const value = await work();
      if (!this.#isKilled) return wrap(value);
      close(value);
      return await never();
    } catch (error) {
      if (this.#isKilled) return await never();
      throw error;
    }
  }

  #clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      yieldToLoop: () => this.#unlessKilled(() => clock.yieldToLoop()),
      setTimer: (delayMs, callback) => {
        if (this.#isKilled) return { cancel: () => {} };
        const name = `a timer of ${delayMs} ms`;
        this.onUse?.(`set ${name}`);
        const timer = clock.setTimer(delayMs, () => {
          giveBack();
          if (!this.#isKilled) callback();
        });
        const giveBack = this.#hold(name, () => timer.cancel());
        return {
          cancel() {
            giveBack();
            timer.cancel();
          },
        };
      },
    };
  }

  #network(network: Network): Network {
    return {
      listen: (options) => {
        const name = `${options.host}:${options.port}`;
        this.onUse?.(`listen on ${name}`);
        return this.#opened(
          () => network.listen(options),
          (listener) => this.#listener(listener),
          (late) => late.close(),
        );
      },
      connect: (options) => {
        this.onUse?.(`connect to ${options.host}:${options.port}`);
        return this.#opened(
          () => network.connect(options),
          (connection) => this.#connection(connection),
          (late) => late.close(),
        );
      },
    };
  }

  #listener(listener: Listener): Listener {
    const name = `the listener on port ${listener.address.port}`;
    const giveBack = this.#hold(name, () => listener.close());
    return {
      address: listener.address,
      accept: () =>
        this.#opened(
          () => listener.accept(),
          (connection) => connection && this.#connection(connection),
          (late) => late?.close(),
        ),
      close: () => {
        giveBack();
        listener.close();
      },
    };
  }

  #connection(connection: Connection): Connection {
    const { host, port } = connection.remoteAddress;
    const giveBack = this.#hold(`a connection to ${host}:${port}`, () => connection.close());
    return new KillableConnection(
      connection,
      (work) => this.#unlessKilled(work),
      giveBack,
    );
  }

  #files(files: FileSystem): FileSystem {
    return {
      open: (path, mode) => {
        this.#use("open", path);
        const file = this.#file(files.open(path, mode), path);
        this.onOpen?.(path);
        return file;
      },
      makeDirectory: (path) => {
        this.#use("make", path);
        files.makeDirectory(path);
      },
      list: (path) => {
        this.#use("list", path);
        return files.list(path);
      },
      exists: (path) => {
        this.#use("look for", path);
        return files.exists(path);
      },
      rename: (from, to) => {
        this.#use("rename", from);
        files.rename(from, to);
      },
      remove: (path) => {
        this.#use("remove", path);
        files.remove(path);
      },
      ...(files.removeLater !== undefined && {
        removeLater: (path: string) => {
          this.onUse?.(`remove ${path}`);
          return this.#unlessKilled(() => files.removeLater!(path));
        },
      }),
      syncDirectory: (path) => {
        this.onUse?.(`sync ${path}`);
        return this.#unlessKilled(() => files.syncDirectory(path));
      },
      tryLock: (path) => {
        this.#use("lock", path);
        const lock = files.tryLock(path);
        return lock && this.#lock(lock, path);
      },
      ...(files.space !== undefined && {
        space: (path: string) => this.#unlessKilled(() => files.space!(path)),
      }),
    };
  }

  #lock(lock: DirectoryLock, path: string): DirectoryLock {
    const giveBack = this.#hold(`the lock ${path}`, () => lock.release());
    return {
      release() {
        giveBack();
        lock.release();
      },
    };
  }

  #file(file: FileHandle, path: string): FileHandle {
    const giveBack = this.#hold(`the file ${path}`, () => file.close());
    return {
      readAt: (target, position) => {
        this.#use("read", path);
        return file.readAt(target, position);
      },
      read: (target, position) => {
        this.onUse?.(`read ${path}`);
        return this.#unlessKilled(() => file.read(target, position));
      },
      writeAt: (bytes, position) => {
        this.#use("write", path);
        file.writeAt(bytes, position);
      },
      size: () => {
        this.#use("measure", path);
        return file.size();
      },
      truncate: (length) => {
        this.#use("truncate", path);
        file.truncate(length);
      },
      sync: () => {
        this.onUse?.(`sync ${path}`);
        return this.#unlessKilled(() => file.sync());
      },
      close: () => {
        giveBack();
        file.close();
      },
    };
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** A connection whose reads and writes never settle once its process was killed. */
class KillableConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly #connection: Connection;
  readonly #unlessKilled: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #giveBack: () => void;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  constructor(
    connection: Connection,
    unlessKilled: <T>(work: () => Promise<T>) => Promise<T>,
    giveBack: () => void,
  ) {
    this.localAddress = connection.localAddress;
    this.remoteAddress = connection.remoteAddress;
    this.#connection = connection;
    this.#unlessKilled = unlessKilled;
    this.#giveBack = giveBack;
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOver(this);
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOver(this);
  }

  /** As {@linkcode Connection.readInto}, which every runtime has. */
  readInto(buffer: Uint8Array): Promise<number | null> {
    return this.#unlessKilled(() => this.#connection.readInto!(buffer));
  }

  /** As {@linkcode Connection.writeAll}, which every runtime has. */
  writeAll(bytes: Uint8Array): Promise<void> {
    return this.#unlessKilled(() => this.#connection.writeAll!(bytes));
  }

  close(): void {
    this.#giveBack();
    this.#connection.close();
  }
}
