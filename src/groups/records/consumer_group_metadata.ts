/**
 * `ConsumerGroupMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { bigint64, int32, string, struct } from "../../protocol/schema.ts";

/**
 * A consumer group (KIP-848) and its epoch, which increases with every change of members,
 * subscriptions or topics.
 */
export const consumerGroupMetadataRecord = defineCoordinatorRecord({
  type: 3,
  name: "ConsumerGroupMetadata",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    metadataHash: bigint64({ tag: 0, tagged: "0+" }),
  }),
});
/** The key of ConsumerGroupMetadata. */
export type ConsumerGroupMetadataKey = KeyOf<typeof consumerGroupMetadataRecord>;
/** The decoded value of ConsumerGroupMetadata. */
export type ConsumerGroupMetadataValue = ValueOf<typeof consumerGroupMetadataRecord>;
