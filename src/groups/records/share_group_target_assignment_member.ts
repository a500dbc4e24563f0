/**
 * `ShareGroupTargetAssignmentMember`: a share group member's target, in `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct, uuid } from "../../protocol/schema.ts";

/** What a member of a share group is to have in the end. */
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
/** The value of ShareGroupTargetAssignmentMember, as decoded. */
export type ShareGroupTargetAssignmentMemberValue = ValueOf<
  typeof shareGroupTargetAssignmentMemberRecord
>;
