/**
 * `ConsumerGroupPartitionMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, string, struct, uuid } from "../../protocol/schema.ts";

/**
 * The subscribed topics of a consumer group with their partitions, written by Apache Kafka 3.7 to
 * 4.0. Replaced by a hash in the group's metadata.
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
/** The decoded value of ConsumerGroupPartitionMetadata. */
export type ConsumerGroupPartitionMetadataValue = ValueOf<
  typeof consumerGroupPartitionMetadataRecord
>;
