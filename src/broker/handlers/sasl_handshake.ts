/**
 * SaslHandshake selects the mechanism with which a client authenticates (KIP-43). The listener has
 * no SASL, and the answer is ILLEGAL_SASL_STATE without a mechanism, as that of a PLAINTEXT
 * listener of Apache Kafka: a client that is configured for SASL reports that cause.
 *
 * Serves versions 0 and 1. Version 1 continues with SaslAuthenticate rather than bare tokens
 * (KIP-152).
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { saslHandshake } from "../../protocol/messages/sasl_handshake.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves SaslHandshake. */
export const saslHandshakeHandler: Handler<unknown> = defineHandler(saslHandshake, {
  handle: () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
  onError: (_request, errorCode) => ({ errorCode, mechanisms: [] }),
});
