/**
 * Records of configs, feature levels and quotas.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { array, bool, float64, int16, int8, string, struct } from "../../protocol/schema.ts";

/** Sets a config of a resource, or removes it if the value is null. */
export const configRecord = defineRecord({
  type: 4,
  name: "ConfigRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string({ nullable: "0+" }),
  }),
});
/** A decoded ConfigRecord. */
export type ConfigRecord = RecordOf<typeof configRecord>;

/**
 * Sets the level of a cluster feature, such as `metadata.version`; level 0 disables it (KIP-584).
 */
export const featureLevelRecord = defineRecord({
  type: 12,
  name: "FeatureLevelRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    name: string(),
    featureLevel: int16(),
  }),
});
/** A decoded FeatureLevelRecord. */
export type FeatureLevelRecord = RecordOf<typeof featureLevelRecord>;

/** Sets or removes a quota of a user, client id or address (KIP-546). */
export const clientQuotaRecord = defineRecord({
  type: 14,
  name: "ClientQuotaRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    entity: array(struct({
      entityType: string(),
      entityName: string({ nullable: "0+" }),
    })),
    key: string(),
    value: float64(),
    remove: bool(),
  }),
});
/** A decoded ClientQuotaRecord. */
export type ClientQuotaRecord = RecordOf<typeof clientQuotaRecord>;
