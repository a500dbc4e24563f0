/**
 * Which names a topic may have.
 *
 * @module
 */
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

/** The longest name: with a partition number it still fits a file name of 255 bytes. */
const MAX_NAME_LENGTH = 249;

/** Throws INVALID_TOPIC_EXCEPTION when no topic can have the name. */
export function checkTopicName(name: string): void {
  const reason = refuseName(name);
  if (reason !== null) {
    throw new KafkaError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `"${name}" is no topic name: ${reason}`,
    );
  }
}

/** The error for a topic that does not exist: INVALID_TOPIC_EXCEPTION if none can have the name. */
export function errorForMissing(name: string): ErrorCode {
  return refuseName(name) === null
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
}

/** Throws INVALID_TOPIC_EXCEPTION for a name no topic can have, INVALID_REQUEST for one that is taken by the cluster itself. */
export function checkNewTopicName(name: string): void {
  checkTopicName(name);
  if (name === METADATA_TOPIC) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot create "${name}": the cluster keeps its own metadata there`,
    );
  }
}

function refuseName(name: string): string | null {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "a directory cannot be called so";
  if (!/^[A-Za-z0-9._-]*$/.test(name)) return 'it may have letters, digits, ".", "_" and "-" only';
  if (name.length > MAX_NAME_LENGTH) {
    return `it has ${name.length} characters, ${MAX_NAME_LENGTH} is most`;
  }
  return null;
}
