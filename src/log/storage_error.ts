/**
 * Conversion of file and record errors to Kafka's errors.
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

/**
 * Returns the KAFKA_STORAGE_ERROR for `what`, which failed because of `cause`, usually a
 * `FileError`.
 */
export function storageError(what: string, cause: unknown): KafkaError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${what}: ${why}`, { cause });
}

/**
 * Converts the `cause` of a failure during `what`: record and file errors become a {@linkcode
 * KafkaError}; any other error is a defect of Millrace and is returned unchanged.
 */
export function asKafkaError(what: string, cause: unknown): unknown {
  if (cause instanceof FileError) return storageError(what, cause);
  if (!(cause instanceof RecordError)) return cause;
  const why = cause.message.replace(/^Cannot store produced records: /, "");
  return new KafkaError(CODE_OF_REASON[cause.reason], `${what}: ${why}`, { cause });
}
