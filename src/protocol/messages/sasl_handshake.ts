/**
 * SaslHandshake: selects the SASL mechanism of a connection.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, string, struct } from "../schema.ts";

/**
 * The SaslHandshake API (KIP-43). Version 1 continues with SaslAuthenticate requests instead of raw
 * tokens (KIP-152).
 */
export const saslHandshake = defineApi({
  key: 17,
  name: "SaslHandshake",
  versions: "0-1",
  flexible: "none",
  request: struct({
    mechanism: string(),
  }),
  response: struct({
    errorCode: int16(),
    mechanisms: array(string()),
  }),
});

/** A decoded SaslHandshake request. */
export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>;
/** A decoded SaslHandshake response. */
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshake>;
