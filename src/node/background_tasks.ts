/**
 * What a node does with its logs at intervals: retention, checkpoints and compaction.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import type { Logger } from "../logger.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import { loaded } from "./parts/loadable.ts";
import type { NodeParts, TaskParts } from "./parts/node_parts.ts";

/** How long the first requests are served before the code of the tasks is loaded, ms. */
const LOAD_DELAY_MS = 500;

/** The dependencies of {@linkcode BackgroundTasks}. */
export interface BackgroundTasksOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logs: LogManager;
  readonly partitions: PartitionTable;
  readonly logger: Logger;
  readonly parts: Pick<NodeParts, "tasks" | "compaction">;
}

/** One of the tasks. Both methods may be called more than once; a task that was shut down stays so. */
interface BackgroundTask {
  start(): void;
  /** Resolves when the task does nothing any more. */
  shutdown(): Promise<void>;
}

/** Starts and stops the tasks together. */
export class BackgroundTasks {
  readonly #options: BackgroundTasksOptions;
  /** Null until their code is loaded. */
  #tasks: readonly BackgroundTask[] | null = null;
  /** Set while their code is to be loaded, or is being loaded. */
  #timer: Timer | null = null;
  #loading: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: BackgroundTasksOptions) {
    this.#options = options;
    const { tasks } = options.parts;
    if (typeof tasks !== "function") this.#tasks = tasksOf(tasks, options);
  }

  /** Sets the timers of the tasks, at once or when their code has been loaded. May be called again. */
  start(): void {
    if (this.#tasks !== null) {
      for (const task of this.#tasks) task.start();
      return;
    }
    if (this.#isStopped || this.#timer !== null || this.#loading !== null) return;
    this.#timer = this.#options.runtime.clock.setTimer(LOAD_DELAY_MS, () => {
      this.#timer = null;
      this.#loading = this.#load().finally(() => this.#loading = null);
    });
  }

  /** Ends the tasks for good and resolves when none of them is at work. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#loading;
    await Promise.all((this.#tasks ?? []).map((task) => task.shutdown()));
  }

  async #load(): Promise<void> {
    const { parts, logger } = this.#options;
    try {
      const tasks = tasksOf(await loaded(parts.tasks), this.#options);
      if (this.#isStopped) return;
      this.#tasks = tasks;
    } catch (error) {
      logger.log(
        "error",
        "Cannot load retention, checkpoints and compaction, which is tried again with the next " +
          `connection: ${(error as Error).message}`,
      );
      return;
    }
    this.start();
  }
}

function tasksOf(
  { LogRetention, Checkpoints, LogCleaner }: TaskParts,
  options: BackgroundTasksOptions,
): BackgroundTask[] {
  const { runtime: { clock }, config, logs, partitions, logger, parts } = options;
  return [
    new LogRetention({ clock, config, partitions, logger }),
    new Checkpoints(
      clock,
      logs,
      () => config.logFlushOffsetCheckpointIntervalMs,
      (error) => logger.log("error", (error as Error).message),
    ),
    new LogCleaner({ ...options, compaction: parts.compaction }),
  ];
}
