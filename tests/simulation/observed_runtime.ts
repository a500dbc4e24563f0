/**
 * A runtime that remembers what its process holds: timers, files, sockets. Whoever has shut down
 * must hold nothing any more, and must use nothing any more.
 *
 * @module
 */
import type { Connection, FileHandle, Listener, Runtime } from "../../src/runtime/runtime.ts";

/** What a process has and has not given back. */
export class Holdings {
  readonly #held = new Set<string>();
  #count = 0;
  /** Called with each use of the runtime, once the process has shut down. */
  onUse: ((what: string) => void) | null = null;
  /** Called with the path of each file that is opened. */
  onOpen: ((path: string) => void) | null = null;

  /** Remembers something, and returns how to give it back. */
  take(what: string): () => void {
    const entry = `${what} (${++this.#count})`;
    this.#held.add(entry);
    return () => void this.#held.delete(entry);
  }

  /** Reports a use of the runtime after the end of the process. */
  use(what: string): void {
    this.onUse?.(what);
  }

  /** Everything there is, by name. */
  list(): string[] {
    return [...this.#held];
  }
}

/** `runtime`, with everything that is taken from it written down in `holdings`. */
export function observe(runtime: Runtime, holdings: Holdings): Runtime {
  const { clock, files, network } = runtime;
  return {
    name: runtime.name,
    random: runtime.random,
    codecs: () => runtime.codecs(),
    clock: {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      yieldToLoop: () => clock.yieldToLoop(),
      setTimer(delayMs, callback) {
        holdings.use(`sets a timer of ${delayMs} ms`);
        const giveBack = holdings.take(`a timer of ${delayMs} ms`);
        const timer = clock.setTimer(delayMs, () => {
          giveBack();
          callback();
        });
        return {
          cancel() {
            giveBack();
            timer.cancel();
          },
        };
      },
    },
    files: {
      open: (path, mode) => {
        holdings.use(`opens ${path}`);
        const file = observedFile(files.open(path, mode), path, holdings);
        holdings.onOpen?.(path);
        return file;
      },
      makeDirectory(path) {
        holdings.use(`makes ${path}`);
        files.makeDirectory(path);
      },
      list(path) {
        holdings.use(`lists ${path}`);
        return files.list(path);
      },
      exists(path) {
        holdings.use(`looks for ${path}`);
        return files.exists(path);
      },
      rename(from, to) {
        holdings.use(`renames ${from}`);
        files.rename(from, to);
      },
      remove(path) {
        holdings.use(`removes ${path}`);
        files.remove(path);
      },
      ...(files.removeLater !== undefined && {
        removeLater: (path: string) => {
          holdings.use(`removes ${path}`);
          return files.removeLater!(path);
        },
      }),
      syncDirectory(path) {
        holdings.use(`syncs ${path}`);
        return files.syncDirectory(path);
      },
      tryLock(path) {
        holdings.use(`locks ${path}`);
        const lock = files.tryLock(path);
        if (lock === null) return null;
        const giveBack = holdings.take(`the lock ${path}`);
        return {
          release() {
            giveBack();
            lock.release();
          },
        };
      },
    },
    network: {
      async listen(options) {
        holdings.use(`listens on ${options.host}:${options.port}`);
        return observedListener(await network.listen(options), holdings);
      },
      async connect(options) {
        holdings.use(`connects to ${options.host}:${options.port}`);
        return observedConnection(await network.connect(options), holdings);
      },
    },
  };
}

function observedFile(file: FileHandle, path: string, holdings: Holdings): FileHandle {
  const giveBack = holdings.take(`the file ${path}`);
  return {
    readAt(target, position) {
      holdings.use(`reads ${path}`);
      return file.readAt(target, position);
    },
    read(target, position) {
      holdings.use(`reads ${path}`);
      return file.read(target, position);
    },
    writeAt(bytes, position) {
      holdings.use(`writes ${path}`);
      file.writeAt(bytes, position);
    },
    size: () => file.size(),
    truncate(length) {
      holdings.use(`truncates ${path}`);
      file.truncate(length);
    },
    sync() {
      holdings.use(`syncs ${path}`);
      return file.sync();
    },
    close() {
      giveBack();
      file.close();
    },
  };
}

function observedListener(listener: Listener, holdings: Holdings): Listener {
  const giveBack = holdings.take(`the listener on port ${listener.address.port}`);
  return {
    address: listener.address,
    async accept() {
      const connection = await listener.accept();
      return connection === null ? null : observedConnection(connection, holdings);
    },
    close() {
      giveBack();
      listener.close();
    },
  };
}

function observedConnection(connection: Connection, holdings: Holdings): Connection {
  const { localAddress, remoteAddress } = connection;
  const giveBack = holdings.take(`a connection to ${remoteAddress.host}:${remoteAddress.port}`);
  return {
    localAddress,
    remoteAddress,
    get readable() {
      return connection.readable;
    },
    get writable() {
      return connection.writable;
    },
    readInto: (buffer) => connection.readInto!(buffer),
    writeAll: (bytes) => connection.writeAll!(bytes),
    close() {
      giveBack();
      connection.close();
    },
  };
}
