/**
 * Whose a data directory is: the node and the cluster that its `meta.properties` name.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { randomUuid } from "../../protocol/uuid.ts";
import { isDescriptorShortage } from "../../runtime/runtime.ts";
import type { DataDirectoryOptions } from "./data_directory.ts";
import {
  META_PROPERTIES,
  type MetaProperties,
  readMetaProperties,
  writeMetaProperties,
} from "./meta_properties.ts";
import { storageError } from "../storage_error.ts";

/** `events-0` as its topic and partition, or null for a directory that is no log. */
export function parseName(name: string): { topic: string; partition: number } | null {
  const match = /^([a-zA-Z0-9._-]+)-(\d{1,10})$/.exec(name);
  return match && { topic: match[1]!, partition: Number(match[2]) };
}

/** Reads the directory's identity and compares it, or gives a new directory one. */
export function claim(options: DataDirectoryOptions): MetaProperties {
  const { directory, nodeId, runtime } = options;
  const path = `${directory}/${META_PROPERTIES}`;
  const isNew = runtime.files.list(directory).every(({ name }) => parseName(name) === null);
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

/** KAFKA_STORAGE_ERROR: `directory` cannot be used because of `cause`. */
export function unusable(directory: string, cause: unknown): KafkaError {
  // Its message has the remedy.
  if (isDescriptorShortage(cause)) {
    return storageError(`Cannot use the data directory ${directory}`, cause);
  }
  return storageError(
    `Cannot use the data directory ${directory}, make it readable and writable or name another one`,
    cause,
  );
}
