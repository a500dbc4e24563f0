/**
 * `ConsumerGroupCurrentMemberAssignment` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, int8, string, struct, uuid } from "../../protocol/schema.ts";

const topicPartitions = struct({
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { nullable: "0+", tag: 0, tagged: "0+" }),
});

/** The current assignment of a consumer group member, which converges to its target. */
export const consumerGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 8,
  name: "ConsumerGroupCurrentMemberAssignment",
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
    partitionsPendingRevocation: array(topicPartitions),
  }),
});
/** The key of ConsumerGroupCurrentMemberAssignment. */
export type ConsumerGroupCurrentMemberAssignmentKey = KeyOf<
  typeof consumerGroupCurrentMemberAssignmentRecord
>;
/** The decoded value of ConsumerGroupCurrentMemberAssignment. */
export type ConsumerGroupCurrentMemberAssignmentValue = ValueOf<
  typeof consumerGroupCurrentMemberAssignmentRecord
>;
