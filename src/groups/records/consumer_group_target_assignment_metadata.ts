/**
 * `ConsumerGroupTargetAssignmentMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { int32, int64, string, struct } from "../../protocol/schema.ts";

/** The epoch of a consumer group's target assignment. */
export const consumerGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 6,
  name: "ConsumerGroupTargetAssignmentMetadata",
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
/** The key of ConsumerGroupTargetAssignmentMetadata. */
export type ConsumerGroupTargetAssignmentMetadataKey = KeyOf<
  typeof consumerGroupTargetAssignmentMetadataRecord
>;
/** The decoded value of ConsumerGroupTargetAssignmentMetadata. */
export type ConsumerGroupTargetAssignmentMetadataValue = ValueOf<
  typeof consumerGroupTargetAssignmentMetadataRecord
>;
