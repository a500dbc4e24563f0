/**
 * One process on a simulated machine: a {@linkcode KillableRuntime} on the machine's clock, network and
 * disk.
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
} from "../runtime/runtime.ts";
import { connectionRefused } from "../runtime/errors.ts";
import { hostCryptography } from "../runtime/host_crypto.ts";
import { KillableRuntime } from "../runtime/killable_runtime.ts";
import type { MachineClock } from "./machine_clock.ts";
import { ProcessEvents } from "./process_events.ts";
import { type ConnectionOwner, SimulatedConnection } from "./simulated_connection.ts";
import type { SimulatedDisk } from "./simulated_disk.ts";
import { SimulatedFiles } from "./simulated_files.ts";
import { SimulatedListener } from "./simulated_listener.ts";
import type { NetworkHost, SimulatedNetwork } from "./simulated_network.ts";

/** How long yielding takes. Not zero: a loop that yields and waits must not stop time. */
const YIELD_US = 10;
/** Names by which every machine reaches itself. */
const LOCAL_NAMES = new Set(["localhost", "127.0.0.1", "::1"]);
/** Addresses that stand for all addresses of a machine. */
const ANY_ADDRESS = new Set(["", "0.0.0.0", "::"]);

/** The parts of the simulation that a process uses. */
export interface ProcessSetting {
  readonly host: NetworkHost;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly clock: MachineClock;
  readonly random: RandomSource;
  readonly codecs: HostCodecs | undefined;
}

/** One process on a machine. */
export class SimulatedProcess implements ConnectionOwner {
  /** The runtime of the code in the process. */
  readonly runtime: Runtime;
  readonly #killable: KillableRuntime;
  /** Delivers all events of the process. */
  readonly events: ProcessEvents;
  #timers = 0;
  readonly #connections = new Set<SimulatedConnection>();
  readonly #listeners = new Set<SimulatedListener>();

  constructor(readonly setting: ProcessSetting) {
    this.events = new ProcessEvents(setting.network.time);
    this.#killable = new KillableRuntime({
      name: "simulated",
      clock: this.#clock(),
      random: setting.random,
      crypto: hostCryptography(setting.random),
      network: this.#network(),
      files: new SimulatedFiles(setting.disk, this.events),
      codecs: (): HostCodecs => {
        if (!setting.codecs) {
          throw new Error(
            "Cannot compress in this simulation: give it codecs, for example those of hostRuntime()",
          );
        }
        return setting.codecs;
      },
    });
    this.runtime = this.#killable.runtime;
  }

  #clock(): Clock {
    const { network: { trace }, host, clock } = this.setting;
    const startUs = clock.elapsedUs;
    const timers = {};
    const yields = {};
    return {
      now: () => clock.now(),
      monotonicMs: () => (clock.elapsedUs - startUs) / 1000,
      setTimer: (delayMs, callback) => {
        const number = ++this.#timers;
        return this.events.schedule(timers, clock.delayUs(delayMs), () => {
          trace(`timer ${host.name} ${number}`);
          callback();
        });
      },
      yieldToLoop: () =>
        new Promise((resolve) => {
          this.events.schedule(yields, YIELD_US, resolve);
        }),
    };
  }

  #network(): Network {
    return {
      listen: ({ host, port }) => new Promise((resolve) => resolve(this.#listen(host, port))),
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
        `Cannot listen on ${name}:${port}: the port is in use, stop the program there or choose another`,
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
    const target = LOCAL_NAMES.has(name) ? host : network.hosts.get(name);
    if (!target) {
      return Promise.reject(
        new ConnectionError(`Cannot connect to ${name}:${port}: there is no machine of that name`),
      );
    }
    const here = { host: host.name, port: host.takePort() };
    const there = { host: target.name, port };
    const outward = network.pipe(host, target);
    const inward = network.pipe(target, host);
    return new Promise((resolve, reject) => {
      let waiting = true;
      const answers = {};
      const fail = (error: ConnectionError): void => {
        if (!waiting) return;
        waiting = false;
        timeout.cancel();
        reject(error);
      };
      const timeout = this.events.schedule(answers, network.timing.connectTimeoutUs, () => {
        network.trace(`connect ${here.host}:${here.port} timeout`);
        fail(new ConnectionError(`Cannot connect to ${name}:${port}: it does not answer`));
      });
      outward.send(() => {
        network.trace(`connect ${here.host}:${here.port}>${there.host}:${port}`);
        if (!target.hasPower) return;
        const listener = target.listeners.get(port);
        if (!listener?.acceptsMore) {
          inward.send(() => {
            network.trace(`refused ${here.host}:${here.port}`);
            this.events.deliver(answers, () => fail(connectionRefused(`${name}:${port}`)));
          });
          return;
        }
        const { owner } = listener;
        const { random, trace, observer } = network;
        const ends = { random, trace, observer };
        const client = new SimulatedConnection({
          ...ends,
          localAddress: here,
          remoteAddress: there,
          out: outward,
          owner: this,
          isClient: true,
        });
        const server = new SimulatedConnection({
          ...ends,
          localAddress: there,
          remoteAddress: here,
          out: inward,
          owner,
          isClient: false,
        });
        client.join(server);
        this.own(client);
        owner.own(server);
        inward.send(() => {
          network.trace(`connected ${here.host}:${here.port}`);
          if (this.events.hasEnded) return client.close();
          this.events.deliver(answers, () => {
            if (!waiting) return client.close();
            waiting = false;
            timeout.cancel();
            resolve(client);
          });
        });
        listener.arrive(server);
      });
    });
  }

  /** Registers a connection to be ended with the process. */
  own(connection: SimulatedConnection): void {
    if (this.events.hasEnded) connection.orphan(!this.setting.host.hasPower);
    else this.#connections.add(connection);
  }

  /** As {@linkcode ConnectionOwner.forget}. */
  forget(connection: SimulatedConnection): void {
    this.#connections.delete(connection);
  }

  /** The connections to the machine `host`. */
  connectionsTo(host: string): SimulatedConnection[] {
    return [...this.#connections].filter(({ remoteAddress }) => remoteAddress.host === host);
  }

  /** Holds all events of the process, as SIGSTOP does. */
  pause(): void {
    this.events.pause();
  }

  /** Delivers the events that were held since {@linkcode SimulatedProcess.pause}. */
  resume(): void {
    this.events.resume(this.setting.network.random);
  }

  /**
   * Ends the process as {@linkcode KillableRuntime.kill} does. Peers see a reset, or nothing at all when the
   * machine has lost its power (`silent`).
   */
  end(silent: boolean): void {
    this.events.end();
    for (const listener of this.#listeners) listener.orphan();
    for (const connection of this.#connections) connection.orphan(silent);
    this.#connections.clear();
    this.#killable.kill();
  }
}
