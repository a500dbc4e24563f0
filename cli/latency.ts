/**
 * A latency histogram of constant size with logarithmic buckets: percentiles are exact to within two
 * percent.
 *
 * @module
 */

/** Buckets per doubling. */
const PER_DOUBLING = 40;
/** Covers one microsecond to more than an hour. */
const BUCKETS = 32 * PER_DOUBLING;

/** Counts latencies. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  /** Number of counted latencies. */
  get count(): number {
    return this.#count;
  }

  /** Largest latency, ms, exact. */
  get max(): number {
    return this.#max;
  }

  /** Counts a latency, ms. A negative one, from clocks that differ, counts as 0. */
  add(ms: number): void {
    const microseconds = ms > 0 ? ms * 1000 : 0;
    const bucket = microseconds < 1 ? 0 : Math.floor(Math.log2(microseconds) * PER_DOUBLING) + 1;
    this.#counts[Math.min(bucket, BUCKETS - 1)]!++;
    this.#count++;
    if (ms > this.#max) this.#max = ms;
  }

  /** Returns the latency, ms, that `fraction` (0 to 1) of all do not exceed; 0 if there are none. */
  percentile(fraction: number): number {
    const rank = Math.max(1, Math.ceil(this.#count * fraction));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) {
        const upper = bucket === 0 ? 0 : 2 ** (bucket / PER_DOUBLING) / 1000;
        return Math.min(upper, this.#max);
      }
    }
    return this.#max;
  }
}
