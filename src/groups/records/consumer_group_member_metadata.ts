/**
 * `ConsumerGroupMemberMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, bytes, int32, nested, string, struct } from "../../protocol/schema.ts";

/** A member of a consumer group and its subscription. */
export const consumerGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 5,
  name: "ConsumerGroupMemberMetadata",
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
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: "0+" }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: "0+" }),
    classicMemberMetadata: nested(
      struct({
        sessionTimeoutMs: int32(),
        supportedProtocols: array(struct({
          name: string(),
          metadata: bytes(),
        })),
      }),
      { nullable: "0+", tag: 0, tagged: "0+" },
    ),
  }),
});
/** The key of ConsumerGroupMemberMetadata. */
export type ConsumerGroupMemberMetadataKey = KeyOf<typeof consumerGroupMemberMetadataRecord>;
/** The decoded value of ConsumerGroupMemberMetadata. */
export type ConsumerGroupMemberMetadataValue = ValueOf<typeof consumerGroupMemberMetadataRecord>;
