/**
 * Records of access control and credentials.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import {
  array,
  bytes,
  exactInt64,
  int32,
  int8,
  string,
  struct,
  uuid,
} from "../../protocol/schema.ts";

/** Adds an ACL. */
export const accessControlEntryRecord = defineRecord({
  type: 18,
  name: "AccessControlEntryRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  }),
});
/** A decoded AccessControlEntryRecord. */
export type AccessControlEntryRecord = RecordOf<typeof accessControlEntryRecord>;

/** Removes an ACL. */
export const removeAccessControlEntryRecord = defineRecord({
  type: 19,
  name: "RemoveAccessControlEntryRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    id: uuid(),
  }),
});
/** A decoded RemoveAccessControlEntryRecord. */
export type RemoveAccessControlEntryRecord = RecordOf<typeof removeAccessControlEntryRecord>;

/** Sets a user's SCRAM credentials for a mechanism (KIP-554, KIP-900). */
export const userScramCredentialRecord = defineRecord({
  type: 11,
  name: "UserScramCredentialRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  }),
});
/** A decoded UserScramCredentialRecord. */
export type UserScramCredentialRecord = RecordOf<typeof userScramCredentialRecord>;

/** Removes a user's SCRAM credentials for a mechanism. */
export const removeUserScramCredentialRecord = defineRecord({
  type: 22,
  name: "RemoveUserScramCredentialRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    name: string(),
    mechanism: int8(),
  }),
});
/** A decoded RemoveUserScramCredentialRecord. */
export type RemoveUserScramCredentialRecord = RecordOf<typeof removeUserScramCredentialRecord>;

/** Creates a delegation token or changes its expiry (KIP-900). */
export const delegationTokenRecord = defineRecord({
  type: 10,
  name: "DelegationTokenRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: exactInt64(),
    maxTimestamp: exactInt64(),
    expirationTimestamp: exactInt64(),
    tokenId: string(),
  }),
});
/** A decoded DelegationTokenRecord. */
export type DelegationTokenRecord = RecordOf<typeof delegationTokenRecord>;

/** Removes a delegation token. */
export const removeDelegationTokenRecord = defineRecord({
  type: 26,
  name: "RemoveDelegationTokenRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    tokenId: string(),
  }),
});
/** A decoded RemoveDelegationTokenRecord. */
export type RemoveDelegationTokenRecord = RecordOf<typeof removeDelegationTokenRecord>;
