/**
 * Applies retention to the logs of a node at intervals, and expires idempotent producers that have been
 * silent too long.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Logger } from "../logger.ts";
import { pauseBetweenSlices } from "../log/sliced_work.ts";
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
  #work: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: LogRetentionOptions) {
    this.#options = options;
  }

  /** Schedules the next run. May be called again. */
  start(): void {
    if (this.#timer !== null || this.#isStopped) return;
    const { clock, config } = this.#options;
    this.#timer = clock.setTimer(config.logRetentionCheckIntervalMs, () => {
      this.#work = this.#run().finally(() => {
        this.#timer = null;
        this.start();
      });
    });
  }

  /** Stops for good. Resolves when no retention is being applied. */
  async shutdown(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { clock, partitions } = this.#options;
    const pause = pauseBetweenSlices(clock);
    const now = clock.now();
    for (const partition of [...partitions]) {
      if (this.#isStopped) return;
      // The log of a partition that was removed meanwhile is closed.
      if (partition.log.failure === null) this.#applyTo(partition, now);
      await pause();
    }
  }

  #applyTo(partition: Partition, now: number): void {
    const { config, logger } = this.#options;
    const { log, name } = partition;
    try {
      partition.applyRetention(now);
      log.expireProducers(now, config.producerIdExpirationMs);
    } catch (error) {
      // The partition has reported the failure of its files.
      if (error instanceof KafkaError) return;
      logger.log("error", `Cannot apply retention to ${name}: ${(error as Error).message}`);
    }
  }
}
