/**
 * `ConsumerGroupPartitionMetadata`: the topics of a consumer group, before 4.1, in
 * `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct, uuid } from "../../protocol/schema.ts";

/**
 * The partitions of what a consumer group subscribes to, as Apache Kafka 3.7 to 4.0 wrote it; a
 * hash within the group's own record took its place.
 */
export const consumerGroupPartitionMetadataRecord = defineCoordinatorRecord({
  type: 4,
  name: "ConsumerGroupPartitionMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    topics: array(struct({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array(struct({
        partition: int32(),
        racks: array(string()),
      })),
    })),
  }),
});
/** The key of ConsumerGroupPartitionMetadata. */
export type ConsumerGroupPartitionMetadataKey = KeyOf<typeof consumerGroupPartitionMetadataRecord>;
/** The value of ConsumerGroupPartitionMetadata, as decoded. */
export type ConsumerGroupPartitionMetadataValue = ValueOf<
  typeof consumerGroupPartitionMetadataRecord
>;
