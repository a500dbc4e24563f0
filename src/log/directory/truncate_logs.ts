/**
 * Truncation of many logs of one data directory, as a follower of many partitions needs it after an
 * election.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import type { Truncation } from "../log_truncation.ts";
import type { PartitionLog } from "../partition_log.ts";
import { storageError } from "../storage_error.ts";
import { inTurns } from "./flush_logs.ts";
import type { RecoveryPoints } from "./recovery_point_checkpoint.ts";

/**
 * Truncates each log as `PartitionLog.truncateTo` does, but saves their recovery points together, with
 * one write of `recoveryPoints`. Returns the logs that could not be truncated, and why.
 */
export async function truncateLogs(
  offsets: ReadonlyMap<PartitionLog, number>,
  recoveryPoints: Pick<RecoveryPoints, "save">,
): Promise<Map<PartitionLog, KafkaError>> {
  const failures = new Map<PartitionLog, KafkaError>();
  const begun = new Map<PartitionLog, Truncation>();
  const fail = (log: PartitionLog, error: unknown): void => {
    if (!(error instanceof KafkaError)) throw error;
    failures.set(log, error);
  };
  for (const [log, offset] of offsets) {
    try {
      const truncation = log.beginTruncation(offset);
      if (truncation !== null) begun.set(log, truncation);
    } catch (error) {
      fail(log, error);
    }
  }
  const step = async (run: (truncation: Truncation) => Promise<void>): Promise<void> => {
    const errors = await inTurns([...begun.keys()], async (log) => {
      try {
        await run(begun.get(log)!);
      } catch (error) {
        begun.delete(log);
        fail(log, error);
      }
    });
    if (errors.length > 0) throw errors[0];
  };
  await step((truncation) => truncation.removeMarkers());
  try {
    const mustSave = [...begun.values()].some((one) => one.hasLoweredRecoveryPoint);
    if (mustSave) await recoveryPoints.save();
  } catch (error) {
    for (const [log, truncation] of begun) {
      truncation.cancel();
      failures.set(log, storageError(`Cannot truncate ${log.name}`, error));
    }
    return failures;
  }
  await step((truncation) => truncation.finish());
  return failures;
}
