/**
 * `StreamsGroupTargetAssignmentMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { int32, int64, string, struct } from "../../protocol/schema.ts";

/** The epoch of a streams group's target assignment. */
export const streamsGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 20,
  name: "StreamsGroupTargetAssignmentMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, tagged: "0+" }),
  }),
});
/** The key of StreamsGroupTargetAssignmentMetadata. */
export type StreamsGroupTargetAssignmentMetadataKey = KeyOf<
  typeof streamsGroupTargetAssignmentMetadataRecord
>;
/** The decoded value of StreamsGroupTargetAssignmentMetadata. */
export type StreamsGroupTargetAssignmentMetadataValue = ValueOf<
  typeof streamsGroupTargetAssignmentMetadataRecord
>;
