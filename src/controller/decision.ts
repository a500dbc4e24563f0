/**
 * A decision of the controller: records to append, and a result for each item of the request.
 * Decisions are pure functions of the image and the request, in steps for requests with many items;
 * `ActiveController` carries them out.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Steps } from "../protocol/records/compression/steps.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";

/** Records to append together and in order, and the results to return afterwards. */
export interface Decision<Result> {
  readonly records: readonly MetadataRecordInput[];
  readonly results: readonly Result[];
}

/**
 * Items of a request that are decided in one step. A failed item costs an error with its stack, and a list of
 * 32 KB among its configs a millisecond.
 */
const ITEMS_PER_STEP = 4;

/** Ends a step after every {@linkcode ITEMS_PER_STEP} items. */
export function* inSteps<Item>(items: Iterable<Item>, decide: (item: Item) => void): Steps<void> {
  let count = 0;
  for (const item of items) {
    decide(item);
    if (++count % ITEMS_PER_STEP === 0) yield;
  }
}

/** The outcome of one item of a request. Success has code 0 and no message. */
export interface Outcome {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/** The outcome of a successful item. */
export const SUCCESS: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Creates the outcome of a failed item. */
export function failure(errorCode: ErrorCode, errorMessage: string): Outcome {
  return { errorCode, errorMessage };
}

/** Returns the outcome for a thrown {@linkcode KafkaError}. Rethrows any other error. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof KafkaError) return failure(error.code, error.message);
  throw error;
}

/** Returns the elements that occur more than once, without repetition. */
export function duplicatesOf<T>(values: Iterable<T>): Set<T> {
  const seen = new Set<T>();
  const duplicates = new Set<T>();
  for (const value of values) {
    if (seen.has(value)) duplicates.add(value);
    seen.add(value);
  }
  return duplicates;
}
