/**
 * A run of simulated machines that repeats exactly for the same seed.
 *
 * Everything that happens is an event: a timer, an arrival, the end of a sync. The simulation processes
 * one event at a time, in order of simulated time, and the next one only when every promise that the
 * last one could settle has settled. The code under test runs unchanged, with `await` and callbacks, and
 * yet in a single order.
 *
 * For a run to repeat exactly on every runtime, the code must wait for nothing but its
 * {@linkcode Runtime} (no `crypto.subtle`, no worker). Where one event wakes two tasks that share state,
 * they must not wait through Web Streams, whose number of steps differs by host. `readInto` and
 * `writeAll` do not have that problem.
 *
 * @module
 */

import type { Runtime, Timer } from "../runtime/runtime.ts";
import { turnOfLoop } from "../runtime/host_clock.ts";
import { Machine } from "./machine.ts";
import { MachineClock } from "./machine_clock.ts";
import type { LinkQuality } from "./network_link.ts";
import type { UnsyncedFate } from "./paged_file.ts";
import { DEFAULT_DISK_TIMING, SimulatedDisk } from "./simulated_disk.ts";
import { DEFAULT_NETWORK_TIMING, SimulatedNetwork } from "./simulated_network.ts";
import { SimulatedProcess } from "./simulated_process.ts";
import { SimulationError } from "./simulation_error.ts";
import type { SimulationOptions } from "./simulation_options.ts";
import { SimulatedTime } from "./simulated_time.ts";
import { Trace } from "./trace.ts";
import { Xoshiro128 } from "./xoshiro.ts";

/** 2026-01-01T00:00:00Z. */
const DEFAULT_EPOCH_MS = 1_767_225_600_000;
/** The default limit of {@linkcode Simulation.run}, in simulated time. */
const DEFAULT_LIMIT_MS = 3_600_000;

/**
 * Machines on one network, driven by {@linkcode Simulation.run}.
 *
 * @example A machine that is killed while another writes to it
 * ```ts
 * const simulation = new Simulation(42);
 * const server = simulation.runtime("server");
 * const client = simulation.runtime("client");
 * await simulation.run((async () => {
 *   const listener = await server.network.listen({ host: "server", port: 9092 });
 *   const connection = await client.network.connect({ host: "server", port: 9092 });
 *   await listener.accept();
 *   simulation.kill("server");
 *   const broken = await connection.readInto!(new Uint8Array(1)).catch((error) => error);
 *   if (broken.name !== "ConnectionError") throw broken;
 * })());
 * ```
 */
export class Simulation {
  /** Random numbers for the test itself, such as the times of faults. */
  readonly random: Xoshiro128;
  readonly #time = new SimulatedTime();
  readonly #trace: Trace;
  readonly #machines = new Map<string, Machine>();
  readonly #network: SimulatedNetwork;
  readonly #checks = new Set<() => void>();
  #running = false;

