/**
 * One process on a simulated machine: a {@linkcode Runtime} that ends when the process does.
 *
 * @module
 */

import {
  AddressInUseError,
  type Clock,
  type Connection,
  ConnectionError,
  type HostCodecs,
  type Listener,
  type Network,
  type RandomSource,
  type Runtime,
  type Timer,
} from "../runtime/runtime.ts";
import { SimulatedConnection } from "./simulated_connection.ts";
import type { SimulatedDisk } from "./simulated_disk.ts";
import { SimulatedFiles } from "./simulated_files.ts";
import { SimulatedListener } from "./simulated_listener.ts";
import { type NetworkHost, Pipe, type SimulatedNetwork } from "./simulated_network.ts";

/** How long yielding takes. Not zero: a loop that yields and waits must not stop time. */
const YIELD_US = 10;
/** Names under which every machine finds itself. */
const LOCAL_NAMES = new Set(["localhost", "127.0.0.1", "::1"]);
/** Addresses that mean all of a machine's own. */
const ANY_ADDRESS = new Set(["", "0.0.0.0", "::"]);

/** What a process is given by its simulation. */
export interface ProcessSetting {
  readonly host: NetworkHost;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly random: RandomSource;
  /** Wall-clock time at the start of the run, in milliseconds since 1970. */
  readonly epochMs: number;
  readonly codecs: HostCodecs | undefined;
}

/** A process; `runtime` is what its code sees. */
export class SimulatedProcess {
  /** What the process's code is handed. */
  readonly runtime: Runtime;
  #alive = true;
  #timers = 0;
  readonly #files: SimulatedFiles;
  readonly #connections = new Set<SimulatedConnection>();
  readonly #listeners = new Set<SimulatedListener>();

  constructor(readonly setting: ProcessSetting) {
    this.#files = new SimulatedFiles(
      setting.disk,
      (delayUs, callback) => void this.#schedule(delayUs, callback),
    );
    this.runtime = {
      name: "simulated",
      clock: this.#clock(),
      random: setting.random,
      network: this.#network(),
      files: this.#files,
      codecs: (): HostCodecs => {
        if (!setting.codecs) {
          throw new Error(
            "Cannot compress in this simulation: give it codecs, for example those of hostRuntime()",
          );
        }
        return setting.codecs;
      },
    };
  }

  /** Calls `callback` later, unless the process has ended by then. */
  #schedule(delayUs: number, callback: () => void): Timer {
    return this.setting.network.time.schedule(delayUs, () => {
      if (this.#alive) callback();
    });
  }

  #clock(): Clock {
    const { network: { time, trace }, epochMs, host } = this.setting;
    return {
      now: () => epochMs + Math.floor(time.nowUs / 1000),
      monotonicMs: () => time.nowUs / 1000,
      setTimer: (delayMs, callback) => {
        const number = ++this.#timers;
        return this.#schedule(Math.max(1, Math.round(delayMs * 1000)), () => {
          trace(`timer ${host.name} ${number}`);
          callback();
        });
      },
      yieldToLoop: () =>
        new Promise((resolve) => {
          this.#schedule(YIELD_US, resolve);
        }),
    };
  }

  #network(): Network {
    return {
      // deno-lint-ignore require-await -- a throw becomes a rejection
      listen: async ({ host, port }) => this.#listen(host, port),
      connect: ({ host, port }) => this.#connect(host, port),
    };
  }

  #listen(name: string, wantedPort: number): Listener {
    const { host } = this.setting;
    if (name !== host.name && !LOCAL_NAMES.has(name) && !ANY_ADDRESS.has(name)) {
      throw new ConnectionError(
        `Cannot listen on ${name}:${wantedPort}: this machine does not have that address`,
      );
    }
    const port = wantedPort === 0 ? host.takePort() : wantedPort;
    if (host.listeners.has(port)) {
      throw new AddressInUseError(
        `Cannot listen on ${name}:${port}: the port is taken, stop what uses it or choose another`,
      );
    }
    const listener = new SimulatedListener({ host: name, port }, this, () => {
      host.listeners.delete(port);
      this.#listeners.delete(listener);
    });
    host.listeners.set(port, listener);
    this.#listeners.add(listener);
    return listener;
  }

  #connect(name: string, port: number): Promise<Connection> {
    const { host, network } = this.setting;
    if (!this.#alive) return new Promise(() => {});
    const target = LOCAL_NAMES.has(name) ? host : network.hosts.get(name);
    if (!target) {
      return Promise.reject(
        new ConnectionError(`Cannot connect to ${name}:${port}: there is no machine of that name`),
      );
    }
    const here = { host: host.name, port: host.takePort() };
    const there = { host: target.name, port };
    const outward = new Pipe(network, host, target);
    const inward = new Pipe(network, target, host);
    return new Promise((resolve, reject) => {
      let waiting = true;
      const fail = (why: string): void => {
        waiting = false;
        timeout.cancel();
        if (this.#alive) reject(new ConnectionError(`Cannot connect to ${name}:${port}: ${why}`));
      };
      const timeout = this.#schedule(network.timing.connectTimeoutUs, () => {
        network.trace(`connect ${here.host}:${here.port} timeout`);
        fail("it does not answer");
      });
      outward.send(() => {
        network.trace(`connect ${here.host}:${here.port}>${there.host}:${port}`);
        if (!target.hasPower) return;
        const listener = target.listeners.get(port);
        if (!listener?.hasRoom) {
          inward.send(() => {
            network.trace(`refused ${here.host}:${here.port}`);
            if (waiting) fail("nothing listens there, check the address and that the broker runs");
          });
          return;
        }
        const { owner } = listener;
        const client = new SimulatedConnection(here, there, outward, this.#forget);
        const server = new SimulatedConnection(there, here, inward, owner.#forget);
        client.join(server);
        this.#own(client);
        owner.#own(server);
        inward.send(() => {
          network.trace(`connected ${here.host}:${here.port}`);
          if (!this.#alive || !waiting) {
            client.close();
            return;
          }
          waiting = false;
          timeout.cancel();
          resolve(client);
        });
        listener.arrive(server);
      });
    });
  }

  #own(connection: SimulatedConnection): void {
    if (this.#alive) this.#connections.add(connection);
    else connection.orphan(!this.setting.host.hasPower);
  }

  readonly #forget = (connection: SimulatedConnection): void => {
    this.#connections.delete(connection);
  };

  /**
   * The process ends at once: timers do not fire, pending work never settles, files and locks are
   * free. Peers see a reset, or nothing at all when the machine has lost its power (`silent`).
   */
  end(silent: boolean): void {
    this.#alive = false;
    this.#files.end();
    for (const listener of this.#listeners) listener.orphan();
    for (const connection of this.#connections) connection.orphan(silent);
    this.#connections.clear();
  }
}
