/**
 * The features of a cluster, as returned and changed by the admin client.
 *
 * @module
 */
import type { ApiVersionsResponse } from "../../protocol/messages/api_versions.ts";

/** A feature of the cluster. */
export interface FeatureInfo {
  readonly name: string;
  /** The level that the cluster has agreed on. 0 if it does not use the feature. */
  readonly level: number;
  /** The lowest level that the asked node supports. */
  readonly minSupported: number;
  /** The highest level that the asked node supports. */
  readonly maxSupported: number;
}

/** The features of the cluster. */
export interface FeaturesDescription {
  /** Increases with each change, or null if unknown. */
  readonly epoch: number | null;
  /** Ordered by name. */
  readonly features: readonly FeatureInfo[];
}

/** A change of a feature's level. */
export interface FeatureUpdate {
  readonly name: string;
  /** The new level. 0 ends the use of the feature. */
  readonly level: number;
  /**
   * Whether the level may be lowered: never, only if no metadata is lost, or even then. Defaults to
   * `"never"`.
   */
  readonly downgrade?: "never" | "safe" | "unsafe";
}

/** The properties of a {@linkcode FeatureUpdate}. */
export const FEATURE_UPDATE: Readonly<Record<keyof FeatureUpdate, true>> = {
  name: true,
  level: true,
  downgrade: true,
};

/** The numbers of `downgrade` in UpdateFeatures. */
export const UPGRADE_TYPES: Readonly<Record<NonNullable<FeatureUpdate["downgrade"]>, number>> = {
  never: 1,
  safe: 2,
  unsafe: 3,
};

/** Converts a response. */
export function featuresOf(answer: ApiVersionsResponse): FeaturesDescription {
  const { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch } = answer;
  const features = new Map<string, FeatureInfo>();
  for (const { name, minVersion, maxVersion } of supportedFeatures) {
    features.set(name, { name, level: 0, minSupported: minVersion, maxSupported: maxVersion });
  }
  for (const { name, maxVersionLevel: level } of finalizedFeatures) {
    const { minSupported = 0, maxSupported = 0 } = features.get(name) ?? {};
    features.set(name, { name, level, minSupported, maxSupported });
  }
  return {
    epoch: finalizedFeaturesEpoch < 0 ? null : finalizedFeaturesEpoch,
    features: [...features.values()].sort((a, b) => a.name < b.name ? -1 : 1),
  };
}
