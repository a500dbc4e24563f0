/**
 * `ShareSnapshot` of `__share_group_state`.
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

/**
 * The complete state of a share partition: the records from its start offset on that are delivered
 * but not acknowledged. Supersedes all earlier records of the partition.
 */
export const shareSnapshotRecord = defineCoordinatorRecord({
  type: 0,
  name: "ShareSnapshot",
  key: struct({
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: exactInt64(),
    deliveryCompleteCount: int32({ default: -1, tag: 0, tagged: "0+" }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array(struct({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    })),
  }),
});
/** The key of ShareSnapshot. */
export type ShareSnapshotKey = KeyOf<typeof shareSnapshotRecord>;
/** The decoded value of ShareSnapshot. */
export type ShareSnapshotValue = ValueOf<typeof shareSnapshotRecord>;
