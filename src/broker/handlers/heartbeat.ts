/**
 * Heartbeat extends the session of a member of a classic group. The error of the answer tells the
 * member what to do: rejoin with its member id (REBALANCE_IN_PROGRESS), or join as a new member.
 *
 * Serves versions 0 to 4. Version 3 adds static members, 4 is flexible.
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
