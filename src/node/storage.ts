/**
 * Opens the data directories of a node and reads its metadata log.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { LogManager } from "../log/directory/log_manager.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import type { RecoveryReport } from "../log/opening/recovery_types.ts";
import type { OpenSegments } from "../log/segments/open_segments.ts";
import { pauseAtStart } from "../log/sliced_work.ts";
import type { Logger } from "../logger.ts";
import { METADATA_LOG_CONFIG, METADATA_TOPIC, MetadataLog } from "../metadata/metadata_log.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import { RecordError } from "../protocol/records/record_error.ts";
import { METADATA_TOPIC_ID } from "../protocol/uuid.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The dependencies of {@linkcode openStorage}. */
export interface StorageOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** The high watermarks in it are written to the checkpoints. */
  readonly partitions: PartitionTable;
  readonly openSegments: OpenSegments;
}

/** Open data directories. */
export interface Storage {
  readonly logs: LogManager;
  readonly metadataLog: MetadataLog;
  /** What was cut off the end of the metadata log, in words, or null. */
  readonly metadataLoss: string | null;
  readonly failures: DirectoryFailures;
}

/** A data directory that went out of service. */
export interface DirectoryFailure {
  readonly error: KafkaError;
  /** Whether the directory holds the metadata log. */
  readonly isFatal: boolean;
}

/** Delivers failures of data directories. Those from before there is a listener wait for it. */
export class DirectoryFailures {
  #listener: ((failure: DirectoryFailure) => void) | null = null;
  readonly #waiting: DirectoryFailure[] = [];

  /** Delivers a failure. */
  report(failure: DirectoryFailure): void {
    if (this.#listener === null) this.#waiting.push(failure);
    else this.#listener(failure);
  }

  /** Calls `listener` with the failures so far and each later one. */
  listen(listener: (failure: DirectoryFailure) => void): void {
    this.#listener = listener;
    for (const failure of this.#waiting.splice(0)) listener(failure);
  }
}

/**
 * Opens the directories of `config` and the metadata log in them. Throws a `KafkaError` whose message
 * says what to do; the directories are closed then.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { runtime, config, logger, partitions, openSegments } = options;
  const failures = new DirectoryFailures();
  let metadataLoss: string | null = null;
  const logs = await LogManager.open({
    runtime,
    directories: config.logDirs,
    metadataDirectory: config.metadataLogDir,
    metadataTopic: METADATA_TOPIC,
    nodeId: config.nodeId,
    openSegments,
    highWatermarkOf: ({ topic, partition }) => {
      const found = partitions.find(topic, partition);
      return found?.hasLog ? found.highWatermark : null;
    },
    onFailure: (error, isFatal) => {
      logger.log("error", error.message);
      failures.report({ error, isFatal });
    },
    onRecovery: (report) => {
      if (report.name === `${METADATA_TOPIC}-0`) metadataLoss = recoverySentence(report);
      logger.log("warn", recoverySentence(report));
    },
    onLoss: (sentence) => logger.log("warn", sentence),
  });
  for (const { path, directory, failure } of logs.states()) {
    if (directory !== null || failure === null) continue;
    logger.log("error", `Started without the data directory ${path}: ${failure.message}`);
  }
  try {
    const metadataLog = await openMetadataLog(logs, pauseAtStart(runtime.clock));
    return { logs, metadataLog, metadataLoss, failures };
  } catch (error) {
    // The reason matters more than a failure to close.
    await logs.close().catch(() => {});
    throw error;
  }
}

/** Opens the metadata log, or creates it in new directories, and reads it whole. */
async function openMetadataLog(logs: LogManager, pause: Pause): Promise<MetadataLog> {
  await logs.each((directory) => directory.flushDirectory());
  const isNew = !logs.hasMetadataLog;
  const metadata = logs.openMetadataLog(METADATA_TOPIC_ID, METADATA_LOG_CONFIG);
  if (metadata.logEndOffset === 0 && logs.hasPartitions) throw emptyMetadataLog(metadata);
  if (isNew || !logs.wasShutDownCleanly) {
    await logs.each((directory) => directory.flushDirectory());
  }
  if (metadata.mustFlushFirst) await metadata.flush();
  return await readMetadataLog(metadata, pause);
}

/** Reads the whole log. Throws one sentence that names its directory if that cannot be done. */
async function readMetadataLog(metadata: PartitionLog, pause: Pause): Promise<MetadataLog> {
  try {
    return await MetadataLog.open(metadata, pause);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot read the metadata log in ${metadata.directory}: ${error.message}; restore its files ` +
        "from a copy",
      { cause: error },
    );
  }
}

/** An empty metadata log would make every partition one of a deleted topic. */
function emptyMetadataLog({ directory }: PartitionLog): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot start: the metadata log in ${directory} is empty, but there are partitions; restore its ` +
      "files from a copy, or name another data directory",
  );
}

function recoverySentence({ file, bytesCut, logEndOffset, reason }: RecoveryReport): string {
  return `Cut ${
    bytesCut.toLocaleString("en")
  } bytes off ${file}, which now ends at offset ${logEndOffset}: ${reason}`;
}
