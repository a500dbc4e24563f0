/**
 * `ShareUpdate` of `__share_group_state`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import {
  array,
  exactInt64,
  int16,
  int32,
  int64,
  int8,
  string,
  struct,
  uuid,
} from "../../protocol/schema.ts";

/** Changes of a share partition since its snapshot of the same epoch. */
export const shareUpdateRecord = defineCoordinatorRecord({
  type: 1,
  name: "ShareUpdate",
  key: struct({
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: exactInt64(),
    deliveryCompleteCount: int32({ default: -1, tag: 0, tagged: "0+" }),
    stateBatches: array(struct({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    })),
  }),
});
/** The key of ShareUpdate. */
export type ShareUpdateKey = KeyOf<typeof shareUpdateRecord>;
/** The decoded value of ShareUpdate. */
export type ShareUpdateValue = ValueOf<typeof shareUpdateRecord>;
