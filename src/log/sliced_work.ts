/**
 * Runs work on requests that would block the event loop for too long in slices, between which other
 * clients are served. Tasks run one at a time in order of arrival, so that only one needs memory at
 * a time.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { type Pause, STEP_BYTES } from "../protocol/records/compression/steps.ts";
import type { Clock } from "../runtime/runtime.ts";
import { CleaningStopped, Pacer } from "./compaction/pacer.ts";

/** The length of a slice, ms. Other clients wait for at most one slice and its last step. */
const SLICE_MS = 2;
/**
 * The maximum number of bytes per slice. Simulated time does not advance during work, so time alone
 * does not suffice.
 */
const SLICE_BYTES = 2_097_152;

/**
 * The length of a slice of what the node does with its metadata and logs, ms: well below the 20 ms that
 * a turn of the event loop may take, and long beside the rest after it.
 */
const NODE_SLICE_MS = 8;
/** Maximum steps in such a slice, since simulated time does not pass during work. */
export const NODE_SLICE_STEPS = 128;
/**
 * At the start of a node one in so many rests is a whole one. The others are a turn of the event loop, in
 * which Deno does not look at its sockets: this node has none yet, but others of the process may.
 */
const SHORT_RESTS_AT_START = 8;

/** Runs the sliced work of one broker. */
export class SlicedWork {
  readonly #clock: Clock;
  #pacer: Pacer | null = null;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isStopped = false;

  /** `clock` measures the slices and yields between them. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of tasks that are running or waiting. */
  get size(): number {
    return this.#waiting;
  }

  /**
   * Runs `work` after all earlier tasks have completed. `work` must await `pause` between steps of
   * about {@linkcode STEP_BYTES}. Rejects like `work`, or with NOT_LEADER_OR_FOLLOWER, which
   * `pause` then also throws, if the broker shuts down first.
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

  /** Makes the running task fail at its next pause. Resolves when none is left. */
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
  const pacer = nodePacer(clock);
  return async () => {
    if (pacer.spend(1)) await pacer.rest();
  };
}

/**
 * As {@linkcode pauseBetweenSlices}, for the start of a node, when no client of it waits: with thousands of
 * partitions whole rests would be a sixth of it.
 */
export function pauseAtStart(clock: Clock): Pause {
  const pacer = nodePacer(clock, 0);
  const wholeRests = nodePacer(clock);
  let rests = 0;
  return async () => {
    if (!pacer.spend(1)) return;
    if (++rests % SHORT_RESTS_AT_START === 0) await wholeRests.rest();
    await pacer.rest();
  };
}

function nodePacer(clock: Clock, pauseMs?: number): Pacer {
  return new Pacer({
    clock,
    maxBytesPerSecond: () => Infinity,
    sliceMs: NODE_SLICE_MS,
    sliceBytes: NODE_SLICE_STEPS,
    hasRested: true,
    ...(pauseMs !== undefined && { pauseMs }),
  });
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
