/**
 * What a decision of the controller is: records to append, and an answer for each thing asked.
 * Decisions are pure functions of the image and the request, beside the shell that carries them
 * out (`controller.ts`).
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";

/** Records to append, in order and together, and what to answer once they are. */
export interface Decision<Result> {
  readonly records: readonly MetadataRecordInput[];
  readonly results: readonly Result[];
}

/** How one of the things asked went. Code 0 and no message for success. */
export interface Outcome {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/** Went well. */
export const SUCCESS: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Did not go: the code for the wire, and what to do. */
export function failure(errorCode: ErrorCode, errorMessage: string): Outcome {
  return { errorCode, errorMessage };
}

/** The outcome that a thrown {@linkcode KafkaError} means. Throws anything else again. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof KafkaError) return failure(error.code, error.message);
  throw error;
}

/** The elements that occur more than once, each once. */
export function duplicatesOf<T>(values: Iterable<T>): Set<T> {
  const seen = new Set<T>();
  const duplicates = new Set<T>();
  for (const value of values) {
    if (seen.has(value)) duplicates.add(value);
    seen.add(value);
  }
  return duplicates;
}
