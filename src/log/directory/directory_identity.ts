/**
 * The owner of a data directory: the process that holds its lock, and the node and cluster in its
 * `meta.properties`.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { randomUuid } from "../../protocol/uuid.ts";
import {
  type DirectoryEntry,
  type DirectoryLock,
  type FileSystem,
  isDescriptorShortage,
} from "../../runtime/runtime.ts";
import type { DataDirectoryOptions } from "./data_directory_options.ts";
import { parentsOfMissing } from "./directory_names.ts";
import {
  META_PROPERTIES,
  type MetaProperties,
  readMetaProperties,
  writeMetaProperties,
} from "./meta_properties.ts";
import { storageError } from "../storage_error.ts";
import { readTextFile, replaceTextFile, syncFile } from "../text_file.ts";

const LOCK = ".lock";
const CLEAN_SHUTDOWN = ".kafka_cleanshutdown";

/** A directory locked by this process. */
export interface LockedDirectory {
  readonly lock: DirectoryLock;
  /** The directories in which the data directory or one of its parents was created. */
  readonly parentsToSync: readonly string[];
  /** What it holds. */
  readonly entries: readonly DirectoryEntry[];
}

/** Creates `directory` if necessary, locks it, and lists it. Throws KAFKA_STORAGE_ERROR. */
export function* lockDirectory(files: FileSystem, directory: string): Steps<LockedDirectory> {
  let lock: DirectoryLock | null;
  let parentsToSync: string[];
  try {
    parentsToSync = parentsOfMissing(files, directory);
    if (parentsToSync.length > 0) files.makeDirectory(directory);
    lock = files.tryLock(`${directory}/${LOCK}`);
  } catch (error) {
    throw unusable(directory, error);
  }
  if (lock === null) {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot use the data directory ${directory}: another process has it open; stop that ` +
        `process, or name another directory`,
    );
  }
  yield;
  try {
    return { lock, parentsToSync, entries: files.list(directory) };
  } catch (error) {
    lock.release();
    throw unusable(directory, error);
  }
}

/**
 * Parses a name such as `events-0` into topic and partition. Returns null if it is not the name of
 * a log.
 */
export function parseName(name: string): { topic: string; partition: number } | null {
  const match = /^([a-zA-Z0-9._-]+)-(\d{1,10})$/.exec(name);
  return match && { topic: match[1]!, partition: Number(match[2]) };
}

/** The identity of a locked data directory, and whether its last process shut down cleanly. */
export class DirectoryIdentity {
  readonly clusterId: string;
  readonly directoryId: string;
  /** Whether the last process that used the directory shut down cleanly. */
  readonly wasShutDownCleanly: boolean;
  /** The broker epoch of that process (KIP-966), or -1 if it did not shut down cleanly or had none. */
  readonly previousBrokerEpoch: number;
  /** The broker epoch of this process, -1 until it is known. */
  brokerEpoch = -1;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #lock: DirectoryLock;
  #parentsToSync: readonly string[];
  /** Whether `meta.properties` may not be durable yet. */
  #isDirty: boolean;

  /** Removes the clean shutdown marker. Throws a `FileError`. */
  constructor(
    files: FileSystem,
    directory: string,
    { lock, parentsToSync }: LockedDirectory,
    { clusterId, directoryId }: MetaProperties,
  ) {
    this.#files = files;
    this.#directory = directory;
    this.#lock = lock;
    this.#parentsToSync = parentsToSync;
    this.clusterId = clusterId;
    this.directoryId = directoryId;
    const marker = `${directory}/${CLEAN_SHUTDOWN}`;
    this.wasShutDownCleanly = files.exists(marker);
    this.previousBrokerEpoch = this.wasShutDownCleanly
      ? epochIn(readTextFile(files, marker) ?? "")
      : -1;
    files.remove(marker);
    this.#isDirty = !this.wasShutDownCleanly;
  }

  /** Makes `meta.properties` durable if necessary. Rejects with a `FileError`. */
  async syncProperties(): Promise<void> {
    if (!this.#isDirty) return;
    await syncFile(this.#files, `${this.#directory}/${META_PROPERTIES}`);
    this.#isDirty = false;
  }

  /** Makes the names in the directory durable, and its own. Rejects with a `FileError`. */
  async syncNames(): Promise<void> {
    await this.#files.syncDirectory(this.#directory);
    for (const parent of this.#parentsToSync) await this.#files.syncDirectory(parent);
    this.#parentsToSync = [];
  }

  /** Writes the clean shutdown marker: everything is durable. Throws a `FileError`. */
  markCleanShutdown(): void {
    const marker = `${this.#directory}/${CLEAN_SHUTDOWN}`;
    replaceTextFile(this.#files, marker, `{"version":0,"brokerEpoch":${this.brokerEpoch}}`);
  }

  /** Releases the lock. */
  release(): void {
    this.#lock.release();
  }
}

/** Returns the epoch in a clean shutdown marker, or -1 for one that Apache Kafka 3.7 or older has written. */
function epochIn(marker: string): number {
  const [, epoch] = /^\s*\{.*"brokerEpoch"\s*:\s*(-?\d{1,15})\s*[,}]/s.exec(marker) ?? [];
  return epoch === undefined ? -1 : Number(epoch);
}

/** The names of the logs among the entries of a data directory. */
export function logNames(entries: readonly DirectoryEntry[]): string[] {
  return entries.filter(({ name, isDirectory }) => isDirectory && parseName(name) !== null)
    .map(({ name }) => name);
}

/** Reads and checks the directory's identity, or creates one for a new directory. */
export function claim(
  options: DataDirectoryOptions,
  entries: readonly DirectoryEntry[],
): MetaProperties {
  const { directory, nodeId, runtime } = options;
  const path = `${directory}/${META_PROPERTIES}`;
  const isNew = entries.every(({ name }) => parseName(name) === null);
  const found = readMetaProperties(runtime.files, path, isNew);
  if (found === null) return introduce(options, path, isNew);
  const refuse = (what: string) =>
    new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot use the data directory ${directory}: ${what}; name another directory`,
    );
  if (found.nodeId !== nodeId) {
    throw refuse(`it belongs to node ${found.nodeId}, this is node ${nodeId}`);
  }
  if (options.clusterId !== undefined && found.clusterId !== options.clusterId) {
    throw refuse(`it belongs to cluster "${found.clusterId}", this is "${options.clusterId}"`);
  }
  return found;
}

function introduce(options: DataDirectoryOptions, path: string, isNew: boolean): MetaProperties {
  const { directory, nodeId, runtime } = options;
  if (!isNew) {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot use the data directory ${directory}: it holds partitions but no ${META_PROPERTIES}; ` +
        `bring the file back from a copy, or name another directory`,
    );
  }
  const properties: MetaProperties = {
    clusterId: options.clusterId ?? randomUuid(runtime.random),
    nodeId,
    directoryId: randomUuid(runtime.random),
  };
  writeMetaProperties(runtime.files, path, properties);
  return properties;
}

/** Returns the KAFKA_STORAGE_ERROR for a `directory` that cannot be used because of `cause`. */
export function unusable(directory: string, cause: unknown): KafkaError {
  // The message of this cause already says what to do.
  if (isDescriptorShortage(cause)) {
    return storageError(`Cannot use the data directory ${directory}`, cause);
  }
  return storageError(
    `Cannot use the data directory ${directory}, make it readable and writable or name another one`,
    cause,
  );
}
