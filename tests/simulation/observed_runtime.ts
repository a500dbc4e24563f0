/**
 * A runtime that remembers what its process holds: timers, files, sockets. Whoever has shut down
 * must hold nothing any more.
 *
 * @module
 */
import {
  type Connection,
  FileError,
  type FileHandle,
  type Listener,
  type Runtime,
} from "../../src/runtime/runtime.ts";

/** What a process has and has not given back. */
export class Holdings {
  readonly #held = new Set<string>();
  #count = 0;
  /** While true, no file grows. */
  isDiskFull = false;
  /** Called with the path of each file that is opened. */
  onOpen: ((path: string) => void) | null = null;

  /** Remembers something, and returns how to give it back. */
  take(what: string): () => void {
    const entry = `${what} (${++this.#count})`;
    this.#held.add(entry);
    return () => void this.#held.delete(entry);
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
        const file = observedFile(files.open(path, mode), path, holdings);
        holdings.onOpen?.(path);
        return file;
      },
      makeDirectory: (path) => files.makeDirectory(path),
      list: (path) => files.list(path),
      exists: (path) => files.exists(path),
      rename: (from, to) => files.rename(from, to),
      remove: (path) => files.remove(path),
      ...(files.removeLater === undefined
        ? {}
        : { removeLater: (path: string) => files.removeLater!(path) }),
      syncDirectory: (path) => files.syncDirectory(path),
      tryLock(path) {
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
        return observedListener(await network.listen(options), holdings);
      },
      async connect(options) {
        return observedConnection(await network.connect(options), holdings);
      },
    },
  };
}

function observedFile(file: FileHandle, path: string, holdings: Holdings): FileHandle {
  const giveBack = holdings.take(`the file ${path}`);
  return {
    readAt: (target, position) => file.readAt(target, position),
    read: (target, position) => file.read(target, position),
    writeAt(bytes, position) {
      if (holdings.isDiskFull && position + bytes.length > file.size()) {
        throw new FileError(`Cannot write "${path}": the simulated disk is full`, "no-space");
      }
      file.writeAt(bytes, position);
    },
    size: () => file.size(),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
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
