/**
 * What the tests of the controller share: an image of some brokers and topics.
 *
 * @module
 */
import type { MetadataImage } from "../../src/metadata/image.ts";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { type ErrorCode, errorName } from "../../src/protocol/errors.ts";
import { decoded } from "../metadata/fixture.ts";

/** The image that records make. */
export function imageOf(...records: MetadataRecordInput[]): MetadataImage {
  const state = new MetadataState();
  if (records.length > 0) state.apply(decoded(...records), records.length - 1, 1);
  return state;
}

/** Results as `name: ERROR`, to be read. */
export function outcomes(
  results: readonly { readonly name: string | null; readonly errorCode: ErrorCode }[],
): string[] {
  return results.map(({ name, errorCode }) => `${name}: ${errorName(errorCode)}`);
}
