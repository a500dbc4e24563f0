/**
 * The data that members of a classic consumer group exchange through the coordinator, which treats
 * it as opaque: a member's subscription (`metadata` in JoinGroup) and its assignment (`assignment`
 * in SyncGroup). Both begin with their version. An unknown newer version is decoded as the newest
 * known one, since new versions only append fields.
 *
 * @module
 */
import { defineEmbeddedType } from "../embedded_type.ts";
import { array, bytes, type Decoded, type Encodable, int32, string, struct } from "../schema.ts";

/** Topics with partitions, as used by both types. */
const topicPartitions = struct({
  topic: string(),
  partitions: array(int32()),
});

/**
 * The topics a member subscribes to. Version 1 adds the partitions it owns (KIP-429), 2 the
 * generation in which it owned them (KIP-792), 3 its rack (KIP-881).
 */
export const consumerProtocolSubscription = defineEmbeddedType({
  name: "ConsumerProtocolSubscription",
  versions: "0-3",
  flexible: "none",
  newerVersions: "asNewest",
  fields: struct({
    topics: array(string()),
    userData: bytes({ nullable: "0+", default: null }),
    ownedPartitions: array(topicPartitions, { versions: "1+" }),
    generationId: int32({ versions: "2+", default: -1 }),
    rackId: string({ versions: "3+", nullable: "3+", default: null }),
  }),
});

/**
 * The partitions assigned to a member. Its versions equal those of the subscription and do not
 * differ.
 */
export const consumerProtocolAssignment = defineEmbeddedType({
  name: "ConsumerProtocolAssignment",
  versions: "0-3",
  flexible: "none",
  newerVersions: "asNewest",
  fields: struct({
    assignedPartitions: array(topicPartitions),
    userData: bytes({ nullable: "0+", default: null }),
  }),
});

/** A decoded subscription. */
export type ConsumerProtocolSubscription = Decoded<typeof consumerProtocolSubscription.fields>;
/** A subscription as accepted by its encoder. */
export type ConsumerProtocolSubscriptionInput = Encodable<
  typeof consumerProtocolSubscription.fields
>;
/** A decoded assignment. */
export type ConsumerProtocolAssignment = Decoded<typeof consumerProtocolAssignment.fields>;
/** An assignment as accepted by its encoder. */
export type ConsumerProtocolAssignmentInput = Encodable<typeof consumerProtocolAssignment.fields>;
