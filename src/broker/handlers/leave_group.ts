/**
 * LeaveGroup removes members from a classic group immediately, rather than when their sessions
 * expire. An administrator removes static members by their group instance ids.
 *
 * Serves versions 0 to 5. Version 3 has several members, each with its own error (before it, there
 * is one member and one error), 4 is flexible, 5 adds a reason.
 *
 * @module
 */
import { leaveGroup } from "../../protocol/messages/leave_group.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

const SEVERAL_MEMBERS_SINCE = 3;

interface Needs {
  readonly groups: Pick<GroupCoordinator, "leave">;
}

/** Serves LeaveGroup. */
export const leaveGroupHandler: Handler<Needs> = defineHandler(leaveGroup, {
  handle: async ({ groupId, memberId, members }, { apiVersion, services }) => {
    if (apiVersion >= SEVERAL_MEMBERS_SINCE) return services.groups.leave(groupId, members);
    const { errorCode, members: [result] } = await services.groups.leave(groupId, [
      { memberId, groupInstanceId: null, reason: null },
    ]);
    return { errorCode: errorCode || (result?.errorCode ?? errorCode) };
  },
  onError: (_request, errorCode) => ({ errorCode }),
});
