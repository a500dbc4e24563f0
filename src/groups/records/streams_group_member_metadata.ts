/**
 * `StreamsGroupMemberMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int32, nested, string, struct, uint16 } from "../../protocol/schema.ts";

const endpoint = struct({
  host: string(),
  port: uint16(),
});

const keyValue = struct({
  key: string(),
  value: string(),
});

/** A member of a streams group: a process of a Kafka Streams application. */
export const streamsGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 19,
  name: "StreamsGroupMemberMetadata",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    instanceId: string({ nullable: "0+" }),
    rackId: string({ nullable: "0+" }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: nested(endpoint, { nullable: "0+", default: null }),
    clientTags: array(keyValue),
  }),
});
/** The key of StreamsGroupMemberMetadata. */
export type StreamsGroupMemberMetadataKey = KeyOf<typeof streamsGroupMemberMetadataRecord>;
/** The decoded value of StreamsGroupMemberMetadata. */
export type StreamsGroupMemberMetadataValue = ValueOf<typeof streamsGroupMemberMetadataRecord>;
