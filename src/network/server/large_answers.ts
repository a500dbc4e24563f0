/**
 * Encodes answers that are too large for one turn of the event loop. All connections of a server take
 * turns: one answer is encoded at a time, so that the time between two turns does not grow with their number.
 *
 * @module
 */
import { REQUESTS_TURN_MS } from "../../limits.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { serveOthers } from "./turns.ts";

/** Encodes the large answers of one server. */
export class LargeAnswers {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();

  /** `clock` measures the turns. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `steps` after all earlier ones, and serves other connections in between. Resolves with their result,
   * or with null as soon as `isWanted` returns false. Rejects like a step.
   */
  run<Result>(steps: Steps<Result>, isWanted: () => boolean): Promise<Result | null> {
    const result = this.#last.then(() => this.#run(steps, isWanted));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run<Result>(steps: Steps<Result>, isWanted: () => boolean): Promise<Result | null> {
    const clock = this.#clock;
    // The answer itself may have been made in this turn.
    await serveOthers(clock);
    let began = clock.monotonicMs();
    while (isWanted()) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (clock.monotonicMs() - began <= REQUESTS_TURN_MS) continue;
      await serveOthers(clock);
      began = clock.monotonicMs();
    }
    return null;
  }
}
