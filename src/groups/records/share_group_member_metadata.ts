/**
 * `ShareGroupMemberMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, string, struct } from "../../protocol/schema.ts";

/** A member of a share group (KIP-932) and its subscription. */
export const shareGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 10,
  name: "ShareGroupMemberMetadata",
  key: struct({
    groupId: string(),
    memberId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    rackId: string({ nullable: "0+" }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  }),
});
/** The key of ShareGroupMemberMetadata. */
export type ShareGroupMemberMetadataKey = KeyOf<typeof shareGroupMemberMetadataRecord>;
/** The decoded value of ShareGroupMemberMetadata. */
export type ShareGroupMemberMetadataValue = ValueOf<typeof shareGroupMemberMetadataRecord>;
