/**
 * Records of what can be set: configs, feature levels and quotas.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { array, bool, float64, int16, int8, string, struct } from "../../protocol/schema.ts";

/** A resource's config has a value, or, for null, none any more. */
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
 * A feature of the cluster has a level; level 0 turns it off (KIP-584). `metadata.version` is one
 * of them.
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

/** A user, client or address has a quota, or has it no more (KIP-546). */
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
