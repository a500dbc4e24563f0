/**
 * Decisions about the levels of cluster features (KIP-584).
 *
 * @module
 */
import {
  FEATURES,
  KRAFT_VERSION_FEATURE,
  METADATA_CHANGING_LEVELS,
  METADATA_VERSION_FEATURE,
  metadataVersionOf,
} from "../metadata/features.ts";
import type { FeatureRange, MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { duplicatesOf } from "./decision.ts";

/** What a feature update may do, numbered as in UpdateFeatures. */
export const UpgradeType = {
  UPGRADE: 1,
  SAFE_DOWNGRADE: 2,
  UNSAFE_DOWNGRADE: 3,
} as const;

/** An UpdateFeatures request. Version 0 has `allowDowngrade`, later versions `upgradeType`. */
export interface UpdateFeaturesRequest {
  readonly featureUpdates: readonly {
    readonly feature: string;
    readonly maxVersionLevel: number;
    readonly allowDowngrade?: boolean;
    readonly upgradeType?: number;
  }[];
}

/** A node of the cluster and the features it supports. */
export interface FeatureNode {
  readonly id: number;
  readonly features: ReadonlyMap<string, FeatureRange>;
}

/** The state of the cluster that feature levels depend on. */
export interface UpdateFeaturesContext {
  readonly image: MetadataImage;
  /** The registered controllers. */
  readonly controllers: Iterable<FeatureNode>;
  /** The level of `kraft.version`, which the quorum stores. */
  readonly kraftVersion: number;
}

/** The new levels. */
export interface UpdateFeaturesDecision {
  readonly records: readonly MetadataRecordInput[];
  /** The level of `kraft.version` that the quorum must adopt, or null for no change. */
  readonly kraftVersion: number | null;
}

type Update = UpdateFeaturesRequest["featureUpdates"][number];

/**
 * Decides about all updates together: if one is invalid, none takes effect. With `validateOnly`, the
 * caller answers without executing the decision. A level that the feature already has needs no
 * record.
 *
 * Throws INVALID_REQUEST for a feature named twice, and INVALID_UPDATE_VERSION for a level that is
 * unknown, not supported by every node, lower without permission, or, for `metadata.version`, lower
 * than a level that added records.
 */
export function decideUpdateFeatures(
  { featureUpdates }: UpdateFeaturesRequest,
  context: UpdateFeaturesContext,
): UpdateFeaturesDecision {
  const [duplicate] = duplicatesOf(featureUpdates.map(({ feature }) => feature));
  if (duplicate !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot update feature "${duplicate}": the request names it more than once`,
    );
  }
  const controllers = [...context.controllers];
  const records: MetadataRecordInput[] = [];
  let kraftVersion: number | null = null;
  for (const update of featureUpdates) {
    const { feature: name, maxVersionLevel: featureLevel } = update;
    const current = currentLevel(name, context);
    checkUpdate(update, current, { ...context, controllers });
    if (featureLevel === current) continue;
    if (name === KRAFT_VERSION_FEATURE) kraftVersion = featureLevel;
    else records.push({ name: "FeatureLevelRecord", value: { name, featureLevel } });
  }
  return { records, kraftVersion };
}

function currentLevel(name: string, { image, kraftVersion }: UpdateFeaturesContext): number {
  switch (name) {
    case METADATA_VERSION_FEATURE:
      return metadataVersionOf(image);
    case KRAFT_VERSION_FEATURE:
      return kraftVersion;
    default:
      return image.features.get(name) ?? 0;
  }
}

function checkUpdate(update: Update, current: number, context: UpdateFeaturesContext): void {
  const { feature: name, maxVersionLevel: level } = update;
  const refuse = (reason: string) => {
    throw new KafkaError(
      ErrorCode.INVALID_UPDATE_VERSION,
      `Cannot set feature "${name}" to level ${level}: ${reason}`,
    );
  };
  const type = upgradeTypeOf(update);
  if (type === undefined) refuse(`the upgrade type ${update.upgradeType} is unknown`);
  const feature = FEATURES.find((feature) => feature.name === name);
  if (feature === undefined) return refuse("no such feature exists");
  if (level < feature.min || level > feature.max) {
    refuse(`this version supports ${rangeText(feature)}`);
  }
  for (
    const [role, nodes] of [["broker", context.image.brokers()], [
      "controller",
      context.controllers,
    ]] as const
  ) {
    for (const { id, features } of nodes) {
      const range = features.get(name) ?? { min: 0, max: 0 };
      if (level < range.min || level > range.max) {
        refuse(`${role} ${id} supports ${rangeText(range)}`);
      }
    }
  }
  if (level > current && type !== UpgradeType.UPGRADE) {
    refuse(`it is ${current}, and a downgrade cannot raise it`);
  }
  if (level >= current) return;
  if (type === UpgradeType.UPGRADE) {
    refuse(`it is ${current}; request a downgrade`);
  }
  if (name === KRAFT_VERSION_FEATURE) refuse(`it is ${current} and cannot be lowered`);
  if (name !== METADATA_VERSION_FEATURE) return;
  const changing = METADATA_CHANGING_LEVELS.filter((it) => it > level && it <= current);
  if (changing.length > 0) {
    refuse(`the log may have records of level ${changing.at(-1)} since it is ${current}`);
  }
}

function upgradeTypeOf({ allowDowngrade = false, upgradeType }: Update): number | undefined {
  if (allowDowngrade) return UpgradeType.SAFE_DOWNGRADE;
  return Object.values<number>(UpgradeType).find((type) =>
    type === (upgradeType ?? UpgradeType.UPGRADE)
  );
}

function rangeText({ min, max }: FeatureRange): string {
  if (max === 0) return "no level of it";
  return min === max ? `only level ${min}` : `levels ${min} to ${max}`;
}

/** Returns the records with the feature levels of a new cluster. `chosen` overrides initial levels. */
export function initialFeatureLevels(
  chosen: ReadonlyMap<string, number> = new Map(),
): MetadataRecordInput[] {
  return FEATURES
    .map(({ name, initial }) => ({ name, featureLevel: chosen.get(name) ?? initial }))
    .filter(({ name, featureLevel }) => featureLevel > 0 && name !== KRAFT_VERSION_FEATURE)
    .map((value) => ({ name: "FeatureLevelRecord", value }));
}

/**
 * Throws INVALID_UPDATE_VERSION if a new cluster cannot begin with the levels `chosen`, by the names of
 * features.
 */
export function checkInitialLevels(chosen: ReadonlyMap<string, number>): void {
  for (const [name, level] of chosen) {
    const feature = FEATURES.find((feature) => feature.name === name);
    const refusal = feature === undefined
      ? `there is none of this name, the features are ${
        FEATURES.map(({ name }) => name).join(", ")
      }`
      : level < feature.min || level > feature.max
      ? `this version supports ${rangeText(feature)}`
      : null;
    if (refusal === null) continue;
    throw new KafkaError(
      ErrorCode.INVALID_UPDATE_VERSION,
      `Cannot begin a cluster with feature "${name}" at level ${level}: ${refusal}`,
    );
  }
}
