/**
 * The {@linkcode Runtime} of Deno: its own functions for the network and files, and `node:zlib` on first
 * use. Loading `node:net` and `node:fs` would add 40 ms to every start.
 *
 * @module
 */

import {
  type Address,
  type Connection,
  ConnectionError,
  type Listener,
  type Network,
  type Runtime,
} from "../runtime.ts";
import { acceptShortage, connectError, listenError } from "../errors.ts";
import { hostClock, hostRandom } from "../host_clock.ts";
import { hostCryptography } from "../host_crypto.ts";
import { unmappedHost } from "../ip_address.ts";
import { denoFiles } from "./deno_files.ts";
import { denoTryLock } from "./deno_lock.ts";
import { LINUX_LIMITS, openFileLimitIn, openFileLimitOnce } from "../open_file_limit.ts";
import { readableOver, writableOver } from "../streams.ts";
import { zlibCodecs, type ZlibModule } from "../zlib_codecs.ts";

/** Delay of `accept` after a failure of the system. */
const ACCEPT_BACKOFF_MS = 50;

/** Makes the runtime of the Deno process this runs in. */
export function denoRuntime(): Runtime {
  const random = hostRandom();
  let codecs: ReturnType<Runtime["codecs"]> | undefined;
  return {
    name: "deno",
    clock: hostClock,
    random,
    crypto: hostCryptography(random),
    network: denoNetwork,
    files: denoFiles(denoTryLock),
    codecs: () => codecs ??= zlibCodecs(builtinZlib()),
    openFileLimit: () => openFileLimitOnce(findLimit),
  };
}

/** Reads the soft limit, which Deno has already raised to the hard one. */
function findLimit(): number | undefined {
  try {
    return openFileLimitIn(Deno.readTextFileSync(LINUX_LIMITS));
  } catch {
    // Not Linux, or not permitted.
    return undefined;
  }
}

function builtinZlib(): ZlibModule {
  // Not an import: loaded on first use, synchronously.
  // deno-lint-ignore no-process-global
  return process.getBuiltinModule("node:zlib") as unknown as ZlibModule;
}

function addressOf(address: Deno.Addr): Address {
  const { hostname, port } = address as Deno.NetAddr;
  return { host: unmappedHost(hostname), port };
}

const denoNetwork: Network = {
  // deno-lint-ignore require-await -- a throw becomes a rejection
  async listen({ host, port }): Promise<Listener> {
    try {
      return new DenoListener(host === "" ? listenEverywhere(port) : listenOn(host, port));
    } catch (cause) {
      throw listenError(host, port, cause);
    }
  },
  async connect({ host, port }): Promise<Connection> {
    try {
      return new DenoConnection(await Deno.connect({ hostname: host, port }));
    } catch (cause) {
      throw connectError(host, port, cause);
    }
  },
};

function listenOn(hostname: string, port: number): Deno.TcpListener {
  return Deno.listen({ hostname, port });
}

/** Listens on all addresses of IPv6 and IPv4, or of IPv4 only if the machine has no IPv6. */
function listenEverywhere(port: number): Deno.TcpListener {
  try {
    return listenOn("::", port);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return listenOn("0.0.0.0", port);
  }
}

class DenoListener implements Listener {
  readonly address: Address;
  #closed = false;
  /** Ends the back-off. */
  #wake: (() => void) | undefined;

  constructor(readonly inner: Deno.TcpListener) {
    this.address = addressOf(inner.addr);
  }

  async accept(): Promise<Connection | null> {
    while (!this.#closed) {
      try {
        return new DenoConnection(await this.inner.accept());
      } catch (cause) {
        if (this.#closed) break;
        const shortage = acceptShortage(this.address, cause);
        if (shortage !== null) throw shortage;
        // The peer has left before it was accepted: continue after a delay.
        await this.#backOff();
      }
    }
    return null;
  }

  #backOff(): Promise<void> {
    return new Promise((resolve) => {
      const timer = hostClock.setTimer(ACCEPT_BACKOFF_MS, resolve);
      this.#wake = (): void => {
        timer.cancel();
        resolve();
      };
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake?.();
    this.inner.close();
  }
}

class DenoConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  #closed = false;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  constructor(readonly inner: Deno.TcpConn) {
    this.localAddress = addressOf(inner.localAddr);
    this.remoteAddress = addressOf(inner.remoteAddr);
    try {
      inner.setNoDelay(true);
    } catch {
      // The peer has already left: the first read reports it.
    }
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOver(this);
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOver(this);
  }

  async readInto(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.inner.read(buffer);
    } catch (cause) {
      throw this.#broken("read from", cause);
    }
  }

  async writeAll(bytes: Uint8Array): Promise<void> {
    try {
      let written = await this.inner.write(bytes);
      while (written < bytes.length) written += await this.inner.write(bytes.subarray(written));
    } catch (cause) {
      throw this.#broken("write to", cause);
    }
  }

  #broken(action: string, cause: unknown): ConnectionError {
    const { host, port } = this.remoteAddress;
    const why = this.#closed
      ? "the connection was closed here"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    return new ConnectionError(`Cannot ${action} ${host}:${port}: ${why}`, { cause });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.inner.close();
  }
}
