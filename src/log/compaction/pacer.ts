/**
 * When compaction and the checks of large batches rest: after a slice of time or bytes they let the
 * requests go first that have come meanwhile, and where the configuration limits the bytes a second of
 * compaction, it waits until they are its due.
 *
 * @module
 */
import type { Clock, Timer } from "../../runtime/runtime.ts";

/** How long one slice of work is, ms, without what is spent waiting for the disk. */
export const SLICE_MS = 0.6;
/** How many bytes one slice reads and writes at most: simulated time stands still during work. */
export const SLICE_BYTES = 1_048_576;
/**
 * How long others are left alone between two slices, ms. A turn of the event loop is not enough: Deno
 * looks at its sockets when there is nothing else to do, or after dozens of turns.
 */
export const PAUSE_MS = 1;
/** Bytes may be used so much ahead of their time, ms. */
const BURST_MS = 300;
/** The longest single wait, ms: the limit may be raised meanwhile. */
const LONGEST_WAIT_MS = 1_000;

/** Thrown by {@linkcode Pacer.rest} when the work is not wanted any more. */
export class CleaningStopped extends Error {
  override readonly name = "CleaningStopped";
}

/** How a {@linkcode Pacer} paces. */
export interface PacerOptions {
  readonly clock: Clock;
  /** `log.cleaner.io.max.bytes.per.second`: bytes read and written together. */
  readonly maxBytesPerSecond: () => number;
  /** The length of a slice: {@linkcode SLICE_MS} and {@linkcode SLICE_BYTES} unless told. */
  readonly sliceMs?: number;
  readonly sliceBytes?: number;
  /** The rest between two: {@linkcode PAUSE_MS} unless told; 0 for a turn of the event loop. */
  readonly pauseMs?: number;
}

/** Paces the work of a cleaner. */
export class Pacer {
  readonly #clock: Clock;
  readonly #maxBytesPerSecond: () => number;
  readonly #sliceMs: number;
  readonly #sliceBytes: number;
  readonly #pauseMs: number;
  /** What the slice has taken so far, and since when somebody works. */
  #workMs = Infinity;
  #sinceMs: number;
  #bytes = 0;
  /** How far ahead of the limit the bytes so far are, in ms, and as of when. */
  #aheadMs = 0;
  #countedMs: number;
  #timer: Timer | null = null;
  #wake: (() => void) | null = null;
  #isStopped = false;

  /** A pacer that has just rested. */
  constructor(options: PacerOptions) {
    this.#clock = options.clock;
    this.#maxBytesPerSecond = options.maxBytesPerSecond;
    this.#sliceMs = options.sliceMs ?? SLICE_MS;
    this.#sliceBytes = options.sliceBytes ?? SLICE_BYTES;
    this.#pauseMs = options.pauseMs ?? PAUSE_MS;
    this.#sinceMs = this.#countedMs = this.#clock.monotonicMs();
  }

  /** Counts `bytes` read or written, and says whether it is time to rest. */
  spend(bytes: number): boolean {
    const now = this.#clock.monotonicMs();
    this.#workMs += now - this.#sinceMs;
    this.#sinceMs = now;
    this.#bytes += bytes;
    return this.#bytes >= this.#sliceBytes || this.#workMs >= this.#sliceMs;
  }

  /** Rests if it is time to: for between two parts of one piece of work. As {@linkcode Pacer.rest}. */
  readonly pause: () => Promise<void> = async () => {
    if (this.spend(0)) await this.rest();
  };

  /** The work goes on: since the last {@linkcode Pacer.spend} it has waited for the disk. */
  resume(): void {
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /** Resolves when the next slice may begin. Rejects with {@linkcode CleaningStopped} once stopped. */
  async rest(): Promise<void> {
    await this.#throttle();
    if (!this.#isStopped) await this.#clock.yieldToLoop();
    if (!this.#isStopped && this.#pauseMs > 0) await this.#wait(this.#pauseMs);
    this.check();
    this.#workMs = 0;
    this.resume();
  }

  /** Throws {@linkcode CleaningStopped} once stopped. */
  check(): void {
    if (this.#isStopped) throw new CleaningStopped("the cleaner has been stopped");
  }

  /** Ends every wait; the work stops where it is. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#wake?.();
  }

  async #throttle(): Promise<void> {
    const rate = this.#maxBytesPerSecond();
    const bytes = this.#bytes;
    this.#bytes = 0;
    const now = this.#clock.monotonicMs();
    this.#aheadMs = Math.max(0, this.#aheadMs - (now - this.#countedMs));
    this.#countedMs = now;
    if (!(rate > 0 && rate < Number.MAX_VALUE)) return;
    this.#aheadMs += bytes / rate * 1_000;
    while (this.#aheadMs > BURST_MS && !this.#isStopped) {
      await this.#wait(Math.min(this.#aheadMs, LONGEST_WAIT_MS));
      const later = this.#clock.monotonicMs();
      this.#aheadMs = Math.max(0, this.#aheadMs - (later - this.#countedMs));
      this.#countedMs = later;
    }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        this.#timer = null;
        resolve();
      };
      this.#timer = this.#clock.setTimer(Math.ceil(delayMs), this.#wake);
    });
  }
}
