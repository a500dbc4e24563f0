/**
 * ExpireDelegationToken ends a delegation token, now or later (KIP-48). The answer is
 * DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as that of a PLAINTEXT listener of Apache Kafka.
 *
 * Serves versions 1 and 2, with the same fields. Version 2 is flexible.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { expireDelegationToken } from "../../protocol/messages/expire_delegation_token.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves ExpireDelegationToken. */
export const expireDelegationTokenHandler: Handler<unknown> = defineHandler(
  expireDelegationToken,
  {
    handle: () => failed(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
    onError: (_request, errorCode) => failed(errorCode),
  },
);

function failed(errorCode: number) {
  return { errorCode, expiryTimestampMs: -1 };
}
