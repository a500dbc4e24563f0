/**
 * SyncGroup gives a member of a classic group its assignment, which the group's leader brings with
 * its own SyncGroup. The answer comes when the leader has.
 *
 * Versions 0 to 5. Version 3 adds static members, 4 is flexible, 5 says the protocol's type and name
 * in both directions, and a request without them is refused.
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
