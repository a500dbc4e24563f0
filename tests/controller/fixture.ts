/**
 * Helpers of the controller tests: an image with brokers and topics.
 *
 * @module
 */
import type { MetadataImage } from "../../src/metadata/image.ts";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { type ErrorCode, errorName } from "../../src/protocol/errors.ts";
import { decoded } from "../metadata/fixture.ts";

/** Builds an image from records. */
export function imageOf(...records: MetadataRecordInput[]): MetadataImage {
  const state = new MetadataState();
  if (records.length > 0) state.apply(decoded(...records), records.length - 1, 1);
  return state;
}

/** Formats results as `name: ERROR`. */
export function outcomes(
  results: readonly { readonly name: string | null; readonly errorCode: ErrorCode }[],
): string[] {
  return results.map(({ name, errorCode }) => `${name}: ${errorName(errorCode)}`);
}
