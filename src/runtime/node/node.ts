/**
 * The {@linkcode Runtime} of Node.js (22.15 and later) and Bun: `node:net`, `node:fs`, `node:zlib`.
 *
 * @module
 */

import type * as fs from "node:fs";
import type * as net from "node:net";
import type { Connection, Listener, Network, Runtime } from "../runtime.ts";
import { acceptShortage, connectError, listenError } from "../errors.ts";
import { hostClock, hostRandom } from "../host_clock.ts";
import { hostCryptography } from "../host_crypto.ts";
import { nodeFiles } from "./node_files.ts";
import type { BindAbstractSocket } from "../linux_claim.ts";
import { nodeTryLock } from "./node_lock.ts";
import { NodeConnection } from "./node_connection.ts";
import {
  LINUX_LIMITS,
  openFileLimitIn,
  openFileLimitOnce,
  wholeLimit,
} from "../open_file_limit.ts";
import { zlibCodecs, type ZlibModule } from "../zlib_codecs.ts";

/** Maximum number of connections waiting to be accepted; further ones are rejected, as by a full backlog. */
const MAX_UNACCEPTED = 1024;
/** The fraction of the process's descriptors that such connections may use. */
const UNACCEPTED_SHARE = 32;

/** The first version with zstd in `node:zlib`. */
const OLDEST_NODE: readonly [major: number, minor: number] = [22, 15];

type NodeFileSystem = typeof fs;
type NodeNet = typeof net;

/** Returns the runtime of this Node.js or Bun process. Throws an Error on Node.js before 22.15. */
export function nodeRuntime(): Runtime {
  const isBun = "Bun" in globalThis;
  if (!isBun) requireNodeVersion(process.versions.node);
  const fs = process.getBuiltinModule("node:fs");
  const net = process.getBuiltinModule("node:net");
  const bind = (name: string) => bindAbstractSocket(net, name);
  const random = hostRandom();
  let codecs: ReturnType<Runtime["codecs"]> | undefined;
  return {
    name: isBun ? "bun" : "node",
    clock: hostClock,
    random,
    crypto: hostCryptography(random),
    network: nodeNetwork(net, fs),
    files: nodeFiles(fs, nodeTryLock(fs, process.platform, process.pid, bind)),
    codecs: () => codecs ??= zlibCodecs(builtinZlib()),
    openFileLimit: () => openFileLimit(fs),
  };
}

/** Throws an Error that says what to do when `version`, such as "20.19.0", is too old. */
export function requireNodeVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || major === oldestMajor && minor >= oldestMinor) return;
  throw new Error(
    `Cannot run on Node.js ${version}: Millrace needs ${oldestMajor}.${oldestMinor} or later. ` +
      "Install a newer Node.js, or use Deno or Bun",
  );
}

function builtinZlib(): ZlibModule {
  return process.getBuiltinModule("node:zlib") as unknown as ZlibModule;
}

function openFileLimit(fs: NodeFileSystem): number | undefined {
  return openFileLimitOnce(() => findLimit(fs));
}

/** Reads the soft limit, which Node and Bun have already raised to the hard one. */
function findLimit(fs: NodeFileSystem): number | undefined {
  try {
    return openFileLimitIn(fs.readFileSync(LINUX_LIMITS, "utf8"));
  } catch {
    // Not Linux. A report takes milliseconds, and has the limit on macOS.
    return reportedLimit();
  }
}

function reportedLimit(): number | undefined {
  try {
    const { userLimits } = process.report!.getReport() as unknown as {
      readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } };
    };
    return wholeLimit(userLimits?.open_files?.soft);
  } catch {
    return undefined;
  }
}

/** Returns why listening on `host` failed: Bun does not tell that its name cannot be resolved. */
async function causeOf(error: Error, host: string): Promise<unknown> {
  if ("code" in error) return error;
  try {
    await process.getBuiltinModule("node:dns/promises").lookup(host);
  } catch (unresolved) {
    return unresolved;
  }
  return error;
}

function nodeNetwork(net: NodeNet, fs: NodeFileSystem): Network {
  const options = { allowHalfOpen: true, noDelay: true };
  return {
    listen: ({ host, port }): Promise<Listener> =>
      new Promise((resolve, reject) => {
        const server = net.createServer({ ...options, pauseOnConnect: true });
        const fail = async (cause: Error): Promise<void> =>
          reject(listenError(host, port, await causeOf(cause, host)));
        server.once("error", fail);
        server.listen({ host, port }, () => {
          server.off("error", fail);
          resolve(new NodeListener(server, openFileLimit(fs)));
        });
      }),
    connect: ({ host, port }): Promise<Connection> =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ ...options, host, port });
        const fail = (cause: Error): void => {
          socket.destroy();
          reject(connectError(host, port, cause));
        };
        socket.once("error", fail);
        socket.once("connect", () => {
          socket.off("error", fail);
          resolve(new NodeConnection(socket));
        });
      }),
  };
}

class NodeListener implements Listener {
  readonly address: Listener["address"];
  readonly #arrived: NodeConnection[] = [];
  readonly #waiting: {
    readonly resolve: (connection: Connection | null) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  readonly #maxUnaccepted: number;
  #closed = false;

  constructor(readonly server: net.Server, descriptorLimit: number = Infinity) {
    this.#maxUnaccepted = Math.min(MAX_UNACCEPTED, Math.ceil(descriptorLimit / UNACCEPTED_SHARE));
    const { address, port } = server.address() as net.AddressInfo;
    this.address = { host: address, port };
    server.on("connection", (socket) => this.#arrive(socket));
    // No descriptors: the host has closed the peer, or keeps it in the backlog.
    server.on("error", (cause) => {
      const shortage = acceptShortage(this.address, cause);
      if (shortage !== null) this.#waiting.shift()?.reject(shortage);
    });
  }

  #arrive(socket: net.Socket): void {
    if (this.#closed || this.#arrived.length >= this.#maxUnaccepted) {
      socket.destroy();
      return;
    }
    const connection = new NodeConnection(socket);
    const accept = this.#waiting.shift();
    if (accept) accept.resolve(connection);
    else this.#arrived.push(connection);
  }

  accept(): Promise<Connection | null> {
    if (this.#closed) return Promise.resolve(null);
    const connection = this.#arrived.shift();
    if (connection) return Promise.resolve(connection);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.server.close();
    for (const connection of this.#arrived.splice(0)) connection.close();
    for (const { resolve } of this.#waiting.splice(0)) resolve(null);
  }
}

function bindAbstractSocket(net: NodeNet, name: string): ReturnType<BindAbstractSocket> {
  const server = net.createServer((socket) => socket.destroy());
  server.on("error", () => {});
  // Binds synchronously; only the events are asynchronous.
  server.listen({ path: name, exclusive: true });
  if (!server.listening) return null;
  server.unref();
  return () => void server.close();
}
