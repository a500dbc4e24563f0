/**
 * DeleteGroups deletes groups with their offsets. A group with members stays: NON_EMPTY_GROUP.
 *
 * Versions 0 to 2. Version 2 is flexible.
 *
 * @module
 */
import { deleteGroups } from "../../protocol/messages/delete_groups.ts";
import { defineHandler, type Handler } from "../handler.ts";

/** Serves DeleteGroups. */
export const deleteGroupsHandler: Handler = defineHandler(deleteGroups, {
  handle: ({ groupsNames }, { services }) => ({
    // A group named twice is one group: the second time it would be gone.
    results: [...new Set(groupsNames)].map((groupId) => ({
      groupId,
      errorCode: services.groups.deleteGroup(groupId),
    })),
  }),
  onError: ({ groupsNames }, errorCode) => ({
    results: groupsNames.map((groupId) => ({ groupId, errorCode })),
  }),
});
