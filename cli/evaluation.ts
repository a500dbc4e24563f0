/**
 * What the two evaluations share: when they end, how fast they are, what they show.
 *
 * @module
 */
import type { Arguments, Flag } from "./args.ts";
import { host } from "./host.ts";
import { LatencyHistogram } from "./latency.ts";
import { milliseconds, print, ProgressLine, rate, whole } from "./output.ts";

/** Flags that bound an evaluation. */
export const BOUND_FLAGS: readonly Flag[] = [
  { name: "records", value: "<number>", help: "end after so many records in all" },
  { name: "seconds", value: "<number>", help: "end after so many seconds" },
];

const PROGRESS_MS = 500;
/** What a timer of the host can wait: 2^31 - 1 ms, almost 25 days. */
const MAX_SECONDS = 2_147_483;

/** A measurement under way: workers report to it, and it tells them when to stop. */
export class Evaluation {
  /** Latencies of everything counted. */
  readonly latencies: LatencyHistogram = new LatencyHistogram();
  readonly #what: string;
  readonly #progress = new ProgressLine();
  readonly #whenStopped: (() => void)[] = [];
  readonly #limit: number;
  readonly #seconds: number | undefined;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #count = 0;
  #startedAtMs = -1;
  #endedAtMs = -1;
  #shownCount = 0;
  #shownAtMs = 0;
  #isStopped = false;

  /** `what` is measured: "Producer" or "Consumer". Reads {@linkcode BOUND_FLAGS}. */
  constructor(what: "Producer" | "Consumer", args: Arguments) {
    this.#what = what;
    this.#limit = args.optionalWhole("records", 1, 1_000_000_000_000) ?? Infinity;
    this.#seconds = args.optionalPositive("seconds", MAX_SECONDS);
  }

  /** How many records the evaluation ends after, Infinity for no bound. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether it has ended. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** How many records were counted. */
  get count(): number {
    return this.#count;
  }

  /** Begins: a progress line on a terminal, an end at Ctrl-C or when the time is up. */
  begin(): void {
    this.#shownAtMs = performance.now();
    host.onInterrupt(() => this.stop());
    if (this.#seconds !== undefined) {
      this.#timers.push(setTimeout(() => this.stop(), this.#seconds * 1000));
    }
    if (host.isOutputTerminal) this.#timers.push(setInterval(() => this.#show(), PROGRESS_MS));
  }

  /** The clock of the rate starts now, unless it runs. */
  started(): void {
    if (this.#startedAtMs < 0) this.#startedAtMs = performance.now();
  }

  /** Counts `count` records that are done. At the bound it stops everybody. */
  counted(count: number): void {
    this.#count += count;
    this.#endedAtMs = performance.now();
    if (this.#count >= this.#limit) this.stop();
  }

  /** Calls back when it is time to stop. */
  onStop(callback: () => void): void {
    if (this.#isStopped) callback();
    else this.#whenStopped.push(callback);
  }

  /** Tells everybody to stop. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const callback of this.#whenStopped) callback();
  }

  /** Shows the result. */
  report(): void {
    this.stop();
    this.#progress.clear();
    const seconds = Math.max(0, this.#endedAtMs - this.#startedAtMs) / 1000;
    const perSecond = seconds > 0 ? this.#count / seconds : 0;
    print(`${this.#what} Throughput: ${rate(perSecond)} msg/s`);
    print(
      `${whole(this.#count)} records in ${seconds.toFixed(2)} s, latency ${this.#percentiles()}`,
    );
  }

  #percentiles(): string {
    const { latencies } = this;
    if (latencies.count === 0) return "not measured";
    const shown = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]] as const;
    const parts = shown.map(([name, at]) => `${name} ${milliseconds(latencies.percentile(at))} ms`);
    return [...parts, `max ${milliseconds(latencies.max)} ms`].join(", ");
  }

  #show(): void {
    const now = performance.now();
    const perSecond = (this.#count - this.#shownCount) / (now - this.#shownAtMs) * 1000;
    this.#shownCount = this.#count;
    this.#shownAtMs = now;
    const p99 = milliseconds(this.latencies.percentile(0.99));
    this.#progress.show(`${whole(this.#count)} records  ${whole(perSecond)} msg/s  p99 ${p99} ms`);
  }
}
