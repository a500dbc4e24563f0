/**
 * `LegacyOffsetCommit`: an offset that a group committed, in the form of brokers before 0.9.0, in
 * `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { exactInt64, int32, string, struct } from "../../protocol/schema.ts";

/** A committed offset as brokers before 0.9.0 wrote it: read and replaced, never written. */
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
/** The value of LegacyOffsetCommit, as decoded. */
export type LegacyOffsetCommitValue = ValueOf<typeof legacyOffsetCommitRecord>;
