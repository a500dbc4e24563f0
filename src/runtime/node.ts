/**
 * The {@linkcode Runtime} of Node (20.16 and later) and Bun: `node:net`, `node:fs`, `node:zlib`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import * as net from "node:net";
import * as process from "node:process";
import * as zlib from "node:zlib";
import type { Connection, Listener, Network, Runtime } from "./runtime.ts";
import { acceptShortage, connectError, listenError } from "./errors.ts";
import { hostClock, hostRandom } from "./host_clock.ts";
import { nodeFiles } from "./node_files.ts";
import type { BindAbstractSocket } from "./linux_claim.ts";
import { nodeTryLock } from "./node_lock.ts";
import { NodeConnection } from "./node_connection.ts";
import { LINUX_LIMITS, openFileLimitIn, wholeLimit } from "./open_file_limit.ts";
import { zlibCodecs, type ZlibModule } from "./zlib_codecs.ts";

/** Connections that wait to be accepted beyond this are refused, as a full backlog would. */
const MAX_UNACCEPTED = 1024;
/** The part of the process's descriptors that such connections may take. */
const UNACCEPTED_SHARE = 32;

/** Makes the runtime of the Node or Bun process this runs in. */
export function nodeRuntime(): Runtime {
  let codecs: ReturnType<Runtime["codecs"]> | undefined;
  return {
    name: "Bun" in globalThis ? "bun" : "node",
    clock: hostClock,
    random: hostRandom(),
    network: nodeNetwork,
    files: nodeFiles(nodeTryLock(process.platform, process.pid, bindAbstractSocket)),
    codecs: () => codecs ??= zlibCodecs(zlib as unknown as ZlibModule),
    openFileLimit,
  };
}

/** The limit, once it is known. */
let known: { readonly limit: number | undefined } | undefined;

function openFileLimit(): number | undefined {
  known ??= { limit: findLimit() };
  return known.limit;
}

/** Node and Bun have raised the soft limit to the hard one before this runs. */
function findLimit(): number | undefined {
  try {
    return openFileLimitIn(readFileSync(LINUX_LIMITS, "utf8"));
  } catch {
    // Not Linux. A report takes milliseconds, and has the limit on macOS.
    return reportedLimit();
  }
}

function reportedLimit(): number | undefined {
  try {
    const { userLimits } = process.report.getReport() as unknown as {
      readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } };
    };
    return wholeLimit(userLimits?.open_files?.soft);
  } catch {
    return undefined;
  }
}

const nodeNetwork: Network = {
  listen: ({ host, port }): Promise<Listener> =>
    new Promise((resolve, reject) => {
      const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
      const fail = (cause: Error): void => reject(listenError(host, port, cause));
      server.once("error", fail);
      server.listen({ host, port }, () => {
        server.off("error", fail);
        resolve(new NodeListener(server));
      });
    }),
  connect: ({ host, port }): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
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

class NodeListener implements Listener {
  readonly address: Listener["address"];
  readonly #arrived: NodeConnection[] = [];
  readonly #waiting: {
    readonly resolve: (connection: Connection | null) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  readonly #maxUnaccepted = Math.min(
    MAX_UNACCEPTED,
    Math.ceil((openFileLimit() ?? Infinity) / UNACCEPTED_SHARE),
  );
  #closed = false;

  constructor(readonly server: net.Server) {
    const { address, port } = server.address() as net.AddressInfo;
    this.address = { host: address, port };
    server.on("connection", (socket) => this.#arrive(socket));
    // Out of descriptors: the host has closed the peer, or keeps it in the backlog.
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

const bindAbstractSocket: BindAbstractSocket = (name) => {
  const server = net.createServer((socket) => socket.destroy());
  server.on("error", () => {});
  // Binds before it returns; only the events come later.
  server.listen({ path: name, exclusive: true });
  if (!server.listening) return null;
  server.unref();
  return () => void server.close();
};
