/**
 * DeleteGroups deletes groups and their offsets. A group with members is not deleted:
 * NON_EMPTY_GROUP.
 *
 * Serves versions 0 to 3. Version 2 is flexible, 3 adds a message to each error.
 *
 * @module
 */
import { ErrorCode, errorName } from "../../protocol/errors.ts";
import { deleteGroups } from "../../protocol/messages/delete_groups.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

interface Needs {
  readonly groups: Pick<GroupCoordinator, "deleteGroup">;
}

/** Serves DeleteGroups. */
export const deleteGroupsHandler: Handler<Needs> = defineHandler(deleteGroups, {
  handle: async ({ groupsNames }, { services }) => ({
    // A group named twice is deleted once: the second deletion would fail.
    results: await Promise.all([...new Set(groupsNames)].map(async (groupId) => {
      const errorCode = await services.groups.deleteGroup(groupId);
      return { groupId, errorCode, errorMessage: messageOf(errorCode, groupId) };
    })),
  }),
  onError: ({ groupsNames }, errorCode, errorMessage) => ({
    results: groupsNames.map((groupId) => ({ groupId, errorCode, errorMessage })),
  }),
});

function messageOf(errorCode: ErrorCode, groupId: string): string | null {
  switch (errorCode) {
    case ErrorCode.NONE:
      return null;
    case ErrorCode.NON_EMPTY_GROUP:
      return `Cannot delete group "${groupId}": it has members, stop them first`;
    case ErrorCode.GROUP_ID_NOT_FOUND:
      return `Cannot delete group "${groupId}": there is no such group`;
    default:
      return `Cannot delete group "${groupId}" now: ${errorName(errorCode)}, try again`;
  }
}
