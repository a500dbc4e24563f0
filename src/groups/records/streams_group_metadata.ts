/**
 * `StreamsGroupMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, bigint64, int32, string, struct } from "../../protocol/schema.ts";

const lastAssignmentConfig = struct({
  key: string(),
  value: string(),
});

/**
 * A streams group (KIP-1071) and its epoch, which increases with every change of members, topology
 * or topics. Since Apache Kafka 4.4 it also holds the epochs of the last topology whose description
 * was stored or failed to be stored.
 */
export const streamsGroupMetadataRecord = defineCoordinatorRecord({
  type: 17,
  name: "StreamsGroupMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    metadataHash: bigint64(),
    validatedTopologyEpoch: int32({ default: -1, tag: 0, tagged: "0+" }),
    lastAssignmentConfigs: array(lastAssignmentConfig, { nullable: "0+", tag: 1, tagged: "0+" }),
    storedDescriptionTopologyEpoch: int32({ default: -1, tag: 2, tagged: "0+" }),
    failedDescriptionTopologyEpoch: int32({ default: -1, tag: 3, tagged: "0+" }),
  }),
});
/** The key of StreamsGroupMetadata. */
export type StreamsGroupMetadataKey = KeyOf<typeof streamsGroupMetadataRecord>;
/** The decoded value of StreamsGroupMetadata. */
export type StreamsGroupMetadataValue = ValueOf<typeof streamsGroupMetadataRecord>;
