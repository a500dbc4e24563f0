/**
 * What goes wrong with files, told as Kafka's errors.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { RecordError, type RecordErrorReason } from "../protocol/records/record_error.ts";
import { FileError } from "../runtime/runtime.ts";

const CODE_OF_REASON: Readonly<Record<RecordErrorReason, ErrorCode>> = {
  "corrupt": ErrorCode.CORRUPT_MESSAGE,
  "invalid": ErrorCode.INVALID_RECORD,
  "too-large": ErrorCode.MESSAGE_TOO_LARGE,
  "unsupported-compression": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
};

/** KAFKA_STORAGE_ERROR: `what` could not be done because of `cause`, usually a `FileError`. */
export function storageError(what: string, cause: unknown): KafkaError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${what}: ${why}`, { cause });
}

/**
 * The answer for what went wrong while doing `what`: bad records and failing files become a
 * {@linkcode KafkaError}; anything else is a defect of ours and stays what it is.
 */
export function asKafkaError(what: string, cause: unknown): unknown {
  if (cause instanceof FileError) return storageError(what, cause);
  if (!(cause instanceof RecordError)) return cause;
  const why = cause.message.replace(/^Cannot store produced records: /, "");
  return new KafkaError(CODE_OF_REASON[cause.reason], `${what}: ${why}`, { cause });
}
