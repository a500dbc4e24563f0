/**
 * DeleteAcls deletes the access control entries that match one of several filters (KIP-140). The
 * answer is SECURITY_DISABLED, as that of an Apache Kafka without an authorizer.
 *
 * Serves versions 1 to 3. Version 1 adds the type of the resource pattern (KIP-290), 2 is flexible,
 * 3 adds users as resources (KIP-373).
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { deleteAcls, type DeleteAclsRequest } from "../../protocol/messages/delete_acls.ts";
import { NO_AUTHORIZER } from "../no_authorizer.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves DeleteAcls. */
export const deleteAclsHandler: Handler<unknown> = defineHandler(deleteAcls, {
  handle: (request) => failed(request, ErrorCode.SECURITY_DISABLED, NO_AUTHORIZER),
  onError: failed,
});

function failed({ filters }: DeleteAclsRequest, errorCode: number, errorMessage: string) {
  return { filterResults: filters.map(() => ({ errorCode, errorMessage, matchingAcls: [] })) };
}
