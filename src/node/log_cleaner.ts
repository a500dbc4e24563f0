/**
 * Compacts the logs of a node whose `cleanup.policy` includes `compact`, one at a time, the one with the
 * largest share of new records first: Apache Kafka's log cleaner, on the event loop.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { type Cleanable, findCleanable, needsCleaning } from "../log/compaction/cleanable.ts";
import type { CleaningReport } from "../log/compaction/cleaner.ts";
import { CleaningStopped, Pacer } from "../log/compaction/pacer.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import type { Logger } from "../logger.ts";
import { FileError, isDescriptorShortage, type Runtime, type Timer } from "../runtime/runtime.ts";
import { type Loadable, loaded } from "./parts/loadable.ts";

/** What only a node runs that compacts a log. */
type CompactionParts = typeof import("./parts/compaction_parts.ts");

/** How long a log is skipped after its files could not be written, ms: the disk may have space then. */
const RETRY_MS = 60_000;
/** The shortest wait between two runs, ms. */
const SHORTEST_BACKOFF_MS = 10;

/** A log that may be compacted. */
export interface CleanedPartition {
  readonly log: PartitionLog;
  /** Records from here on may belong to open transactions. */
  readonly lastStableOffset: number;
}

/** The dependencies of {@linkcode LogCleaner}. */
export interface LogCleanerOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly config: Pick<
    BrokerConfig,
    | "logCleanerEnable"
    | "logCleanerBackoffMs"
    | "logCleanerDedupeBufferSize"
    | "logCleanerIoBufferSize"
    | "logCleanerLoadFactor"
    | "logCleanerMaxBytesPerSecond"
  >;
  /** The partitions of this node. */
  readonly partitions: Iterable<CleanedPartition>;
  readonly logger: Logger;
  readonly compaction: Loadable<CompactionParts>;
}

/** Compacts logs in the background. */
export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #pacer: Pacer;
  /** Logs that could not be compacted, and until when they are skipped, by the monotonic clock. */
  readonly #skipped = new WeakMap<PartitionLog, number>();
  #secret: Uint8Array | null = null;
  #timer: Timer | null = null;
  #work: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: LogCleanerOptions) {
    this.#options = options;
    this.#pacer = new Pacer({
      clock: options.runtime.clock,
      maxBytesPerSecond: () => options.config.logCleanerMaxBytesPerSecond,
    });
  }

  /** Schedules the next run, if `log.cleaner.enable` is true. May be called again. */
  start(): void {
    const { config, runtime } = this.#options;
    if (!config.logCleanerEnable || this.#timer !== null || this.#isStopped) return;
    const delayMs = Math.max(SHORTEST_BACKOFF_MS, config.logCleanerBackoffMs);
    this.#timer = runtime.clock.setTimer(delayMs, () => {
      this.#work = this.cleanAll().then(() => {
        this.#timer = null;
        this.#work = null;
        this.start();
      });
    });
  }

  /** Stops for good, in the middle of a log, and resolves when no compaction is running. */
  async shutdown(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#pacer.stop();
    await this.#work;
  }

  /** Compacts logs until none needs it. Returns the number of compactions. Never rejects. */
  async cleanAll(): Promise<number> {
    const { clock } = this.#options.runtime;
    const passed = new Set<PartitionLog>();
    let count = 0;
    while (!this.#isStopped) {
      const chosen = this.#choose(passed);
      if (chosen === null) break;
      try {
        const beginMs = clock.monotonicMs();
        const report = await this.#clean(chosen.log, chosen.cleanable);
        const elapsedMs = clock.monotonicMs() - beginMs;
        this.#options.logger.log("info", sentenceOf(chosen.log.name, report, elapsedMs));
        count++;
      } catch (error) {
        passed.add(chosen.log);
        if (!(error instanceof CleaningStopped)) this.#skip(chosen.log, error);
      }
    }
    return count;
  }

  async #clean(log: PartitionLog, cleanable: Cleanable): Promise<CleaningReport> {
    const { config, runtime, compaction } = this.#options;
    const { cleanLog, KeyDigest, OffsetMap, SECRET_BYTES } = await loaded(compaction);
    this.#secret ??= runtime.random.fill(new Uint8Array(SECRET_BYTES));
    await log.compaction.finishSwaps();
    return await cleanLog({
      log: log.compaction,
      cleanable,
      map: new OffsetMap(new KeyDigest(this.#secret), {
        maxBytes: config.logCleanerDedupeBufferSize,
        loadFactor: config.logCleanerLoadFactor,
      }),
      pacer: this.#pacer,
      nowMs: runtime.clock.now(),
      bufferBytes: config.logCleanerIoBufferSize,
    });
  }

  /** Returns the log with the largest share of new records, or null if none needs compaction. */
  #choose(passed: ReadonlySet<PartitionLog>): { log: PartitionLog; cleanable: Cleanable } | null {
    const { clock } = this.#options.runtime;
    const nowMs = clock.now();
    const monotonicMs = clock.monotonicMs();
    let chosen: { log: PartitionLog; cleanable: Cleanable } | null = null;
    for (const { log, lastStableOffset } of this.#options.partitions) {
      if (!log.config.compact || log.failure !== null || passed.has(log)) continue;
      if ((this.#skipped.get(log) ?? -Infinity) > monotonicMs) continue;
      try {
        const cleanable = findCleanable({
          segments: log.compaction.segments,
          config: log.config,
          logStartOffset: log.logStartOffset,
          logEndOffset: log.logEndOffset,
          cleanedOffset: log.compaction.cleanedOffset,
          // A record may be removed only once the newer record of its key is on disk.
          lastStableOffset: Math.min(lastStableOffset, log.recoveryPoint),
          nowMs,
        });
        if (cleanable === null || !needsCleaning(cleanable, log.config)) continue;
        const isMore = chosen === null || cleanable.dirtyRatio > chosen.cleanable.dirtyRatio;
        if (isMore) chosen = { log, cleanable };
      } catch (error) {
        this.#skip(log, error);
      }
    }
    return chosen;
  }

  /** Skips a log: for a minute if its files failed, until the next start if it is damaged. */
  #skip(log: PartitionLog, error: unknown): void {
    const isTemporary = error instanceof FileError || isDescriptorShortage(error);
    const untilMs = this.#options.runtime.clock.monotonicMs() + RETRY_MS;
    this.#skipped.set(log, isTemporary ? untilMs : Infinity);
    const message = error instanceof Error ? error.message : String(error);
    this.#options.logger.log(
      "error",
      `Cannot compact ${log.name}, it stays as it is ` +
        `${isTemporary ? "for a minute" : "until the next start"}: ${message}`,
    );
  }
}

function sentenceOf(name: string, report: CleaningReport, elapsedMs: number): string {
  const grouped = (value: number) => value.toLocaleString("en");
  return `Compacted ${name} up to offset ${report.endOffset}: ` +
    `${grouped(report.bytesRead)} bytes became ${grouped(report.bytesKept)}, ` +
    `${grouped(report.recordsKept)} of ${grouped(report.recordsRead)} records stay, ` +
    `in ${(elapsedMs / 1_000).toFixed(2)} s` +
    (report.isPartial
      ? "; log.cleaner.dedupe.buffer.size has no space for the remaining keys"
      : "");
}
