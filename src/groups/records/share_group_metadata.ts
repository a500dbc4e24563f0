/**
 * `ShareGroupMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { bigint64, int32, string, struct } from "../../protocol/schema.ts";

/**
 * A share group (KIP-932) and its epoch, which increases with every change of members,
 * subscriptions or topics.
 */
export const shareGroupMetadataRecord = defineCoordinatorRecord({
  type: 11,
  name: "ShareGroupMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    metadataHash: bigint64(),
  }),
});
/** The key of ShareGroupMetadata. */
export type ShareGroupMetadataKey = KeyOf<typeof shareGroupMetadataRecord>;
/** The decoded value of ShareGroupMetadata. */
export type ShareGroupMetadataValue = ValueOf<typeof shareGroupMetadataRecord>;
