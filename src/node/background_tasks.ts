/**
 * What a node does with its logs at intervals: retention, checkpoints and compaction.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import type { Logger } from "../logger.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Checkpoints } from "./checkpoints.ts";
import { LogCleaner } from "./log_cleaner.ts";
import { LogRetention } from "./log_retention.ts";
import type { NodeParts } from "./parts/node_parts.ts";

/** The dependencies of {@linkcode BackgroundTasks}. */
export interface BackgroundTasksOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logs: LogManager;
  readonly partitions: PartitionTable;
  readonly logger: Logger;
  readonly compaction: NodeParts["compaction"];
}

/** One of the tasks. Both methods may be called more than once; a task that was shut down stays so. */
interface BackgroundTask {
  start(): void;
  /** Resolves when the task does nothing any more. */
  shutdown(): Promise<void>;
}

/** Starts and stops the tasks together. */
export class BackgroundTasks {
  readonly #tasks: readonly BackgroundTask[];

  constructor(options: BackgroundTasksOptions) {
    const { runtime: { clock }, config, logs, partitions, logger } = options;
    this.#tasks = [
      new LogRetention({ clock, config, partitions, logger }),
      new Checkpoints(
        clock,
        logs,
        () => config.logFlushOffsetCheckpointIntervalMs,
        (error) => logger.log("error", (error as Error).message),
      ),
      new LogCleaner(options),
    ];
  }

  /** Sets the timers of the tasks. May be called again. */
  start(): void {
    for (const task of this.#tasks) task.start();
  }

  /** Ends the tasks for good and resolves when none of them is at work. */
  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.shutdown()));
  }
}
