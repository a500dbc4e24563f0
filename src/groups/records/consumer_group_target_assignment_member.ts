/**
 * `ConsumerGroupTargetAssignmentMember` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct, uuid } from "../../protocol/schema.ts";

/** The target assignment of a consumer group member. */
export const consumerGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 7,
  name: "ConsumerGroupTargetAssignmentMember",
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
/** The key of ConsumerGroupTargetAssignmentMember. */
export type ConsumerGroupTargetAssignmentMemberKey = KeyOf<
  typeof consumerGroupTargetAssignmentMemberRecord
>;
/** The decoded value of ConsumerGroupTargetAssignmentMember. */
export type ConsumerGroupTargetAssignmentMemberValue = ValueOf<
  typeof consumerGroupTargetAssignmentMemberRecord
>;
