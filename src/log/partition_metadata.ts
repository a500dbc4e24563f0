/**
 * Kafka's `partition.metadata`: which topic, by its id, the directory belongs to.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { isUuid, ZERO_UUID } from "../protocol/uuid.ts";
import type { FileSystem, Runtime } from "../runtime/runtime.ts";
import type { LogHealth } from "./log_health.ts";
import type { PartitionLogOptions } from "./log_types.ts";
import { createTextFile, type DurableFile, readTextFile, replaceTextFile } from "./text_file.ts";

/** The name of the file in a partition's directory. */
export const PARTITION_METADATA = "partition.metadata";

/**
 * The topic id in the file at `path`, or null when there is no file, or a loss of power left a
 * part of one. Throws KAFKA_STORAGE_ERROR when it says something else, and a `FileError`.
 */
export function readPartitionMetadata(files: FileSystem, path: string): string | null {
  const text = readTextFile(files, path);
  if (text === null || isTorn(text)) return null;
  const version = /^version: *(\S+) *$/m.exec(text)?.[1];
  const topicId = /^topic_id: *(\S+) *$/m.exec(text)?.[1];
  if (version !== "0" || topicId === undefined || !isUuid(topicId)) {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot read ${path}: it must have the lines "version: 0" and "topic_id: <topic id>"; ` +
        `write them, with the id the cluster's metadata has for the topic, or remove the file`,
    );
  }
  return topicId;
}

/**
 * As {@linkcode readPartitionMetadata}, for a log that is opened with `options`: one that is not known
 * to have reached the disk may have anything in the file after a loss of power, and that counts as
 * none. Throws INCONSISTENT_TOPIC_ID when the id is not the one that is wanted.
 */
export function readTopicId(
  file: DurableFile,
  options: Pick<
    PartitionLogOptions,
    "topic" | "partition" | "topicId" | "recoveryPoint" | "wasShutDownCleanly"
  >,
): string | null {
  const { topic, partition, topicId: wanted, recoveryPoint, wasShutDownCleanly } = options;
  let stored: string | null;
  try {
    stored = readPartitionMetadata(file.files, file.path);
  } catch (error) {
    const mayBeTorn = recoveryPoint === 0 && wasShutDownCleanly !== true;
    if (!mayBeTorn || !(error instanceof KafkaError)) throw error;
    stored = null;
  }
  // A process that was killed may not have brought it to the disk.
  if (stored !== null && wasShutDownCleanly !== true) file.isDirty = true;
  if (stored === null || wanted === undefined || wanted === stored) return stored;
  throw new KafkaError(
    ErrorCode.INCONSISTENT_TOPIC_ID,
    `Cannot open ${topic}-${partition}: ${file.path} belongs to the topic id ${stored}, not ` +
      `${wanted}; move the directory away`,
  );
}

/**
 * Writes the file at `path`. One that does not exist is written in place: a part of it, which a crash may
 * leave, counts as none. Throws a `FileError`.
 */
export function writePartitionMetadata(
  files: FileSystem,
  path: string,
  topicId: string,
  exists: boolean,
): void {
  (exists ? replaceTextFile : createTextFile)(files, path, `version: 0\ntopic_id: ${topicId}`);
}

/** The parts of a log that its topic id concerns. */
interface IdentifiedLog {
  readonly health: LogHealth;
  /** `partition.metadata`. */
  readonly metadata: DurableFile;
  readonly runtime: Pick<Runtime, "files">;
}

/** The topic id of one log. Methods throw a `KafkaError`. */
export class TopicIdentity {
  /** The topic's id, or `ZERO_UUID` when neither the caller nor `partition.metadata` had it. */
  topicId: string = ZERO_UUID;
  readonly #state: IdentifiedLog;

  constructor(state: IdentifiedLog) {
    this.#state = state;
  }

  /** Reads the topic id of the log, or writes it to a log without one. */
  identify(options: PartitionLogOptions, hasFile: boolean): void {
    const stored = hasFile ? readTopicId(this.#state.metadata, options) : null;
    if (stored !== null) this.topicId = stored;
    else if (options.topicId !== undefined) this.assign(options.topicId, hasFile);
  }

  /** Writes `topicId`. `hasFile`: whether the file may exist. */
  assign(topicId: string, hasFile = true): void {
    const { health, metadata, runtime } = this.#state;
    health.change("write the topic id of", () => {
      metadata.closeFile();
      writePartitionMetadata(runtime.files, metadata.path, topicId, hasFile);
    });
    metadata.isDirty = true;
    this.topicId = topicId;
  }
}

/** Whether a write of the file, as we or Kafka do it, did not come to its end. */
function isTorn(text: string): boolean {
  const start = "version: 0\ntopic_id: ";
  return text.includes("\0") || start.startsWith(text) ||
    (text.startsWith(start) && /^[\w-]{0,21}$/.test(text.slice(start.length)));
}
