/**
 * The common parts of all scenarios: the simulated machines and nodes, what their processes hold, the
 * schedule of faults, and the failures that were found.
 *
 * @module
 */
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import type { Address, Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import type { SimulationOptions } from "../../src/simulator/simulation_options.ts";
import { Xoshiro128 } from "../../src/simulator/xoshiro.ts";
import type { NodeMachine } from "./node_machine.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { PartitionInvariants } from "./partition_invariants.ts";
import { NetworkTranscript } from "./transcript/network_transcript.ts";
import { STORED_CODECS } from "./stored_codecs.ts";

/** The maximum number of failures of a run: more say nothing new. */
const MAX_FAILURES = 20;
/** The maximum simulated duration of a run, ms. */
const RUN_LIMIT_MS = 1_800_000;

/** How long a process is watched after its shutdown, ms: several syncs of a fast disk. */
const LINGER_MS = 5;

/** Ends a run in which something has failed before. It is no failure of its own. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
}

/** The machines and findings of one run. */
export class World {
  readonly simulation: Simulation;
  readonly failures: string[] = [];
  readonly counts: Record<string, number> = {};
  /** The nodes of the cluster. */
  readonly nodes: NodeMachine[] = [];
  #invariants: PartitionInvariants | null = null;
  readonly #schedule: string[] = [];
  readonly #processes = new Map<string, KillableRuntime>();

  constructor(
    readonly seed: number,
    simulation: SimulationOptions,
    readonly options: RunOptions,
  ) {
    this.simulation = new Simulation(seed, {
      codecs: STORED_CODECS,
      transcriptLines: 20_000,
      ...options.decodesFrames && {
        observer: new NetworkTranscript((line) => this.simulation.note(line)),
      },
      ...simulation,
    });
  }

  /** Adds a node, whose partitions are checked after every event. */
  addNode(node: NodeMachine): void {
    this.nodes.push(node);
    this.#invariants ??= new PartitionInvariants(this, this.nodes);
  }

  /** The node `name`, which there must be. */
  node(name: string): NodeMachine {
    return this.nodes.find((node) => node.name === name)!;
  }

  /** The checks of the nodes' partitions. There must be a node. */
  get invariants(): PartitionInvariants {
    return this.#invariants!;
  }

  /** Where clients may connect. */
  get brokers(): Address[] {
    return this.nodes.filter(({ isBroker }) => isBroker).map(({ address }) => address);
  }

  /** The same, as clients are configured with it. */
  get bootstrapServers(): string {
    return this.brokers.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  /**
   * Adds drawn values to the schedule of the run, each with its description. Returns those that the
   * caller is to use: all but those that were dropped.
   */
  schedule<Value>(values: readonly Value[], describe: (value: Value) => string): Value[] {
    const first = this.#schedule.length + 1;
    this.#schedule.push(...values.map(describe));
    const { dropped } = this.options;
    return values.filter((_, index) => !dropped?.has(first + index));
  }

  /** Creates random numbers for one part of the scenario, so that parts do not shift one another. */
  random(label: string): Xoshiro128 {
    return new Xoshiro128(this.seed, label);
  }

  /** Records a failure. */
  fail(text: string): void {
    this.simulation.trace(`FAILED ${text}`);
    if (this.failures.length < MAX_FAILURES) this.failures.push(text);
  }

  /** Adds `by` to a count. */
  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** The runtime of the process that runs on `host` now. */
  runtime(host: string): Runtime {
    return this.process(host).runtime;
  }

  /** The process that runs on `host` now, which knows its timers, files and sockets. */
  process(host: string): KillableRuntime {
    let process = this.#processes.get(host);
    if (process === undefined) {
      const real = this.simulation.runtime(host);
      const given = this.options.sabotage?.(real, host, this.simulation) ?? real;
      process = new KillableRuntime(given);
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

  /** Cuts the power of `host` and restores it. The fate of what was not synced is drawn. */
  crash(host: string): void {
    this.simulation.crash(host, "random");
    this.#end(host);
    this.simulation.restart(host);
  }

  /** Fails if the process on `host`, which has shut down, holds something, or uses its runtime later. */
  expectNothingHeld(host: string): void {
    const process = this.process(host);
    const held = process.held();
    if (held.length > 0) this.fail(`${host} has shut down and still holds ${held.join(", ")}`);
    process.onUse = (what) => this.fail(`${host} has shut down, and then: ${what}`);
  }

  /** As {@linkcode World.expectNothingHeld}. Resolves when a late use would have shown. */
  async expectEnd(host: string): Promise<void> {
    this.expectNothingHeld(host);
    await this.pause(LINGER_MS);
  }

  /** Forgets the process on `host`, which has ended. */
  #end(host: string): void {
    const process = this.#processes.get(host);
    if (process !== undefined) process.onUse = null;
    this.#processes.delete(host);
  }

  /** Resolves after `delayMs` of simulated time, whatever is killed meanwhile. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.simulation.schedule(delayMs, resolve));
  }

  /** Polls `isTrue`. Returns false, and records a failure, when it takes too long. */
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

  /** Runs `play` to its end and returns the outcome. */
  async play(play: () => Promise<void>): Promise<Outcome> {
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
      schedule: this.#schedule,
      transcript: simulation.transcript,
    };
  }
}

/** Resolves after `delayMs` on the clock of a process, never when that is killed. */
export function pause({ clock }: Runtime, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}
