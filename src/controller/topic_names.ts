/**
 * Validation of topic names.
 *
 * @module
 */
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

/**
 * Maximum length of a name. With a partition number it still fits into a file name of 255 bytes.
 */
const MAX_NAME_LENGTH = 249;

/** Throws INVALID_TOPIC_EXCEPTION for an invalid topic name. */
export function checkTopicName(name: string): void {
  const reason = nameProblem(name);
  if (reason !== null) {
    throw new KafkaError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `"${name}" is not a valid topic name: ${reason}`,
    );
  }
}

/** Returns the error for a missing topic: INVALID_TOPIC_EXCEPTION if its name is invalid. */
export function errorForMissingTopic(name: string): ErrorCode {
  return nameProblem(name) === null
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
}

/**
 * Throws INVALID_TOPIC_EXCEPTION for an invalid name, INVALID_REQUEST for a name reserved by the
 * cluster.
 */
export function checkNewTopicName(name: string): void {
  checkTopicName(name);
  if (name === METADATA_TOPIC) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot create "${name}": the name is reserved for the cluster metadata`,
    );
  }
}

function nameProblem(name: string): string | null {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "a directory cannot have this name";
  if (!/^[A-Za-z0-9._-]*$/.test(name)) return 'only letters, digits, ".", "_" and "-" are allowed';
  if (name.length > MAX_NAME_LENGTH) {
    return `it has ${name.length} characters, the maximum is ${MAX_NAME_LENGTH}`;
  }
  return null;
}
