/**
 * Decides when compaction, and checks of large batches, pause. After a slice of time or bytes,
 * pending requests are processed first. If a limit of bytes per second is configured, the pacer
 * also waits as long as the limit requires.
 *
 * @module
 */
import type { Clock, Timer } from "../../runtime/runtime.ts";

/** The length of one slice of work, ms, not counting time spent waiting for the disk. */
export const SLICE_MS = 0.6;
/**
 * The maximum number of bytes per slice. Simulated time does not advance during work, so time alone
 * does not suffice.
 */
export const SLICE_BYTES = 1_048_576;
/**
 * The pause between two slices, ms. A turn of the event loop is not enough: Deno polls its sockets
 * only when there is nothing else to do, or after dozens of turns.
 */
export const PAUSE_MS = 1;
/** How far the bytes may be ahead of the configured rate, ms. */
const BURST_MS = 300;
/** The longest single wait, ms, since the limit may be raised in the meantime. */
const MAX_WAIT_MS = 1_000;

/** Thrown by {@linkcode Pacer.rest} after the work has been stopped. */
export class CleaningStopped extends Error {
  override readonly name = "CleaningStopped";
}

/** The settings of a {@linkcode Pacer}. */
export interface PacerOptions {
  readonly clock: Clock;
  /** `log.cleaner.io.max.bytes.per.second`: the sum of bytes read and written. */
  readonly maxBytesPerSecond: () => number;
  /** The length of a slice. The default is {@linkcode SLICE_MS} and {@linkcode SLICE_BYTES}. */
  readonly sliceMs?: number;
  readonly sliceBytes?: number;
  /**
   * The pause between two slices. The default is {@linkcode PAUSE_MS}; 0 yields one turn of the
   * event loop.
   */
  readonly pauseMs?: number;
  /** Whether a whole slice may be done before the first rest. Defaults to false: it rests at once. */
  readonly hasRested?: boolean;
}

/** Paces the work of a cleaner. */
export class Pacer {
  readonly #clock: Clock;
  readonly #maxBytesPerSecond: () => number;
  readonly #sliceMs: number;
  readonly #sliceBytes: number;
  readonly #pauseMs: number;
  /** The work of the current slice, and the time when its current part started. */
  #workMs = Infinity;
  #sinceMs: number;
  #bytes = 0;
  /** How far ahead of the limit the bytes are, ms, and as of when. */
  #aheadMs = 0;
  #countedMs: number;
  #timer: Timer | null = null;
  #wake: (() => void) | null = null;
  #isStopped = false;

  /** Creates a pacer that has just paused. */
  constructor(options: PacerOptions) {
    this.#clock = options.clock;
    this.#maxBytesPerSecond = options.maxBytesPerSecond;
    this.#sliceMs = options.sliceMs ?? SLICE_MS;
    this.#sliceBytes = options.sliceBytes ?? SLICE_BYTES;
    this.#pauseMs = options.pauseMs ?? PAUSE_MS;
    if (options.hasRested) this.#workMs = 0;
    this.#sinceMs = this.#countedMs = this.#clock.monotonicMs();
  }

  /** Counts `bytes` read or written. Returns whether a pause is due. */
  spend(bytes: number): boolean {
    const now = this.#clock.monotonicMs();
    this.#workMs += now - this.#sinceMs;
    this.#sinceMs = now;
    this.#bytes += bytes;
    return this.#bytes >= this.#sliceBytes || this.#workMs >= this.#sliceMs;
  }

  /**
   * Pauses if it is due, between two steps of one piece of work. Rejects like {@linkcode
   * Pacer.rest}.
   */
  readonly pause: () => Promise<void> = async () => {
    if (this.spend(0)) await this.rest();
  };

  /**
   * Excludes the time since the last {@linkcode Pacer.spend}, which was spent waiting for the disk.
   */
  resume(): void {
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /**
   * Resolves when the next slice may start. Rejects with {@linkcode CleaningStopped} once stopped.
   */
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

  /** Ends all waits and makes the work stop at its next pause. */
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
      await this.#wait(Math.min(this.#aheadMs, MAX_WAIT_MS));
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
