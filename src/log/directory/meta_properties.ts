/**
 * Kafka's `meta.properties`: the node and cluster that a data directory belongs to.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { isUuid } from "../../protocol/uuid.ts";
import { FileError, type FileSystem } from "../../runtime/runtime.ts";
import { readTextFile, replaceTextFile } from "../text_file.ts";

/** The name of the file at the root of a data directory. */
export const META_PROPERTIES = "meta.properties";

/** The content of the file. */
export interface MetaProperties {
  /** The cluster's id. */
  readonly clusterId: string;
  /** The node's id, 0 or more. */
  readonly nodeId: number;
  /** The directory's own id (KIP-858), a UUID as `src/protocol/uuid.ts` writes them. */
  readonly directoryId: string;
}

const KEYS = ["node.id", "directory.id", "version", "cluster.id"];

/**
 * Returns the content of the file at `path`, or null if it does not exist. `isNew`: the directory
 * is empty otherwise, so that an incomplete file is the result of a power failure during the first
 * write and counts as missing. Throws KAFKA_STORAGE_ERROR for another version or missing
 * properties, and a `FileError`.
 */
export function readMetaProperties(
  files: FileSystem,
  path: string,
  isNew: boolean,
): MetaProperties | null {
  const text = readTextFile(files, path);
  if (text === null || text === "") return null;
  const properties = parse(text);
  if (isNew && KEYS.some((key) => !properties.get(key))) return null;
  const version = properties.get("version");
  if (version !== "1") {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot use ${path}: its version is "${
        version ?? ""
      }", this release supports 1; start with the ` +
        `release that wrote it, or name another data directory`,
    );
  }
  const nodeId = Number(required(properties, "node.id", path));
  if (!Number.isInteger(nodeId) || nodeId < 0) {
    throw incomplete(path, `node.id "${properties.get("node.id")}" is not a node id`);
  }
  const directoryId = properties.get("directory.id");
  if (directoryId === undefined || !isUuid(directoryId)) {
    throw incomplete(path, `directory.id "${directoryId ?? ""}" is not a UUID`);
  }
  return { clusterId: required(properties, "cluster.id", path), nodeId, directoryId };
}

/**
 * Returns the cluster id in the file at `path`, or null if there is none or the file cannot be
 * read: opening the directory reports the error.
 */
export function readClusterId(files: FileSystem, path: string): string | null {
  try {
    return parse(readTextFile(files, path) ?? "").get("cluster.id") || null;
  } catch (error) {
    if (error instanceof FileError) return null;
    throw error;
  }
}

/** Writes the file at `path`. Throws a `FileError`. */
export function writeMetaProperties(
  files: FileSystem,
  path: string,
  properties: MetaProperties,
): void {
  const { clusterId, nodeId, directoryId } = properties;
  const lines = [
    "#",
    `node.id=${nodeId}`,
    `directory.id=${directoryId}`,
    "version=1",
    `cluster.id=${clusterId}`,
    "",
  ];
  replaceTextFile(files, path, lines.join("\n"));
}

function parse(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) properties.set(match[1]!, match[2]!);
  }
  return properties;
}

function required(properties: Map<string, string>, key: string, path: string): string {
  const value = properties.get(key);
  if (value === undefined || value === "") throw incomplete(path, `${key} is missing`);
  return value;
}

function incomplete(path: string, why: string): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot use ${path}: ${why}; bring the file back from a copy, or name another data directory`,
  );
}
