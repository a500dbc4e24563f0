/**
 * Flushing and closing many logs, a bounded number at a time.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../../backoff.ts";
import { FileError, isDescriptorShortage, type Runtime } from "../../runtime/runtime.ts";
import { KafkaError } from "../../protocol/errors.ts";
import type { Pause } from "../../protocol/records/compression/steps.ts";
import type { PartitionLog } from "../partition_log.ts";

/** Logs that are flushed together. */
const LOGS_AT_A_TIME = 32;
/** How often a flush that got no descriptor is tried again. */
const RETRIES = 5;
const BACKOFF: Backoff = { initialMs: 50, maxMs: 1_000 };

/** Resolves when `run` has ended for each of `logs`, with the errors of those for which it failed. */
export async function inTurns(
  logs: readonly PartitionLog[],
  run: (log: PartitionLog) => Promise<void>,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (let i = 0; i < logs.length; i += LOGS_AT_A_TIME) {
    const ends = await Promise.allSettled(logs.slice(i, i + LOGS_AT_A_TIME).map(run));
    for (const end of ends) if (end.status === "rejected") errors.push(end.reason);
  }
  return errors;
}

/**
 * Calls `flush` until it does not fail for want of a descriptor, or has failed so six times: while a
 * process ends, descriptors become free.
 */
export async function retryForDescriptors(
  { clock, random }: Pick<Runtime, "clock" | "random">,
  flush: () => Promise<void>,
): Promise<void> {
  for (let retries = 0;; retries++) {
    try {
      return await flush();
    } catch (error) {
      if (!isDescriptorShortage(error) || retries === RETRIES) throw error;
    }
    const delayMs = exponentialBackoffMs(BACKOFF, retries, random);
    await new Promise<void>((resolve) => clock.setTimer(delayMs, resolve));
  }
}

/** Closes the log. The next start removes old files of it that cannot be removed now. */
export function closeLog(log: PartitionLog): void {
  try {
    log.close();
  } catch (error) {
    if (!(error instanceof FileError || error instanceof KafkaError)) throw error;
  }
}

/** Writes what the next start would otherwise rebuild from the log. Best effort. */
export function writeIndexes(log: PartitionLog): void {
  try {
    log.writeIndexes();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
  }
}

/** Runs `run` for each of `logs`, awaiting `pause` in between. */
export async function forEach(
  logs: Iterable<PartitionLog>,
  run: (log: PartitionLog) => void,
  pause: Pause,
): Promise<void> {
  for (const log of logs) {
    run(log);
    await pause();
  }
}
