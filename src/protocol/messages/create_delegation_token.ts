/**
 * CreateDelegationToken: creates a token that authenticates its holder as its owner.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bytes, int16, int32, int64, string, struct } from "../schema.ts";

/**
 * The CreateDelegationToken API (KIP-48). Version 1 applies throttling after the response, 2 is
 * flexible, 3 adds the owner, and the requester in the response (KIP-373).
 */
export const createDelegationToken = defineApi({
  key: 38,
  name: "CreateDelegationToken",
  versions: "1-3",
  flexible: "2+",
  request: struct({
    ownerPrincipalType: string({ versions: "3+", nullable: "3+" }),
    ownerPrincipalName: string({ versions: "3+", nullable: "3+" }),
    renewers: array(struct({
      principalType: string(),
      principalName: string(),
    })),
    maxLifetimeMs: int64(),
  }),
  response: struct({
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string({ versions: "3+" }),
    tokenRequesterPrincipalName: string({ versions: "3+" }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32({ default: 0 }),
  }),
});

/** A decoded CreateDelegationToken request. */
export type CreateDelegationTokenRequest = RequestOf<typeof createDelegationToken>;
/** A decoded CreateDelegationToken response. */
export type CreateDelegationTokenResponse = ResponseOf<typeof createDelegationToken>;
