/**
 * `ShareGroupTargetAssignmentMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { int32, int64, string, struct } from "../../protocol/schema.ts";

/** The epoch of a share group's target assignment. */
export const shareGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 12,
  name: "ShareGroupTargetAssignmentMetadata",
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
/** The key of ShareGroupTargetAssignmentMetadata. */
export type ShareGroupTargetAssignmentMetadataKey = KeyOf<
  typeof shareGroupTargetAssignmentMetadataRecord
>;
/** The decoded value of ShareGroupTargetAssignmentMetadata. */
export type ShareGroupTargetAssignmentMetadataValue = ValueOf<
  typeof shareGroupTargetAssignmentMetadataRecord
>;
