/**
 * CreateDelegationToken creates a token with which its holder authenticates as its owner (KIP-48).
 * The answer is DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as that of a PLAINTEXT listener of Apache
 * Kafka: a client that is not authenticated gets no token.
 *
 * Serves versions 1 to 3. Version 2 is flexible, 3 adds the owner (KIP-373).
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import {
  createDelegationToken,
  type CreateDelegationTokenRequest,
} from "../../protocol/messages/create_delegation_token.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

const USER = "User";
/** The principal of a client that is not authenticated. */
const ANONYMOUS = "ANONYMOUS";

/** Serves CreateDelegationToken. */
export const createDelegationTokenHandler: Handler<unknown> = defineHandler(
  createDelegationToken,
  {
    handle: (request) => failed(request, ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
    onError: failed,
  },
);

function failed(
  { ownerPrincipalType, ownerPrincipalName }: CreateDelegationTokenRequest,
  errorCode: number,
) {
  const isForOther = ownerPrincipalName !== null && ownerPrincipalName !== "";
  return {
    errorCode,
    principalType: isForOther ? ownerPrincipalType ?? "" : USER,
    principalName: isForOther ? ownerPrincipalName : ANONYMOUS,
    tokenRequesterPrincipalType: USER,
    tokenRequesterPrincipalName: ANONYMOUS,
    issueTimestampMs: -1,
    expiryTimestampMs: -1,
    maxTimestampMs: -1,
    tokenId: "",
    hmac: new Uint8Array(0),
  };
}
