/**
 * Formats the data directories of a node before its first start, as `kafka-storage format` does:
 * `meta.properties` names the cluster and the node, and in the metadata directory of a controller the
 * bootstrap snapshot has the first records of the cluster and, for a dynamic quorum, its first voters.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { atOnce } from "../../protocol/records/compression/steps.ts";
import { type DirectoryEntry, FileError, type FileSystem } from "../../runtime/runtime.ts";
import { lockDirectory, parseName, unusable } from "../../log/directory/directory_identity.ts";
import { parentOf } from "../../log/directory/directory_names.ts";
import {
  META_PROPERTIES,
  type MetaProperties,
  readMetaProperties,
  writeMetaProperties,
} from "../../log/directory/meta_properties.ts";
import { syncFile } from "../../log/text_file.ts";
import type { VoterRecord } from "./control_batches.ts";
import { SnapshotFiles } from "./snapshot_files.ts";
import {
  BOOTSTRAP_SNAPSHOT_ID,
  isSnapshotLeftover,
  parseSnapshotFileName,
} from "./snapshot_names.ts";

/** The directory of the metadata log in the metadata directory. */
export const METADATA_LOG_DIRECTORY = "__cluster_metadata-0";

/** What the bootstrap snapshot holds. */
export interface BootstrapContent {
  /** 0 for voters in the configuration, 1 for a dynamic quorum (KIP-853). */
  readonly kraftVersion: number;
  /** The first voters of a dynamic quorum; null for a controller that joins one. */
  readonly voters: readonly VoterRecord[] | null;
  /** Encoded metadata records: the levels of features, SCRAM credentials. */
  readonly records: readonly Uint8Array[];
}

/** Options of {@linkcode formatDirectory}. */
export interface FormatOptions extends MetaProperties {
  readonly files: FileSystem;
  /** The data directory, which is created if necessary. */
  readonly directory: string;
  /** For the metadata directory of a controller; null for any other directory. */
  readonly bootstrap: BootstrapContent | null;
  /** The time, ms since 1970. */
  readonly nowMs: number;
}

/** Returns what the directory was formatted with, or null. Throws KAFKA_STORAGE_ERROR for damage. */
export function formattedWith(files: FileSystem, directory: string): MetaProperties | null {
  try {
    return readMetaProperties(files, `${directory}/${META_PROPERTIES}`, true);
  } catch (error) {
    throw error instanceof FileError ? unusable(directory, error) : error;
  }
}

/**
 * Formats one directory. `meta.properties` comes last, so that a format that was interrupted can be
 * repeated. Resolves when everything is durable. Rejects with KAFKA_STORAGE_ERROR for a directory that is
 * formatted already, holds partitions, or is in use, and with INVALID_CONFIG if the first voters give
 * this node another directory id.
 */
export async function formatDirectory(options: FormatOptions): Promise<void> {
  const { files, directory, bootstrap } = options;
  checkVoters(options);
  const { lock, parentsToSync, entries } = atOnce(lockDirectory(files, directory));
  try {
    checkUnused(options, entries);
    if (bootstrap !== null) await writeBootstrap(options, bootstrap);
    const path = `${directory}/${META_PROPERTIES}`;
    writeMetaProperties(files, path, options);
    await syncFile(files, path);
    await files.syncDirectory(directory);
    // An interrupted format may have created the directory without syncing its name.
    for (const parent of new Set([parentOf(directory), ...parentsToSync])) {
      await files.syncDirectory(parent);
    }
  } catch (error) {
    throw error instanceof FileError ? unusable(directory, error) : error;
  } finally {
    lock.release();
  }
}

async function writeBootstrap(
  { files, directory, nowMs }: FormatOptions,
  { kraftVersion, voters, records }: BootstrapContent,
): Promise<void> {
  const logDirectory = `${directory}/${METADATA_LOG_DIRECTORY}`;
  files.makeDirectory(logDirectory);
  const draft = (await SnapshotFiles.open(files, logDirectory)).create(BOOTSTRAP_SNAPSHOT_ID);
  try {
    const header = { lastContainedLogTimestamp: nowMs, kraftVersion, voters };
    const writer = draft.writer(header, () => nowMs);
    for (const record of records) writer.append(record);
    writer.finish();
    await draft.publish();
  } finally {
    draft.abandon();
  }
}

function checkVoters({ directory, nodeId, directoryId, bootstrap }: FormatOptions): void {
  const own = bootstrap?.voters?.find(({ id }) => id === nodeId);
  if (own === undefined || own.directoryId === directoryId) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `Cannot format ${directory}: the initial controllers name the directory id ` +
      `${own.directoryId} for node ${nodeId}, and it would get ${directoryId}; use one id for both`,
  );
}

function checkUnused(
  { files, directory }: FormatOptions,
  entries: readonly DirectoryEntry[],
): void {
  const found = formattedWith(files, directory);
  if (found !== null) {
    throw refused(
      directory,
      `it is formatted for node ${found.nodeId} of cluster "${found.clusterId}"`,
    );
  }
  for (const { name } of entries) {
    if (parseName(name) === null) continue;
    // An interrupted format may have left the bootstrap snapshot alone.
    const isUnused = name === METADATA_LOG_DIRECTORY &&
      files.list(`${directory}/${name}`).every((file) => isOfFormat(file.name));
    if (!isUnused) throw refused(directory, `it holds ${name} and no ${META_PROPERTIES}`);
  }
}

function isOfFormat(name: string): boolean {
  return isSnapshotLeftover(name) || parseSnapshotFileName(name)?.endOffset === 0;
}

function refused(directory: string, why: string): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot format ${directory}: ${why}; name another directory, or remove it first`,
  );
}
