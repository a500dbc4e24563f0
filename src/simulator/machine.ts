/**
 * One simulated machine: what outlives the processes on it.
 *
 * @module
 */

import type { MachineClock } from "./machine_clock.ts";
import type { SimulatedDisk } from "./simulated_disk.ts";
import type { SimulatedListener } from "./simulated_listener.ts";
import type { NetworkHost } from "./simulated_network.ts";
import type { SimulatedProcess } from "./simulated_process.ts";

const FIRST_FREE_PORT = 49_152;
const LAST_PORT = 65_535;

/** A machine with its disk, its clock, its ports and the process that runs on it. */
export class Machine implements NetworkHost {
  readonly listeners: Map<number, SimulatedListener> = new Map();
  hasPower = true;
  /** The process that runs, unless it was killed or has crashed. */
  process: SimulatedProcess | undefined;
  /** How many processes have been started. */
  starts = 0;
  #nextPort = FIRST_FREE_PORT;

  constructor(
    readonly name: string,
    readonly disk: SimulatedDisk,
    readonly clock: MachineClock,
  ) {}

  /** As {@linkcode NetworkHost.takePort}. */
  takePort(): number {
    do {
      this.#nextPort = this.#nextPort === LAST_PORT ? FIRST_FREE_PORT : this.#nextPort + 1;
    } while (this.listeners.has(this.#nextPort));
    return this.#nextPort;
  }
}
