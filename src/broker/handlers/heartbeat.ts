/**
 * Heartbeat shows that a member of a classic group lives. The answer's error says what the member
 * is to do: rejoin (REBALANCE_IN_PROGRESS), or start anew.
 *
 * Versions 0 to 4. Version 3 adds static members, 4 is flexible.
 *
 * @module
 */
import { heartbeat } from "../../protocol/messages/heartbeat.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

interface Needs {
  readonly groups: Pick<GroupCoordinator, "heartbeat">;
}

/** Serves Heartbeat. */
export const heartbeatHandler: Handler<Needs> = defineHandler(heartbeat, {
  handle: async (request, { services }) => ({
    errorCode: await services.groups.heartbeat(request.groupId, request),
  }),
  onError: (_request, errorCode) => ({ errorCode }),
});
