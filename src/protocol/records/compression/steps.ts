/**
 * Work that can be interrupted: each codec of ours is a generator that yields where a step ends, so
 * that there is one implementation, run at once for small batches and with pauses for large ones and in
 * the background.
 *
 * @module
 */

/** Work in steps: every `yield` ends one, and what is returned is the result. */
export type Steps<Result> = Generator<void, Result, void>;

/** Resolves when the next step may begin. A rejection ends the work with the same reason. */
export type Pause = () => Promise<void>;

/** How much uncompressed data a step handles at most, as far as a format's blocks allow. */
export const STEP_BYTES = 65_536;

/** How much a step copies at most when memory grows: copying is quick. */
const COPY_BYTES = 262_144;

/** Runs the steps to their end without a pause. */
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

/** Adds up what has been done since the last step's end. */
export class Effort {
  #spent = 0;

  /** Counts work that is worth `bytes` bytes of uncompressed data. Returns whether the step is full. */
  spend(bytes: number): boolean {
    this.#spent += bytes;
    if (this.#spent < STEP_BYTES) return false;
    this.#spent = 0;
    return true;
  }
}

/** Copies all of `source` to `target` at `to`. */
export function* copyInSteps(source: Uint8Array, target: Uint8Array, to: number): Steps<void> {
  for (let at = 0; at < source.length; at += COPY_BYTES) {
    if (at > 0) yield;
    target.set(source.subarray(at, at + COPY_BYTES), to + at);
  }
}
