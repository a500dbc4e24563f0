/**
 * Work on a request that is too much for one turn of the event loop, done in slices between which
 * other clients are served. One piece of work is done at a time, in the order of their arrival, so that
 * the memory of one of them is what all of them take.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { type Pause, STEP_BYTES } from "../protocol/records/compression/steps.ts";
import type { Clock } from "../runtime/runtime.ts";
import { CleaningStopped, Pacer } from "./compaction/pacer.ts";

/** How long a slice is, ms. A client waits for one at most, and for the step that ends it. */
const SLICE_MS = 2;
/** How many bytes a slice handles at most: simulated time stands still during work. */
const SLICE_BYTES = 2_097_152;

/**
 * The length of a slice of what the node does with its metadata and logs, ms: well below the 20 ms that
 * a turn of the event loop may take, and long beside the rest after it.
 */
const NODE_SLICE_MS = 8;
/** Maximum steps in such a slice, since simulated time does not pass during work. */
export const NODE_SLICE_STEPS = 128;

/** Does the work of one broker. */
export class SlicedWork {
  readonly #clock: Clock;
  #pacer: Pacer | null = null;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isStopped = false;

  /** `clock` measures the slices and serves others between them. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many pieces of work are under way or wait. */
  get size(): number {
    return this.#waiting;
  }

  /**
   * Runs `work` once all that was handed in before has ended. It awaits `pause` between two steps, each
   * of some {@linkcode STEP_BYTES}. Rejects as `work` does, and with NOT_LEADER_OR_FOLLOWER, as `pause`
   * does then, when the broker shuts down first.
   */
  async run<Result>(work: (pause: Pause) => Promise<Result>): Promise<Result> {
    const earlier = this.#last;
    let end!: () => void;
    this.#last = new Promise((resolve) => end = resolve);
    this.#waiting++;
    try {
      await earlier;
      if (this.#isStopped) throw shuttingDown();
      const pacer = this.#pacer = pacerOf(this.#clock);
      return await work(async () => {
        if (pacer.spend(STEP_BYTES)) await rest(pacer);
      });
    } finally {
      this.#waiting--;
      end();
    }
  }

  /** Ends what is under way at its next pause. Resolves when nothing is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pacer?.stop();
    await this.#last;
  }
}

/**
 * Returns a function to await between two steps of the node's own long work, such as opening one log
 * and the next. It rests after a slice of some milliseconds or {@linkcode NODE_SLICE_STEPS} steps.
 */
export function pauseBetweenSlices(clock: Clock): Pause {
  const pacer = new Pacer({
    clock,
    maxBytesPerSecond: () => Infinity,
    sliceMs: NODE_SLICE_MS,
    sliceBytes: NODE_SLICE_STEPS,
    hasRested: true,
  });
  return async () => {
    if (pacer.spend(1)) await pacer.rest();
  };
}

function pacerOf(clock: Clock): Pacer {
  return new Pacer({
    clock,
    maxBytesPerSecond: () => Infinity,
    sliceMs: SLICE_MS,
    sliceBytes: SLICE_BYTES,
  });
}

async function rest(pacer: Pacer): Promise<void> {
  try {
    await pacer.rest();
  } catch (error) {
    throw error instanceof CleaningStopped ? shuttingDown() : error;
  }
}

function shuttingDown(): KafkaError {
  return new KafkaError(
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    "Cannot finish the request: the broker is shutting down",
  );
}
