/**
 * ListGroups returns the groups that this node coordinates.
 *
 * Serves versions 0 to 5. Version 3 is flexible, 4 adds the state and a filter by it, 5 the type
 * and a filter by it: all groups here have the type "classic".
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { listGroups } from "../../protocol/messages/list_groups.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

interface Needs {
  readonly groups: Pick<GroupCoordinator, "list">;
}

/** Serves ListGroups. */
export const listGroupsHandler: Handler<Needs> = defineHandler(listGroups, {
  handle: async ({ statesFilter, typesFilter }, { services }) => ({
    errorCode: ErrorCode.NONE,
    groups: (await services.groups.list({ states: statesFilter, types: typesFilter }))
      .map(({ groupId, protocolType, state, type }) => ({
        groupId,
        protocolType,
        groupState: state,
        groupType: type,
      })),
  }),
  onError: (_request, errorCode) => ({ errorCode, groups: [] }),
});
