/**
 * Kafka's `partition.metadata`: the id of the topic that the directory belongs to.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { isUuid, ZERO_UUID } from "../protocol/uuid.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import type { PartitionLogOptions } from "./log_types.ts";
import { createTextFile, DurableFile, readTextFile, replaceTextFile } from "./text_file.ts";

/** The name of the file in a partition's directory. */
export const PARTITION_METADATA = "partition.metadata";

/**
 * Returns the topic id in the file at `path`, or null when there is no file, or a power failure left a
 * part of one. Throws KAFKA_STORAGE_ERROR for other content, and a `FileError`.
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

/** The `partition.metadata` of one log. Methods throw a `FileError`. */
export class TopicIdFile extends DurableFile {
  #topicId: string = ZERO_UUID;

  /** The topic's id, or `ZERO_UUID` when neither the file nor the caller has it. */
  get topicId(): string {
    return this.#topicId;
  }

  /**
   * Reads the topic id, or writes that of `options` to a log without one. The file of a log that is not
   * known to be durable may hold anything after a power failure: then it is ignored. Throws
   * KAFKA_STORAGE_ERROR for a damaged file, INCONSISTENT_TOPIC_ID for another id than that of `options`.
   */
  identify(options: PartitionLogOptions, exists: boolean): void {
    const stored = exists ? this.#read(options) : null;
    const { topic, partition, topicId: wanted } = options;
    if (stored === null) {
      if (wanted !== undefined) this.#write(wanted, exists);
      return;
    }
    this.#topicId = stored;
    if (wanted === undefined || wanted === stored) return;
    throw new KafkaError(
      ErrorCode.INCONSISTENT_TOPIC_ID,
      `Cannot open ${topic}-${partition}: ${this.path} belongs to the topic id ${stored}, not ` +
        `${wanted}; move the directory away`,
    );
  }

  /** Writes the topic id. */
  assign(topicId: string): void {
    this.#write(topicId, true);
  }

  /**
   * A file that does not exist is written in place: a part of it, which a crash may leave, counts as
   * none.
   */
  #write(topicId: string, exists: boolean): void {
    this.closeFile();
    const write = exists ? replaceTextFile : createTextFile;
    write(this.files, this.path, `version: 0\ntopic_id: ${topicId}`);
    this.isDirty = true;
    this.#topicId = topicId;
  }

  #read({ recoveryPoint, wasShutDownCleanly }: PartitionLogOptions): string | null {
    let stored: string | null;
    try {
      stored = readPartitionMetadata(this.files, this.path);
    } catch (error) {
      const mayBeTorn = recoveryPoint === 0 && wasShutDownCleanly !== true;
      if (!mayBeTorn || !(error instanceof KafkaError)) throw error;
      stored = null;
    }
    // A process that was killed may not have synced it.
    if (stored !== null && wasShutDownCleanly !== true) this.isDirty = true;
    return stored;
  }
}

/** Whether a write of the file, by this broker or Apache Kafka, was not finished. */
function isTorn(text: string): boolean {
  const start = "version: 0\ntopic_id: ";
  return text.includes("\0") || start.startsWith(text) ||
    (text.startsWith(start) && /^[\w-]{0,21}$/.test(text.slice(start.length)));
}
