/**
 * Records of classic groups and of committed offsets in `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import {
  array,
  bytes,
  exactInt64,
  int32,
  int64,
  string,
  struct,
  uuid,
} from "../../protocol/schema.ts";

/** A committed offset in the format of brokers before 0.9.0: read but never written. */
export const legacyOffsetCommitRecord = defineCoordinatorRecord({
  type: 0,
  name: "LegacyOffsetCommit",
  key: struct({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
  versions: "0",
  flexible: "none",
  value: struct({
    offset: exactInt64(),
    metadata: string(),
    commitTimestamp: exactInt64(),
  }),
});
/** The key of LegacyOffsetCommit. */
export type LegacyOffsetCommitKey = KeyOf<typeof legacyOffsetCommitRecord>;
/** The decoded value of LegacyOffsetCommit. */
export type LegacyOffsetCommitValue = ValueOf<typeof legacyOffsetCommitRecord>;

/**
 * The committed offset of a group for a partition. Version 1 has an expiry time, 3 adds the leader
 * epoch (KIP-320), 4 the topic id (KIP-848).
 */
export const offsetCommitRecord = defineCoordinatorRecord({
  type: 1,
  name: "OffsetCommit",
  key: struct({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
  versions: "0-4",
  flexible: "4+",
  value: struct({
    offset: exactInt64(),
    leaderEpoch: int32({ versions: "3+", default: -1 }),
    metadata: string(),
    commitTimestamp: exactInt64(),
    expireTimestamp: exactInt64({ versions: "1", default: -1 }),
    topicId: uuid({ versions: "4+", tag: 0, tagged: "4+" }),
  }),
});
/** The key of OffsetCommit. */
export type OffsetCommitKey = KeyOf<typeof offsetCommitRecord>;
/** The decoded value of OffsetCommit. */
export type OffsetCommitValue = ValueOf<typeof offsetCommitRecord>;

const memberMetadata = struct({
  memberId: string(),
  groupInstanceId: string({ versions: "3+", nullable: "3+", default: null }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32({ versions: "1+", default: -1 }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
});

/**
 * A classic group with its members, written after each rebalance. Version 1 adds the rebalance
 * timeout, 2 the time of the last state change, 3 static members (KIP-345).
 */
export const groupMetadataRecord = defineCoordinatorRecord({
  type: 2,
  name: "GroupMetadata",
  key: struct({
    group: string(),
  }),
  versions: "0-4",
  flexible: "4+",
  value: struct({
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: "0+" }),
    leader: string({ nullable: "0+" }),
    currentStateTimestamp: int64({ versions: "2+", default: -1 }),
    members: array(memberMetadata),
  }),
});
/** The key of GroupMetadata. */
export type GroupMetadataKey = KeyOf<typeof groupMetadataRecord>;
/** The decoded value of GroupMetadata. */
export type GroupMetadataValue = ValueOf<typeof groupMetadataRecord>;
