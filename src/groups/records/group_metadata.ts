/**
 * `GroupMetadata` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, bytes, int32, int64, string, struct } from "../../protocol/schema.ts";

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
