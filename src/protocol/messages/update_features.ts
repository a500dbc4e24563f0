/**
 * UpdateFeatures: changes the finalized versions of features.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The UpdateFeatures API (KIP-584). Version 1 adds `validateOnly`, and replaces `allowDowngrade` by
 * the type of the change (KIP-778), 2 removes the results of single features, since a request
 * changes all of them or none (KIP-1022).
 */
export const updateFeatures = defineApi({
  key: 57,
  name: "UpdateFeatures",
  versions: "0-2",
  flexible: "0+",
  request: struct({
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array(struct({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ versions: "0" }),
      upgradeType: int8({ versions: "1+", default: 1 }),
    })),
    validateOnly: bool({ versions: "1+", default: false }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    results: array(
      struct({
        feature: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
      }),
      { versions: "0-1" },
    ),
  }),
});

/** A decoded UpdateFeatures request. */
export type UpdateFeaturesRequest = RequestOf<typeof updateFeatures>;
/** A decoded UpdateFeatures response. */
export type UpdateFeaturesResponse = ResponseOf<typeof updateFeatures>;
