/**
 * The network of a simulation: machines by name, delays drawn from the seed, order kept within a
 * connection, partitions that hold traffic back until they heal.
 *
 * Messages are never lost or doubled while both machines have power: TCP hides that. What TCP does
 * not hide is simulated: delay, pieces cut anywhere, refusal, reset, silence.
 *
 * @module
 */

import type { SimulatedTime } from "./simulated_time.ts";
import type { SimulatedListener } from "./simulated_listener.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/** How long messages travel, in microseconds. */
export interface NetworkTiming {
  /** The shortest way between two machines. */
  readonly minDelayUs: number;
  /** The longest that is not slow. */
  readonly maxDelayUs: number;
  /** One message in this many takes up to `slowMaxUs`. */
  readonly slowOneIn: number;
  readonly slowMaxUs: number;
  /** How long connecting goes on without an answer. */
  readonly connectTimeoutUs: number;
}

/** A local network that hiccups at times. */
export const DEFAULT_NETWORK_TIMING: NetworkTiming = {
  minDelayUs: 50,
  maxDelayUs: 500,
  slowOneIn: 50,
  slowMaxUs: 5000,
  connectTimeoutUs: 30_000_000,
};

/** A machine as the network sees it. */
export interface NetworkHost {
  readonly name: string;
  /** Without power a machine answers nothing, not even with a refusal. */
  readonly hasPower: boolean;
  /** By port. */
  readonly listeners: Map<number, SimulatedListener>;
  /** Takes the next free port. */
  takePort(): number;
}

/** One direction of one connection: what goes in comes out later, in order. */
export class Pipe {
  readonly #travelling: (() => void)[] = [];
  #lastDueUs = 0;
  #held = 0;

  /** From one machine to another. */
  constructor(
    readonly network: SimulatedNetwork,
    readonly from: NetworkHost,
    readonly to: NetworkHost,
  ) {}

  /** Calls `deliver` when the message has arrived. */
  send(deliver: () => void): void {
    this.#travelling.push(deliver);
    this.#schedule();
  }

  #schedule(): void {
    const { time } = this.network;
    const dueUs = time.nowUs + this.network.drawDelayUs(this.from, this.to);
    this.#lastDueUs = Math.max(this.#lastDueUs, dueUs);
    time.schedule(this.#lastDueUs - time.nowUs, () => this.#arrive());
  }

  #arrive(): void {
    if (this.network.isCut(this.from.name, this.to.name)) {
      this.#held++;
      this.network.hold(this);
    } else {
      this.#travelling.shift()!();
    }
  }

  /** The partition that held messages back may have healed: lets them set out again. */
  resume(): void {
    const count = this.#held;
    this.#held = 0;
    for (let message = 0; message < count; message++) this.#schedule();
  }
}

/** What connects the machines. */
export class SimulatedNetwork {
  readonly hosts: Map<string, NetworkHost> = new Map();
  readonly #cuts = new Set<string>();
  #holding = new Set<Pipe>();

  /** `trace` hears of everything that arrives. */
  constructor(
    readonly time: SimulatedTime,
    readonly random: Xoshiro128,
    readonly timing: NetworkTiming,
    readonly trace: (event: string) => void,
  ) {}

  /** How long the next message between two machines travels, in microseconds. */
  drawDelayUs(from: NetworkHost, to: NetworkHost): number {
    if (from === to) return this.random.between(5, 30);
    const { minDelayUs, maxDelayUs, slowOneIn, slowMaxUs } = this.timing;
    return this.random.oneIn(slowOneIn)
      ? this.random.between(maxDelayUs, slowMaxUs)
      : this.random.between(minDelayUs, maxDelayUs);
  }

  /** Stops what goes `from` one machine `to` another. It is held, not lost. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
    this.trace(`cut ${from}>${to}`);
  }

  /** Undoes {@linkcode cut}. */
  mend(from: string, to: string): void {
    if (this.#cuts.delete(`${from}>${to}`)) this.trace(`mend ${from}>${to}`);
    this.#resumeAll();
  }

  /** Undoes every {@linkcode cut}. */
  mendAll(): void {
    this.#cuts.clear();
    this.trace("mend all");
    this.#resumeAll();
  }

  #resumeAll(): void {
    const pipes = this.#holding;
    this.#holding = new Set();
    for (const pipe of pipes) pipe.resume();
  }

  /** Whether nothing gets from one machine to the other. */
  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** Remembers that `pipe` waits for a partition to heal. */
  hold(pipe: Pipe): void {
    this.#holding.add(pipe);
  }
}