  /** Creates a run that depends only on `seed` (0 to 2^53 - 1) and on the code under test. */
  constructor(readonly seed: number, readonly options: SimulationOptions = {}) {
    this.random = new Xoshiro128(seed, "test");
    this.#trace = new Trace(options.transcriptLines ?? 500);
    this.#network = new SimulatedNetwork(
      this.#time,
      new Xoshiro128(seed, "network"),
      { ...DEFAULT_NETWORK_TIMING, ...options.network },
      (event) => this.trace(event),
      options.observer,
    );
  }

  /** Milliseconds of simulated time since the start, with fractions. */
  get nowMs(): number {
    return this.#time.nowUs / 1000;
  }

  /** A hash of all events so far, 16 hexadecimal digits. */
  get traceHash(): string {
    return this.#trace.hash;
  }

  /** The last events, oldest first. */
  get transcript(): string[] {
    return this.#trace.transcript;
  }

  /** Adds an event to the hash and the transcript. */
  trace(event: string): void {
    this.#trace.add(`${this.#time.nowUs} ${event}`);
  }

  /** Adds a line to the transcript only: the hash does not depend on it. */
  note(line: string): void {
    this.#trace.note(`${this.#time.nowUs} ${line}`);
  }

  #machine(name: string): Machine {
    let machine = this.#machines.get(name);
    if (!machine) {
      const disk = new SimulatedDisk(
        new Xoshiro128(this.seed, `disk ${name}`),
        { ...DEFAULT_DISK_TIMING, ...this.options.disk },
        (event) => this.trace(`disk ${name} ${event}`),
      );
      const clock = new MachineClock(
        this.#time,
        this.options.epochMs ?? DEFAULT_EPOCH_MS,
        (event) => this.trace(`clock ${name} ${event}`),
      );
      machine = new Machine(name, disk, clock);
      this.#machines.set(name, machine);
      this.#network.hosts.set(name, machine);
      this.#start(machine);
    }
    return machine;
  }

  #start(machine: Machine): Runtime {
    machine.hasPower = true;
    machine.starts++;
    machine.process = new SimulatedProcess({
      host: machine,
      network: this.#network,
      disk: machine.disk,
      clock: machine.clock,
      random: new Xoshiro128(this.seed, `process ${machine.name} ${machine.starts}`),
      codecs: this.options.codecs,
    });
    return machine.process.runtime;
  }

  /** Returns the runtime of the process on the machine `host`, which is created when first named. */
  runtime(host: string): Runtime {
    const { process } = this.#machine(host);
    if (!process) throw new SimulationError(`Cannot use "${host}": it was stopped, restart it`);
    return process.runtime;
  }

  /** The disk of the machine `host`, to make it fail. */
  disk(host: string): SimulatedDisk {
    return this.#machine(host).disk;
  }

  /** The clock of the machine `host`, to make it wrong. */
  clock(host: string): MachineClock {
    return this.#machine(host).clock;
  }

  /**
   * Stops the process on `host` as SIGSTOP does, for `forMs` or until {@linkcode resume}: its timers,
   * deliveries and disk completions are held. The kernel keeps working: it accepts connections and data
   * until its buffers are full, and the disk finishes its operations. Clocks keep running.
   */
  pause(host: string, forMs?: number): void {
    const { process } = this.#machine(host);
    if (!process) throw new SimulationError(`Cannot pause "${host}": no process runs there`);
    this.trace(`pause ${host}`);
    process.pause();
    if (forMs !== undefined) this.schedule(forMs, () => this.#resume(host, process));
  }

  /** Continues the process on `host`: all held events happen at once, in a legal order. */
  resume(host: string): void {
    this.#resume(host, this.#machine(host).process);
  }

  #resume(host: string, process: SimulatedProcess | undefined): void {
    if (!process?.events.isPaused) return;
    this.trace(`resume ${host}`);
    process.resume();
  }

  /**
   * Ends the process on `host` as `kill -9` does. The disk keeps everything that was written, synced
   * or not. Peers see their connections reset.
   */
  kill(host: string): void {
    const machine = this.#machine(host);
    this.trace(`kill ${host}`);
    machine.process?.end(false);
    machine.process = undefined;
  }

  /**
   * Cuts the power of `host`. Data that was not synced is lost, kept or torn, as `unsynced` says. Peers
   * notice nothing until the machine is restarted and they send something.
   */
  crash(host: string, unsynced: UnsyncedFate = "random"): void {
    const machine = this.#machine(host);
    this.trace(`crash ${host}`);
    machine.hasPower = false;
    machine.process?.end(true);
    machine.process = undefined;
    machine.disk.crash(unsynced);
  }

  /** Starts a new process on `host`, which was killed or has crashed, on the same disk. */
  restart(host: string): Runtime {
    const machine = this.#machine(host);
    if (machine.process) {
      throw new SimulationError(
        `Cannot restart "${host}": its process runs, kill or crash it first`,
      );
    }
    this.trace(`restart ${host}`);
    return this.#start(machine);
  }

  /** Blocks the traffic between two machines, or with `oneWay` only from the first to the second. */
  partition(one: string, other: string, options: { oneWay?: boolean } = {}): void {
    const [from, to] = [this.#machine(one), this.#machine(other)];
    this.#network.cut(from, to);
    if (!options.oneWay) this.#network.cut(to, from);
  }

  /** Ends the partition between two machines in both directions. Traffic that was held is delivered. */
  heal(one: string, other: string): void {
    const [from, to] = [this.#machine(one), this.#machine(other)];
    this.#network.uncut(from, to);
    this.#network.uncut(to, from);
  }

  /** Ends all partitions. */
  healAll(): void {
    this.#network.uncutAll();
  }

  /**
   * Changes how well messages get from one machine to another, and back unless `oneWay`. What is left
   * out of `quality` is as at the start of the run.
   */
  setLink(
    one: string,
    other: string,
    quality: Partial<LinkQuality>,
    options: { oneWay?: boolean } = {},
  ): void {
    const [from, to] = [this.#machine(one), this.#machine(other)];
    this.#network.setQuality(from, to, quality);
    if (!options.oneWay) this.#network.setQuality(to, from, quality);
  }

  /** Makes every link as good as it was at the start. Partitions stay. */
  restoreLinks(): void {
    this.#network.restoreQuality();
  }

  /** Breaks every connection between two machines at both ends; both processes live on. */
  reset(one: string, other: string): void {
    this.trace(`reset ${one} ${other}`);
    this.#machine(other);
    for (const connection of this.#machine(one).process?.connectionsTo(other) ?? []) {
      connection.breakOff();
    }
  }

  /**
   * Calls `check` after each event, when every promise has settled. A run fails by what it throws.
   * Returns how to end it.
   */
  afterEvent(check: () => void): () => void {
    this.#checks.add(check);
    return () => void this.#checks.delete(check);
  }

  /** Calls `callback` after `delayMs` of simulated time, even if machines are killed. */
  schedule(delayMs: number, callback: () => void): Timer {
    return this.#time.schedule(Math.max(0, Math.round(delayMs * 1000)), () => {
      this.trace("scheduled");
      callback();
    });
  }

  /** Processes all events up to `untilMs` of simulated time. */
  run(untilMs: number): Promise<void>;
  /**
   * Processes events until `done` settles, and resolves with its result. Rejects with a
   * {@linkcode SimulationError} if no events are left, or after `limitMs` of simulated time, which
   * defaults to an hour.
   */
  run<T>(done: PromiseLike<T>, options?: { limitMs?: number }): Promise<T>;
  async run<T>(
    until: number | PromiseLike<T>,
    options: { limitMs?: number } = {},
  ): Promise<T | void> {
    if (this.#running) throw new SimulationError("Cannot run: the simulation is running already");
    this.#running = true;
    try {
      if (typeof until === "number") return await this.#runUntil(until * 1000);
      return await this.#runFor(until, (options.limitMs ?? DEFAULT_LIMIT_MS) * 1000);
    } finally {
      this.#running = false;
    }
  }

  async #runUntil(untilUs: number): Promise<void> {
    await turnOfLoop();
    for (let next = this.#time.nextUs; next !== undefined && next <= untilUs;) {
      this.#time.step();
      await turnOfLoop();
      for (const check of this.#checks) check();
      next = this.#time.nextUs;
    }
    this.#time.advance(untilUs);
  }

  async #runFor<T>(done: PromiseLike<T>, limitUs: number): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    done.then(settle, settle);
    const endUs = this.#time.nowUs + limitUs;
    await turnOfLoop();
    while (!settled) {
      const next = this.#time.nextUs;
      if (next === undefined) throw this.#stuck("no events are left");
      if (next > endUs) throw this.#stuck(`${limitUs / 1000} ms of simulated time have passed`);
      this.#time.step();
      await turnOfLoop();
      for (const check of this.#checks) check();
    }
    return await done;
  }

  #stuck(why: string): SimulationError {
    return new SimulationError(
      `Cannot finish the run with seed ${this.seed}: at ${this.nowMs} ms ${why}, ` +
        `and the awaited promise has not settled\n${this.transcript.slice(-20).join("\n")}`,
    );
  }
}
