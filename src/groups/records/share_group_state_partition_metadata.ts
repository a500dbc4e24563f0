/**
 * `ShareGroupStatePartitionMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct, uuid } from "../../protocol/schema.ts";

const topicPartitionsInfo = struct({
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
});

const topicInfo = struct({
  topicId: uuid(),
  topicName: string(),
});

/**
 * The partitions of a share group whose state in the share coordinator is being initialized, is
 * initialized, or is being deleted.
 */
export const shareGroupStatePartitionMetadataRecord = defineCoordinatorRecord({
  type: 15,
  name: "ShareGroupStatePartitionMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  }),
});
/** The key of ShareGroupStatePartitionMetadata. */
export type ShareGroupStatePartitionMetadataKey = KeyOf<
  typeof shareGroupStatePartitionMetadataRecord
>;
/** The decoded value of ShareGroupStatePartitionMetadata. */
export type ShareGroupStatePartitionMetadataValue = ValueOf<
  typeof shareGroupStatePartitionMetadataRecord
>;
