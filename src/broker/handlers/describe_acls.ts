/**
 * DescribeAcls returns the access control entries that match a filter (KIP-140). The answer is
 * SECURITY_DISABLED, as that of an Apache Kafka without an authorizer: this version has none.
 *
 * Serves versions 1 to 3. Version 1 adds the type of the resource pattern (KIP-290), 2 is flexible,
 * 3 adds users as resources (KIP-373).
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { describeAcls } from "../../protocol/messages/describe_acls.ts";
import { NO_AUTHORIZER } from "../no_authorizer.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves DescribeAcls. */
export const describeAclsHandler: Handler<unknown> = defineHandler(describeAcls, {
  handle: () => failed(ErrorCode.SECURITY_DISABLED, NO_AUTHORIZER),
  onError: (_request, errorCode, errorMessage) => failed(errorCode, errorMessage),
});

function failed(errorCode: number, errorMessage: string) {
  return { errorCode, errorMessage, resources: [] };
}
