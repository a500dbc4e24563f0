/**
 * DescribeDelegationToken returns the delegation tokens of owners (KIP-48). The answer is
 * DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as that of a PLAINTEXT listener of Apache Kafka: a client
 * that is not authenticated cannot read tokens.
 *
 * Serves versions 1 to 3. Version 2 is flexible, 3 adds the requester of each token to the answer
 * (KIP-373).
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { describeDelegationToken } from "../../protocol/messages/describe_delegation_token.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves DescribeDelegationToken. */
export const describeDelegationTokenHandler: Handler<unknown> = defineHandler(
  describeDelegationToken,
  {
    handle: () => failed(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
    onError: (_request, errorCode) => failed(errorCode),
  },
);

function failed(errorCode: number) {
  return { errorCode, tokens: [] };
}
