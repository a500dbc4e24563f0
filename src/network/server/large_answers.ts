/**
 * Encodes answers that are too large for one turn of the event loop. All connections of a server take
 * turns: one answer is encoded at a time, so that the time between two turns does not grow with their number.
 *
 * @module
 */
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { runInTurns, serveOthers } from "./turns.ts";

/** Answers with more array elements are encoded in steps: 1,024 take a millisecond. */
const SMALL_ANSWER_ELEMENTS = 1_024;
/** The size of a request with so many elements that is answered at once. */
const SMALL_REQUEST_BYTES = 65_536;

/**
 * Returns whether to encode an answer with so many array elements in steps. It repeats what was asked, and may
 * repeat it in the description of an error.
 */
export function isLargeAnswer(elements: number, requestBytes: number): boolean {
  return elements > SMALL_ANSWER_ELEMENTS ||
    elements * requestBytes > SMALL_ANSWER_ELEMENTS * SMALL_REQUEST_BYTES;
}

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
    // The answer itself may have been made in this turn.
    await serveOthers(this.#clock);
    return await runInTurns(whileWanted(steps, isWanted), this.#clock);
  }
}

function* whileWanted<Result>(
  steps: Steps<Result>,
  isWanted: () => boolean,
): Steps<Result | null> {
  while (isWanted()) {
    const step = steps.next();
    if (step.done === true) return step.value;
    yield;
  }
  return null;
}
