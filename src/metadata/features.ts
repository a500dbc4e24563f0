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

/** `metadata.version` of Apache Kafka 4.4 (4.4-IV2): what a new cluster is at. */
export const METADATA_VERSION = 33;
/** The lowest level that works here: that of Apache Kafka 4.3, at which version 0.1.0 wrote. */
const OLDEST_METADATA_VERSION = 30;

/** The features known here, and the levels of each. */
export const SUPPORTED_FEATURES: ReadonlyMap<string, FeatureRange> = new Map([
  [METADATA_VERSION_FEATURE, { min: OLDEST_METADATA_VERSION, max: METADATA_VERSION }],
]);
