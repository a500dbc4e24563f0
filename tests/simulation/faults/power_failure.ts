/**
 * The power failures of a scenario as values, drawn before the first one comes.
 *
 * @module
 */
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";

/** A power failure and the steps before it, in the order of the fields. */
export interface PowerFailure {
  /** The time without faults, ms. */
  readonly calmMs: number;
  /** Whether the node is then restarted in an orderly way. */
  readonly restartsFirst: boolean;
  /** How long the disk then hangs before it works again, so that rolls pile up, ms. */
  readonly stallMs: number;
  /** The file that the node must then open, or null. */
  readonly file: RegExp | null;
  /** How long after that, µs. */
  readonly afterUs: number;
  /** How long the disk hangs before the power fails, ms. */
  readonly hungMs: number;
  /** How long the power is off, ms. */
  readonly darkMs: number;
  /** The error of the wall clock afterwards, ms. */
  readonly clockOffsetMs: number;
}

/** How power failures are drawn. */
export interface LossSetting {
  readonly count: number;
  /** Whether they are timed by the files that the node opens. */
  readonly isTimed: boolean;
  /** The longest sync of the disk that is not slow. */
  readonly maxSyncUs: number;
}

const FIRST_LOG = /\/0{20}\.log$/;
/** The index of a partition's first segment, which is created when the segment is closed. */
const FIRST_INDEX = /\/0{20}\.(time)?index$/;
const LATER_LOG = /\/(?!0{20})\d{20}\.log$/;
const LATER_INDEX = /\/(?!0{20})\d{20}\.(time)?index$/;
/** The files of a partition's first moments. Those of a roll come more often: its order matters. */
const FIRST_FILES: readonly RegExp[] = [FIRST_LOG, FIRST_INDEX, FIRST_INDEX, FIRST_INDEX];
const TIMING_FILES: readonly RegExp[] = [
  FIRST_LOG,
  FIRST_INDEX,
  FIRST_INDEX,
  LATER_LOG,
  LATER_INDEX,
  LATER_INDEX,
  /\.snapshot$/,
  /-checkpoint/,
];
const MAX_OFFSET_MS = 20 * 60_000;

/** Draws the power failures of a run, in the order in which they come. */
export function drawLosses(random: Xoshiro128, setting: LossSetting): PowerFailure[] {
  return Array.from({ length: setting.count }, () => drawLoss(random, setting));
}

function drawLoss(random: Xoshiro128, { isTimed, maxSyncUs }: LossSetting): PowerFailure {
  // Otherwise the first roll of a partition is over before the first power failure. A restart would
  // make everything durable.
  const isEarly = isTimed && random.oneIn(2);
  const files = isEarly ? FIRST_FILES : TIMING_FILES;
  const calmMs = random.below(700);
  return {
    calmMs: isEarly ? 0 : calmMs,
    restartsFirst: random.oneIn(3) && !isEarly,
    stallMs: random.oneIn(3) ? random.between(50, 400) : 0,
    file: isTimed ? files[random.below(files.length)]! : null,
    // Within the next sync.
    afterUs: isTimed ? random.below(maxSyncUs) : 0,
    hungMs: random.oneIn(6) ? random.between(1, 200) : 0,
    darkMs: random.below(1_000),
    clockOffsetMs: random.oneIn(4) ? random.between(-MAX_OFFSET_MS, MAX_OFFSET_MS) : 0,
  };
}

/** Describes a power failure in one line. */
export function describeLoss(loss: PowerFailure): string {
  const steps = [`after ${loss.calmMs} ms`];
  if (loss.restartsFirst) steps.push("restart the node");
  if (loss.stallMs > 0) steps.push(`hang the disk for ${loss.stallMs} ms, and let it work again`);
  if (loss.file !== null) steps.push(`wait until it opens ${loss.file}`);
  if (loss.afterUs > 0) steps.push(`wait ${loss.afterUs} us`);
  if (loss.hungMs > 0) steps.push(`hang the disk again for ${loss.hungMs} ms`);
  steps.push(`cut the power for ${loss.darkMs} ms`);
  if (loss.clockOffsetMs !== 0) steps.push(`set the clock ${loss.clockOffsetMs} ms off`);
  return steps.join(", ");
}
