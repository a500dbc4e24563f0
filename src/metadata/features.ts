/**
 * The cluster features supported by this version, with the range of levels. The finalized levels
 * are in the image; a missing feature has level 0.
 *
 * The features of the consumer group protocol, of share groups and of transactions are not listed
 * until they are implemented, since clients use a feature whose level is above 0.
 *
 * @module
 */
import type { FeatureRange } from "./image.ts";

/** Determines which records the metadata log may contain. */
export const METADATA_VERSION_FEATURE = "metadata.version";
/** Determines the voters' protocol. Its level is in the quorum's control records (KIP-853). */
export const KRAFT_VERSION_FEATURE = "kraft.version";

/** `metadata.version` of Apache Kafka 4.4 (4.4-IV2), the level of a new cluster. */
export const METADATA_VERSION = 33;
/** The minimum supported level: that of Apache Kafka 4.3, used by version 0.1.0. */
const OLDEST_METADATA_VERSION = 30;

/** The supported features with their ranges of levels. */
export const SUPPORTED_FEATURES: ReadonlyMap<string, FeatureRange> = new Map([
  [METADATA_VERSION_FEATURE, { min: OLDEST_METADATA_VERSION, max: METADATA_VERSION }],
]);
