/**
 * Flushes and closes many logs, a bounded number at a time.
 *
 * @module
 */
import { type Backoff, exponentialBackoffMs } from "../../backoff.ts";
import { FileError, isDescriptorShortage, type Runtime } from "../../runtime/runtime.ts";
import { KafkaError } from "../../protocol/errors.ts";
import type { Pause } from "../../protocol/records/compression/steps.ts";
import type { PartitionLog } from "../partition_log.ts";

/** The number of logs flushed concurrently. */
const LOGS_AT_A_TIME = 32;
/** The number of retries of a flush that failed for lack of a file descriptor. */
const RETRIES = 5;
const BACKOFF: Backoff = { initialMs: 50, maxMs: 1_000 };

/** Runs `run` for each of `logs`. Resolves to the errors of those that failed. */
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
 * Calls `flush` until it does not fail for lack of a file descriptor, at most six times.
 * Descriptors become free while a process shuts down.
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

/** Closes the log. Old files that cannot be removed now are removed at the next start. */
export function closeLog(log: PartitionLog): void {
  try {
    log.close();
  } catch (error) {
    if (!(error instanceof FileError || error instanceof KafkaError)) throw error;
  }
}

/** Writes the indexes of a log, so that the next start need not rebuild them. Best effort. */
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
