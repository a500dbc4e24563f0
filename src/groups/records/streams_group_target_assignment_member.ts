/**
 * `StreamsGroupTargetAssignmentMember` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct } from "../../protocol/schema.ts";

const taskIds = struct({
  subtopologyId: string(),
  partitions: array(int32()),
});

/** The target tasks of a streams group member. */
export const streamsGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 21,
  name: "StreamsGroupTargetAssignmentMember",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  }),
});
/** The key of StreamsGroupTargetAssignmentMember. */
export type StreamsGroupTargetAssignmentMemberKey = KeyOf<
  typeof streamsGroupTargetAssignmentMemberRecord
>;
/** The decoded value of StreamsGroupTargetAssignmentMember. */
export type StreamsGroupTargetAssignmentMemberValue = ValueOf<
  typeof streamsGroupTargetAssignmentMemberRecord
>;
