/**
 * The frame of a scenario: the simulated machines, what their processes hold, and what was found to
 * be wrong.
 *
 * @module
 */
import type { Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import type { SimulationOptions } from "../../src/simulator/simulation_options.ts";
import { Xoshiro128 } from "../../src/simulator/xoshiro.ts";
import { Holdings, observe } from "./observed_runtime.ts";
import type { Outcome, Sabotage } from "./outcome.ts";
import { STORED_CODECS } from "./stored_codecs.ts";

/** More failures than this say nothing new. */
const MAX_FAILURES = 20;
/** How much simulated time a whole run may take, ms. */
const RUN_LIMIT_MS = 1_800_000;

/** How long a process that has shut down is watched, ms: several syncs of a fast disk. */
const LINGER_MS = 5;

interface Process {
  readonly runtime: Runtime;
  readonly holdings: Holdings;
}

/** Ends a run in which something has failed already. It is no failure of its own. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
}

/** Machines and findings of one run. */
export class World {
  readonly simulation: Simulation;
  readonly failures: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #processes = new Map<string, Process>();

  constructor(
    readonly seed: number,
    options: SimulationOptions,
    readonly sabotage: Sabotage | undefined,
  ) {
    this.simulation = new Simulation(seed, {
      codecs: STORED_CODECS,
      transcriptLines: 20_000,
      ...options,
    });
  }

  /** Chance of its own for a part of the scenario, so that parts do not shift one another. */
  random(label: string): Xoshiro128 {
    return new Xoshiro128(this.seed, label);
  }

  /** Notes that something does not hold. */
  fail(text: string): void {
    this.simulation.trace(`FAILED ${text}`);
    if (this.failures.length < MAX_FAILURES) this.failures.push(text);
  }

  /** Counts one more of something. */
  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** The runtime of the process that runs on `host` now. */
  runtime(host: string): Runtime {
    return this.#process(host).runtime;
  }

  /** What the process on `host` holds. */
  holdings(host: string): Holdings {
    return this.#process(host).holdings;
  }

  #process(host: string): Process {
    let process = this.#processes.get(host);
    if (process === undefined) {
      const holdings = new Holdings();
      const real = this.simulation.runtime(host);
      const given = this.sabotage?.(real, host, this.simulation) ?? real;
      process = { holdings, runtime: observe(given, holdings) };
      this.#processes.set(host, process);
    }
    return process;
  }

  /** Ends the process on `host` as `kill -9` does, and begins another over the same disk. */
  replaceProcess(host: string): void {
    this.simulation.kill(host);
    this.#end(host);
    this.simulation.restart(host);
  }

  /** Cuts the power of `host` and gives it back: what was not synced has a fate drawn by chance. */
  crash(host: string): void {
    this.simulation.crash(host, "random");
    this.#end(host);
    this.simulation.restart(host);
  }

  /** Fails when the process on `host`, which has shut down, still holds something or uses it later. */
  expectNothingHeld(host: string): void {
    const holdings = this.holdings(host);
    const held = holdings.list();
    if (held.length > 0) this.fail(`${host} has shut down and still holds ${held.join(", ")}`);
    holdings.onUse = (what) => this.fail(`${host} has shut down and ${what}`);
  }

  /** As {@linkcode World.expectNothingHeld}. Resolves when what is left of the process would have shown. */
  async expectEnd(host: string): Promise<void> {
    this.expectNothingHeld(host);
    await this.pause(LINGER_MS);
  }

  /** The process on `host` is over, whatever is left of it. */
  #end(host: string): void {
    const process = this.#processes.get(host);
    if (process !== undefined) process.holdings.onUse = null;
    this.#processes.delete(host);
  }

  /** Resolves after `delayMs` of simulated time, whatever is killed meanwhile. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.simulation.schedule(delayMs, resolve));
  }

  /** Waits for `isTrue`, looking every few milliseconds. False and a failure when it takes too long. */
  async waitFor(what: string, limitMs: number, isTrue: () => boolean): Promise<boolean> {
    const endMs = this.simulation.nowMs + limitMs;
    while (!isTrue()) {
      if (this.simulation.nowMs > endMs) {
        this.fail(`after ${limitMs} ms without faults it still does not hold that ${what}`);
        return false;
      }
      await this.pause(10);
    }
    return true;
  }

  /** Runs `play` to its end and says what it came to. */
  async run(play: () => Promise<void>): Promise<Outcome> {
    try {
      await this.simulation.run(play(), { limitMs: RUN_LIMIT_MS });
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      if (!(error instanceof GivenUp) || this.failures.length === 0) this.fail(text);
    }
    const { failures, counts, seed, simulation } = this;
    return {
      seed,
      traceHash: simulation.traceHash,
      failures,
      counts,
      transcript: simulation.transcript,
    };
  }
}

/** Resolves after `delayMs` on the clock of a process, never when that is killed. */
export function pause({ clock }: Runtime, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}
