/**
 * DescribeDelegationToken: returns the delegation tokens of owners.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bytes, int16, int32, int64, string, struct } from "../schema.ts";

/**
 * The DescribeDelegationToken API (KIP-48). Version 1 applies throttling after the response, 2 is
 * flexible, 3 returns the requester of each token (KIP-373).
 */
export const describeDelegationToken = defineApi({
  key: 41,
  name: "DescribeDelegationToken",
  versions: "1-3",
  flexible: "2+",
  request: struct({
    owners: array(
      struct({
        principalType: string(),
        principalName: string(),
      }),
      { nullable: "0+" },
    ),
  }),
  response: struct({
    errorCode: int16(),
    tokens: array(struct({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ versions: "3+" }),
      tokenRequesterPrincipalName: string({ versions: "3+" }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array(struct({
        principalType: string(),
        principalName: string(),
      })),
    })),
    throttleTimeMs: int32({ default: 0 }),
  }),
});

/** A decoded DescribeDelegationToken request. */
export type DescribeDelegationTokenRequest = RequestOf<typeof describeDelegationToken>;
/** A decoded DescribeDelegationToken response. */
export type DescribeDelegationTokenResponse = ResponseOf<typeof describeDelegationToken>;
