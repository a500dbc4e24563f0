/**
 * Applies retention to the logs of a node at intervals, and expires idempotent producers that have been
 * silent too long.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Logger } from "../logger.ts";
import { KafkaError } from "../protocol/errors.ts";
import type { Partition } from "../replication/partition.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";

/** The dependencies of {@linkcode LogRetention}. */
export interface LogRetentionOptions {
  readonly clock: Clock;
  readonly config: Pick<BrokerConfig, "logRetentionCheckIntervalMs" | "producerIdExpirationMs">;
  readonly partitions: Iterable<Partition>;
  readonly logger: Logger;
}

/** The timer of the retention. */
export class LogRetention {
  readonly #options: LogRetentionOptions;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: LogRetentionOptions) {
    this.#options = options;
  }

  /** Schedules the next run. May be called again. */
  start(): void {
    if (this.#timer !== null || this.#isStopped) return;
    const { clock, config } = this.#options;
    this.#timer = clock.setTimer(config.logRetentionCheckIntervalMs, () => {
      this.#timer = null;
      this.#run();
      this.start();
    });
  }

  /** Stops for good. */
  shutdown(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    return Promise.resolve();
  }

  #run(): void {
    const { clock, config, partitions, logger } = this.#options;
    const now = clock.now();
    for (const partition of partitions) {
      const { log, name } = partition;
      if (log.failure !== null) continue;
      try {
        partition.applyRetention(now);
        log.expireProducers(now, config.producerIdExpirationMs);
      } catch (error) {
        // The partition has reported the failure of its files.
        if (error instanceof KafkaError) continue;
        logger.log("error", `Cannot apply retention to ${name}: ${(error as Error).message}`);
      }
    }
  }
}
