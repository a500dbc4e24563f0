/**
 * `ShareGroupCurrentMemberAssignment` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, int8, string, struct, uuid } from "../../protocol/schema.ts";

const topicPartitions = struct({
  topicId: uuid(),
  partitions: array(int32()),
});

/** The current assignment of a share group member. */
export const shareGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 14,
  name: "ShareGroupCurrentMemberAssignment",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
  }),
});
/** The key of ShareGroupCurrentMemberAssignment. */
export type ShareGroupCurrentMemberAssignmentKey = KeyOf<
  typeof shareGroupCurrentMemberAssignmentRecord
>;
/** The decoded value of ShareGroupCurrentMemberAssignment. */
export type ShareGroupCurrentMemberAssignmentValue = ValueOf<
  typeof shareGroupCurrentMemberAssignmentRecord
>;
