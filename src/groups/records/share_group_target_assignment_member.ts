/**
 * `ShareGroupTargetAssignmentMember` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct, uuid } from "../../protocol/schema.ts";

/** The target assignment of a share group member. */
export const shareGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 13,
  name: "ShareGroupTargetAssignmentMember",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    topicPartitions: array(struct({
      topicId: uuid(),
      partitions: array(int32()),
    })),
  }),
});
/** The key of ShareGroupTargetAssignmentMember. */
export type ShareGroupTargetAssignmentMemberKey = KeyOf<
  typeof shareGroupTargetAssignmentMemberRecord
>;
/** The decoded value of ShareGroupTargetAssignmentMember. */
export type ShareGroupTargetAssignmentMemberValue = ValueOf<
  typeof shareGroupTargetAssignmentMemberRecord
>;
