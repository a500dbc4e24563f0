/**
 * `StreamsGroupCurrentMemberAssignment` of `__consumer_offsets`.
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

/** The current tasks of a streams group member, which converge to its target. */
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
/** The decoded value of StreamsGroupCurrentMemberAssignment. */
export type StreamsGroupCurrentMemberAssignmentValue = ValueOf<
  typeof streamsGroupCurrentMemberAssignmentRecord
>;
