/**
 * Envelope: forwards a client's request from a broker to the active controller, with the client's
 * principal and address.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { bytes, int16, struct } from "../schema.ts";

/**
 * The Envelope API (KIP-590). Request and response are those of the client with their headers. A
 * broker encodes the principal as `DefaultPrincipalData`, and the address in 4 or 16 bytes.
 */
export const envelope = defineApi({
  key: 58,
  name: "Envelope",
  versions: "0",
  flexible: "0+",
  request: struct({
    requestData: bytes(),
    requestPrincipal: bytes({ nullable: "0+" }),
    clientHostAddress: bytes(),
  }),
  response: struct({
    responseData: bytes({ nullable: "0+", default: null }),
    errorCode: int16(),
  }),
});

/** A decoded Envelope request. */
export type EnvelopeRequest = RequestOf<typeof envelope>;
/** A decoded Envelope response. */
export type EnvelopeResponse = ResponseOf<typeof envelope>;
