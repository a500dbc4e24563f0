/**
 * ExpireDelegationToken: expires a delegation token, immediately or later.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { bytes, int16, int32, int64, struct } from "../schema.ts";

/**
 * The ExpireDelegationToken API (KIP-48). Version 1 applies throttling after the response, 2 is
 * flexible.
 */
export const expireDelegationToken = defineApi({
  key: 40,
  name: "ExpireDelegationToken",
  versions: "1-2",
  flexible: "2+",
  request: struct({
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  }),
  response: struct({
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  }),
});

/** A decoded ExpireDelegationToken request. */
export type ExpireDelegationTokenRequest = RequestOf<typeof expireDelegationToken>;
/** A decoded ExpireDelegationToken response. */
export type ExpireDelegationTokenResponse = ResponseOf<typeof expireDelegationToken>;
