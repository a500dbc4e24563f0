/**
 * Flushes of many logs of a data directory, a bounded number at a time.
 *
 * @module
 */
import type { KafkaError } from "../../protocol/errors.ts";
import { isDescriptorShortage } from "../../runtime/runtime.ts";
import type { PartitionLog } from "../partition_log.ts";
import type { PendingWork } from "../pending_work.ts";
import { inTurns } from "./flush_logs.ts";

/** Flushes the logs of one data directory. */
export class LogFlushes {
  /** Flushes chosen ones of `logs`, then the directory itself. `pendingWork` tracks each flush. */
  constructor(
    private readonly logs: ReadonlyMap<string, PartitionLog>,
    private readonly flushDirectory: () => Promise<void>,
    private readonly pendingWork: PendingWork,
  ) {}

  /** The logs in service that are chosen. */
  working(isChosen: (log: PartitionLog) => boolean): PartitionLog[] {
    return [...this.logs.values()].filter((log) => log.failure === null && isChosen(log));
  }

  /** Resolves with the error of a log that got no descriptor, and can be flushed later, or null. */
  flush(isChosen: (log: PartitionLog) => boolean): Promise<KafkaError | null> {
    return this.pendingWork.track(this.#flush(isChosen));
  }

  async #flush(isChosen: (log: PartitionLog) => boolean): Promise<KafkaError | null> {
    const errors = await inTurns(this.working(isChosen), (log) => log.flush());
    await this.flushDirectory();
    return errors.find(isDescriptorShortage) as KafkaError | undefined ?? null;
  }

  /** Flushes the logs that this start has truncated, or an earlier one may have, as `flush` does. */
  flushRepaired(): Promise<KafkaError | null> {
    return this.flush((log) =>
      log.wasRepaired || log.mustFlushFirst && log.recoveryPoint < log.logEndOffset
    );
  }

  /** Flushes the logs that must be flushed first, until `isOver`. */
  flushUncertain(isOver: () => boolean): Promise<void> {
    const uncertain = this.working((log) => log.mustFlushFirst);
    return this.pendingWork.track(
      inTurns(uncertain, async (log) => {
        if (!isOver() && log.mustFlushFirst) await log.flush();
      }).then(() => {}),
    );
  }
}
