/**
 * The cluster features of Apache Kafka 4.4, with the range of levels that this version supports. The
 * finalized levels are in the image; a missing feature has level 0.
 *
 * The features of the consumer group protocol, of share groups, of Streams groups, of transactions
 * and of eligible leader replicas stay at level 0 until they are implemented, since clients use a
 * feature whose level is above 0.
 *
 * @module
 */
import type { FeatureRange, MetadataImage } from "./image.ts";

/** Determines which records the metadata log may contain. */
export const METADATA_VERSION_FEATURE = "metadata.version";
/** Determines the voters' protocol. Its level is in the quorum's control records (KIP-853). */
export const KRAFT_VERSION_FEATURE = "kraft.version";

/** `metadata.version` of Apache Kafka 4.4 (4.4-IV2), the level of a new cluster. */
export const METADATA_VERSION = 33;
/** The minimum supported level: that of Apache Kafka 4.3, used by version 0.1.0. */
const OLDEST_METADATA_VERSION = 30;

/** The supported levels by their names in Apache Kafka, and the names of its releases. */
export const METADATA_VERSION_NAMES: ReadonlyMap<string, number> = new Map([
  ["4.3-IV0", 30],
  ["4.4-IV0", 31],
  ["4.4-IV1", 32],
  ["4.4-IV2", 33],
  ["4.3", 30],
  ["4.4", 33],
]);

/** `metadata.version` 4.4-IV1: registrations have cordoned log directories (KIP-1066). */
export const FIRST_LEVEL_WITH_CORDONED_DIRECTORIES = 32;
/** `metadata.version` 4.4-IV2: controllers can be unregistered. */
export const FIRST_LEVEL_WITH_CONTROLLER_UNREGISTRATION = 33;

/**
 * The levels of `metadata.version` that add records or fields. Records of these levels may be in the
 * log, so no downgrade passes one of them.
 */
export const METADATA_CHANGING_LEVELS: readonly number[] = [
  OLDEST_METADATA_VERSION,
  FIRST_LEVEL_WITH_CORDONED_DIRECTORIES,
  FIRST_LEVEL_WITH_CONTROLLER_UNREGISTRATION,
];

/** A feature with the levels this version supports. */
export interface Feature extends FeatureRange {
  readonly name: string;
  /** The level in a new cluster. */
  readonly initial: number;
}

/**
 * Every feature of Apache Kafka 4.4. One whose maximum is 0 stands for behaviour that this version does not have,
 * as the README says: requests to raise it are refused, and nodes do not advertise it.
 */
export const FEATURES: readonly Feature[] = [
  {
    name: METADATA_VERSION_FEATURE,
    min: OLDEST_METADATA_VERSION,
    max: METADATA_VERSION,
    initial: METADATA_VERSION,
  },
  // Chosen by the quorum, not by a record of the metadata log.
  { name: KRAFT_VERSION_FEATURE, min: 0, max: 1, initial: 0 },
  { name: "transaction.version", min: 0, max: 0, initial: 0 },
  { name: "group.version", min: 0, max: 0, initial: 0 },
  { name: "eligible.leader.replicas.version", min: 0, max: 0, initial: 0 },
  { name: "share.version", min: 0, max: 0, initial: 0 },
  { name: "streams.version", min: 0, max: 0, initial: 0 },
];

/** The implemented features with their ranges of levels, as nodes advertise and register them. */
export const SUPPORTED_FEATURES: ReadonlyMap<string, FeatureRange> = new Map(
  FEATURES.filter(({ max }) => max > 0)
    .map(({ name, min, max }) => [name, { min, max }]),
);

/** Returns those of the levels of a cluster that this version does not support, by the names of features. */
export function unsupportedLevels(
  features: MetadataImage["features"],
): ReadonlyMap<string, number> {
  const isUnsupported = ([name, level]: readonly [string, number]) => {
    const range = SUPPORTED_FEATURES.get(name);
    return range === undefined || level < range.min || level > range.max;
  };
  return new Map([...features].filter(isUnsupported));
}

/**
 * Throws an Error for a `metadata.version` above the supported ones: later records, or fields of known records,
 * could mean what this version does not know.
 */
export function requireSupportedLevel(
  { name, featureLevel }: { readonly name: string; readonly featureLevel: number },
): void {
  if (name !== METADATA_VERSION_FEATURE || featureLevel <= METADATA_VERSION) return;
  throw new Error(
    `it raises metadata.version to ${featureLevel}, supported are ${OLDEST_METADATA_VERSION} to ` +
      `${METADATA_VERSION}`,
  );
}

/**
 * Returns the finalized `metadata.version`. A log without one is new; it gets the level of a new
 * cluster.
 */
export function metadataVersionOf({ features }: Pick<MetadataImage, "features">): number {
  return features.get(METADATA_VERSION_FEATURE) ?? METADATA_VERSION;
}

/** Returns the version of RegisterBrokerRecords that a cluster with these features can read. */
export function registerBrokerVersion(image: Pick<MetadataImage, "features">): number {
  return hasCordonedDirectories(image) ? 4 : 3;
}

/** Returns the version of BrokerRegistrationChangeRecords that a cluster with these features can read. */
export function registrationChangeVersion(image: Pick<MetadataImage, "features">): number {
  return hasCordonedDirectories(image) ? 3 : 2;
}

function hasCordonedDirectories(image: Pick<MetadataImage, "features">): boolean {
  return metadataVersionOf(image) >= FIRST_LEVEL_WITH_CORDONED_DIRECTORIES;
}

/** Returns Kafka's name of a level of `metadata.version`, such as 4.4-IV2, or its number if it has none. */
export function metadataVersionName(level: number): string {
  const found = [...METADATA_VERSION_NAMES].find(([, known]) => known === level);
  return found?.[0] ?? String(level);
}
