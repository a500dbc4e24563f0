/**
 * Opens the data directories of a node and the files of its metadata log in them.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { LogManager } from "../log/directory/log_manager.ts";
import type { PartitionLog } from "../log/partition_log.ts";
import type { RecoveryReport } from "../log/opening/recovery_types.ts";
import type { OpenSegments } from "../log/segments/open_segments.ts";
import type { Logger } from "../logger.ts";
import { METADATA_LOG_CONFIG, METADATA_TOPIC } from "../metadata/metadata_log.ts";
import {
  decodeMetadataRecord,
  type MetadataRecordInput,
} from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { readRecords } from "../protocol/records/batch.ts";
import { METADATA_TOPIC_ID } from "../protocol/uuid.ts";
import type { RaftFiles } from "../raft/raft_start.ts";
import { openBootstrapCheckpoint } from "../raft/storage/bootstrap_checkpoint.ts";
import { QuorumStateFile } from "../raft/storage/quorum_state_file.ts";
import { RaftLog } from "../raft/storage/raft_log.ts";
import { SnapshotFiles } from "../raft/storage/snapshot_files.ts";
import { BOOTSTRAP_SNAPSHOT_ID } from "../raft/storage/snapshot_names.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import type { FileSystem, Runtime } from "../runtime/runtime.ts";

/** The dependencies of {@linkcode openStorage}. */
export interface StorageOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** The high watermarks in it are written to the checkpoints. */
  readonly partitions: PartitionTable;
  readonly openSegments: OpenSegments;
  /** The cluster that new directories belong to. Absent if they have an id, or the node draws one. */
  readonly clusterId: string | undefined;
  /** Called when the directory of the metadata log goes out of service, before the failure is delivered. */
  readonly onFatal?: (error: KafkaError) => void;
}

/** Open data directories. */
export interface Storage {
  readonly logs: LogManager;
  /** The metadata log and the files beside it. */
  readonly raft: RaftFiles;
  /** The id of the directory that has the metadata log. */
  readonly metadataDirectoryId: string;
  /** The first records of a new cluster that the directories were formatted with; mostly none. */
  readonly bootstrapRecords: readonly MetadataRecordInput[];
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
  readonly #onFatal: (error: KafkaError) => void;

  /** Calls `onFatal` at once with the failures that end the node. */
  constructor(onFatal: (error: KafkaError) => void = () => {}) {
    this.#onFatal = onFatal;
  }

  /** Delivers a failure. */
  report(failure: DirectoryFailure): void {
    if (failure.isFatal) this.#onFatal(failure.error);
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
  const failures = new DirectoryFailures(options.onFatal);
  let metadataLoss: string | null = null;
  const logs = await LogManager.open({
    runtime,
    directories: config.logDirs,
    metadataDirectory: config.metadataLogDir,
    metadataTopic: METADATA_TOPIC,
    fetchesMetadata: !config.isController,
    nodeId: config.nodeId,
    openSegments,
    ...(options.clusterId !== undefined && { clusterId: options.clusterId }),
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
    const { log, directory } = await openMetadataLog(logs, config);
    const snapshots = await SnapshotFiles.open(runtime.files, directory);
    const raft = {
      log: await RaftLog.open({ log, snapshots }),
      quorumState: new QuorumStateFile(runtime.files, directory),
    };
    return {
      logs,
      raft,
      metadataDirectoryId: logs.metadataDirectoryId,
      bootstrapRecords: readBootstrapRecords(runtime.files, snapshots, config.metadataLogDir),
      metadataLoss,
      failures,
    };
  } catch (error) {
    // The reason matters more than a failure to close.
    await logs.close().catch(() => {});
    throw error;
  }
}

/** Opens the metadata log, or creates it in new directories. */
async function openMetadataLog(
  logs: LogManager,
  config: BrokerConfig,
): Promise<{ readonly log: PartitionLog; readonly directory: string }> {
  await logs.each((directory) => directory.flushDirectory());
  const isNew = !logs.hasMetadataLog;
  const { segmentBytes, segmentMs } = config.metadataLogSettings;
  const log = logs.openMetadataLog(METADATA_TOPIC_ID, {
    ...METADATA_LOG_CONFIG,
    segmentBytes,
    segmentMs,
  });
  // Other nodes have the log of a quorum of several.
  if (config.isAlone && log.logEndOffset === 0 && logs.hasPartitions) throw emptyMetadataLog(log);
  if (isNew || !logs.wasShutDownCleanly) {
    await logs.each((directory) => directory.flushDirectory());
  }
  return { log, directory: log.directory };
}

/** Reads the records that a directory was formatted with. */
function readBootstrapRecords(
  files: FileSystem,
  snapshots: SnapshotFiles,
  directory: string,
): MetadataRecordInput[] {
  const opened = snapshots.latestOrBootstrap !== null && snapshots.latest === null
    ? snapshots.read(BOOTSTRAP_SNAPSHOT_ID)
    : openBootstrapCheckpoint(files, directory);
  if (opened === null) return [];
  const { reader, close } = opened;
  try {
    const records: MetadataRecordInput[] = [];
    for (let batch = reader.next(); batch !== null; batch = reader.next()) {
      for (const { value } of readRecords(batch, 0)) {
        records.push(decodeMetadataRecord(value ?? new Uint8Array(0)));
      }
    }
    return records;
  } finally {
    close();
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
