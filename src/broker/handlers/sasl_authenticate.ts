/**
 * SaslAuthenticate carries one token of a SASL exchange (KIP-152). The listener has no SASL, and
 * the answer is ILLEGAL_SASL_STATE, as that of a PLAINTEXT listener of Apache Kafka.
 *
 * Serves versions 0 to 2. Version 1 adds the lifetime of the session (KIP-368), 2 is flexible.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { saslAuthenticate } from "../../protocol/messages/sasl_authenticate.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves SaslAuthenticate. */
export const saslAuthenticateHandler: Handler<unknown> = defineHandler(saslAuthenticate, {
  handle: () =>
    failed(
      ErrorCode.ILLEGAL_SASL_STATE,
      "Cannot authenticate: this listener has no SASL, set security.protocol to PLAINTEXT",
    ),
  onError: (_request, errorCode, errorMessage) => failed(errorCode, errorMessage),
});

function failed(errorCode: number, errorMessage: string) {
  return { errorCode, errorMessage, authBytes: new Uint8Array(0) };
}
