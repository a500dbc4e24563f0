/**
 * Interruptible work. Each codec here is a generator that yields at the end of a step, so that one
 * implementation serves small batches, which run without pauses, and large batches and background
 * work, which run with pauses.
 *
 * @module
 */

/** Work in steps: each `yield` ends a step; the return value is the result. */
export type Steps<Result> = Generator<void, Result, void>;

/** Resolves when the next step may begin. A rejection aborts the work with the same reason. */
export type Pause = () => Promise<void>;

/** Never pauses: all of the work is done in one turn of the event loop. */
export const NO_PAUSE: Pause = () => Promise.resolve();

/** Maximum uncompressed bytes per step, as far as the blocks of the format allow. */
export const STEP_BYTES = 65_536;

/** Maximum bytes copied per step when memory grows. */
const COPY_BYTES = 262_144;

/** Runs all steps without pauses. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Runs the steps with `pause` between them. The first begins at once. */
export async function withPauses<Result>(steps: Steps<Result>, pause: Pause): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

/** Returns a pause for steps of which `count` take as long as one of those that `pause` is meant for. */
export function sparingly(pause: Pause, count: number): Pause {
  let done = 0;
  return () => {
    if (++done < count) return NO_PAUSE();
    done = 0;
    return pause();
  };
}

/** Counts the work done since the end of the last step. */
export class Effort {
  #spent = 0;

  /**
   * Adds work equivalent to `bytes` bytes of uncompressed data. Returns whether the step is full.
   */
  spend(bytes: number): boolean {
    this.#spent += bytes;
    if (this.#spent < STEP_BYTES) return false;
    this.#spent = 0;
    return true;
  }
}

/** Copies `source` to `target` at `to`. */
export function* copyInSteps(source: Uint8Array, target: Uint8Array, to: number): Steps<void> {
  for (let at = 0; at < source.length; at += COPY_BYTES) {
    if (at > 0) yield;
    target.set(source.subarray(at, at + COPY_BYTES), to + at);
  }
}
