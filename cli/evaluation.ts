/**
 * The common part of the two evaluations: limits, rates and output.
 *
 * @module
 */
import type { Arguments, Flag } from "./args.ts";
import { host } from "./host.ts";
import { LatencyHistogram } from "./latency.ts";
import { milliseconds, print, ProgressLine, rate, whole } from "./output.ts";

/** Flags that limit an evaluation. */
export const BOUND_FLAGS: readonly Flag[] = [
  { name: "records", value: "<number>", help: "exit after this number of records in total" },
  { name: "seconds", value: "<number>", help: "exit after this number of seconds" },
];

const PROGRESS_MS = 500;
/** The longest timer of the host: 2^31 - 1 ms, almost 25 days. */
const MAX_SECONDS = 2_147_483;

/** A running measurement. Workers report to it, and it notifies them when to stop. */
export class Evaluation {
  /** Latencies of all counted records. */
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

  /** Reads {@linkcode BOUND_FLAGS}. `what` is "Producer" or "Consumer". */
  constructor(what: "Producer" | "Consumer", args: Arguments) {
    this.#what = what;
    this.#limit = args.optionalWhole("records", 1, 1_000_000_000_000) ?? Infinity;
    this.#seconds = args.optionalPositive("seconds", MAX_SECONDS);
  }

  /** Number of records after which the evaluation ends, or Infinity. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether it has ended. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Number of counted records. */
  get count(): number {
    return this.#count;
  }

  /** Starts the progress line, on a terminal, and the timer of --seconds, and listens for Ctrl-C. */
  begin(): void {
    this.#shownAtMs = performance.now();
    host.onInterrupt(() => this.stop());
    if (this.#seconds !== undefined) {
      this.#timers.push(setTimeout(() => this.stop(), this.#seconds * 1000));
    }
    if (host.isOutputTerminal) this.#timers.push(setInterval(() => this.#show(), PROGRESS_MS));
  }

  /** Starts measuring the rate, unless it has started. */
  started(): void {
    if (this.#startedAtMs < 0) this.#startedAtMs = performance.now();
  }

  /** Counts completed records. Stops the evaluation at the limit. */
  counted(count: number): void {
    this.#count += count;
    this.#endedAtMs = performance.now();
    if (this.#count >= this.#limit) this.stop();
  }

  /** Calls `callback` when the evaluation stops. */
  onStop(callback: () => void): void {
    if (this.#isStopped) callback();
    else this.#whenStopped.push(callback);
  }

  /** Stops the evaluation. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const callback of this.#whenStopped) callback();
  }

  /** Prints the result. */
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
