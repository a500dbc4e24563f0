/**
 * RenewDelegationToken: extends the expiry of a delegation token.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { bytes, int16, int32, int64, struct } from "../schema.ts";

/**
 * The RenewDelegationToken API (KIP-48). Version 1 applies throttling after the response, 2 is
 * flexible.
 */
export const renewDelegationToken = defineApi({
  key: 39,
  name: "RenewDelegationToken",
  versions: "1-2",
  flexible: "2+",
  request: struct({
    hmac: bytes(),
    renewPeriodMs: int64(),
  }),
  response: struct({
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  }),
});

/** A decoded RenewDelegationToken request. */
export type RenewDelegationTokenRequest = RequestOf<typeof renewDelegationToken>;
/** A decoded RenewDelegationToken response. */
export type RenewDelegationTokenResponse = ResponseOf<typeof renewDelegationToken>;
