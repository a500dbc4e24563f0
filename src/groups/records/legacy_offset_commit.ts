/**
 * `LegacyOffsetCommit` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { exactInt64, int32, string, struct } from "../../protocol/schema.ts";

/** A committed offset in the format of brokers before 0.9.0: read but never written. */
export const legacyOffsetCommitRecord = defineCoordinatorRecord({
  type: 0,
  name: "LegacyOffsetCommit",
  key: struct({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
  versions: "0",
  flexible: "none",
  value: struct({
    offset: exactInt64(),
    metadata: string(),
    commitTimestamp: exactInt64(),
  }),
});
/** The key of LegacyOffsetCommit. */
export type LegacyOffsetCommitKey = KeyOf<typeof legacyOffsetCommitRecord>;
/** The decoded value of LegacyOffsetCommit. */
export type LegacyOffsetCommitValue = ValueOf<typeof legacyOffsetCommitRecord>;
