/**
 * SyncGroup returns its assignment to a member of a classic group. The group's leader submits the
 * assignments of all members with its own SyncGroup. The answer is sent after that.
 *
 * Serves versions 0 to 5. Version 3 adds static members, 4 is flexible, 5 adds the type and the
 * name of the protocol in both directions, and rejects a request without them.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { syncGroup } from "../../protocol/messages/sync_group.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

const PROTOCOL_SINCE = 5;

interface Needs {
  readonly groups: Pick<GroupCoordinator, "sync">;
}

/** Serves SyncGroup. */
export const syncGroupHandler: Handler<Needs> = defineHandler(syncGroup, {
  handle: (request, { apiVersion, services }) => {
    const { protocolType, protocolName } = request;
    if (apiVersion >= PROTOCOL_SINCE && (protocolType === null || protocolName === null)) {
      return failed(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    return services.groups.sync(request);
  },
  onError: (_request, errorCode) => failed(errorCode),
});

function failed(errorCode: number) {
  return { errorCode, assignment: new Uint8Array(0) };
}
