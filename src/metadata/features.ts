/**
 * The features of a cluster that this version knows, with the levels it can work at. What level is
 * in force is in the image; a feature that is not there is at level 0.
 *
 * The features of the new group protocol, of share groups and of transactions are not named while
 * this version does not have them: a client takes a level above 0 as leave to use them.
 *
 * @module
 */
import type { FeatureRange } from "./image.ts";

/** Which records the metadata log may have. */
export const METADATA_VERSION_FEATURE = "metadata.version";

/** `metadata.version` of Apache Kafka 4.3: the records that are written here. */
export const METADATA_VERSION = 30;

/** The features known here, and the levels of each. */
export const SUPPORTED_FEATURES: ReadonlyMap<string, FeatureRange> = new Map([
  [METADATA_VERSION_FEATURE, { min: METADATA_VERSION, max: METADATA_VERSION }],
]);
