/**
 * `OffsetCommit` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { exactInt64, int32, string, struct, uuid } from "../../protocol/schema.ts";

/**
 * The committed offset of a group for a partition. Version 1 has an expiry time, 3 adds the leader
 * epoch (KIP-320), 4 the topic id (KIP-848).
 */
export const offsetCommitRecord = defineCoordinatorRecord({
  type: 1,
  name: "OffsetCommit",
  key: struct({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
  versions: "0-4",
  flexible: "4+",
  value: struct({
    offset: exactInt64(),
    leaderEpoch: int32({ versions: "3+", default: -1 }),
    metadata: string(),
    commitTimestamp: exactInt64(),
    expireTimestamp: exactInt64({ versions: "1", default: -1 }),
    topicId: uuid({ versions: "4+", tag: 0, tagged: "4+" }),
  }),
});
/** The key of OffsetCommit. */
export type OffsetCommitKey = KeyOf<typeof offsetCommitRecord>;
/** The decoded value of OffsetCommit. */
export type OffsetCommitValue = ValueOf<typeof offsetCommitRecord>;
