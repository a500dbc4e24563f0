/**
 * RenewDelegationToken extends the expiry of a delegation token (KIP-48). The answer is
 * DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as that of a PLAINTEXT listener of Apache Kafka.
 *
 * Serves versions 1 and 2, with the same fields. Version 2 is flexible.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { renewDelegationToken } from "../../protocol/messages/renew_delegation_token.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves RenewDelegationToken. */
export const renewDelegationTokenHandler: Handler<unknown> = defineHandler(
  renewDelegationToken,
  {
    handle: () => failed(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
    onError: (_request, errorCode) => failed(errorCode),
  },
);

function failed(errorCode: number) {
  return { errorCode, expiryTimestampMs: -1 };
}
