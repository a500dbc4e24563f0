/**
 * `StreamsGroupCurrentMemberAssignment`: what a streams group member has, in `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, int8, string, struct } from "../../protocol/schema.ts";

const taskIds = struct({
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { nullable: "0+", tag: 0, tagged: "0+" }),
});

/** The tasks that a member of a streams group has now, on its way to the target. */
export const streamsGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 22,
  name: "StreamsGroupCurrentMemberAssignment",
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
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
    activeTasksPendingRevocation: array(taskIds),
    standbyTasksPendingRevocation: array(taskIds),
    warmupTasksPendingRevocation: array(taskIds),
  }),
});
/** The key of StreamsGroupCurrentMemberAssignment. */
export type StreamsGroupCurrentMemberAssignmentKey = KeyOf<
  typeof streamsGroupCurrentMemberAssignmentRecord
>;
/** The value of StreamsGroupCurrentMemberAssignment, as decoded. */
export type StreamsGroupCurrentMemberAssignmentValue = ValueOf<
  typeof streamsGroupCurrentMemberAssignmentRecord
>;
