/**
 * SaslAuthenticate: carries one token of a SASL exchange.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { bytes, int16, int64, string, struct } from "../schema.ts";

/**
 * The SaslAuthenticate API (KIP-152). Version 1 adds the session lifetime (KIP-368), 2 is flexible.
 */
export const saslAuthenticate = defineApi({
  key: 36,
  name: "SaslAuthenticate",
  versions: "0-2",
  flexible: "2+",
  request: struct({
    authBytes: bytes(),
  }),
  response: struct({
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: "1+", default: 0 }),
  }),
});

/** A decoded SaslAuthenticate request. */
export type SaslAuthenticateRequest = RequestOf<typeof saslAuthenticate>;
/** A decoded SaslAuthenticate response. */
export type SaslAuthenticateResponse = ResponseOf<typeof saslAuthenticate>;
