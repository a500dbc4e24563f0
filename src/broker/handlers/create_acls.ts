/**
 * CreateAcls adds access control entries (KIP-140). The answer is SECURITY_DISABLED, as that of an
 * Apache Kafka without an authorizer: entries that nothing enforces are not accepted.
 *
 * Serves versions 1 to 3. Version 1 adds the type of the resource pattern (KIP-290), 2 is flexible,
 * 3 adds users as resources (KIP-373).
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { createAcls, type CreateAclsRequest } from "../../protocol/messages/create_acls.ts";
import { NO_AUTHORIZER } from "../no_authorizer.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves CreateAcls. */
export const createAclsHandler: Handler<unknown> = defineHandler(createAcls, {
  handle: (request) => failed(request, ErrorCode.SECURITY_DISABLED, NO_AUTHORIZER),
  onError: failed,
});

function failed({ creations }: CreateAclsRequest, errorCode: number, errorMessage: string) {
  return { results: creations.map(() => ({ errorCode, errorMessage })) };
}
