/**
 * DescribeGroups returns classic groups and their members. A missing group is returned in the state
 * Dead.
 *
 * Serves versions 0 to 6. Version 3 adds the authorized operations, 4 static members, 5 is
 * flexible, 6 adds an error message, and GROUP_ID_NOT_FOUND for a missing group.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { describeGroups } from "../../protocol/messages/describe_groups.ts";
import { GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from "../../protocol/authorized_operations.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

const GROUP_ID_NOT_FOUND_SINCE = 6;

interface Needs {
  readonly groups: Pick<GroupCoordinator, "describe">;
}

/** Serves DescribeGroups. */
export const describeGroupsHandler: Handler<Needs> = defineHandler(describeGroups, {
  handle: async ({ groups, includeAuthorizedOperations }, { apiVersion, services }) => ({
    groups: await Promise.all(groups.map(async (groupId) => {
      const authorizedOperations = includeAuthorizedOperations
        ? GROUP_OPERATIONS
        : OPERATIONS_NOT_ASKED;
      const group = await services.groups.describe(groupId);
      if (group === null) {
        return apiVersion < GROUP_ID_NOT_FOUND_SINCE
          ? { ...nothingKnown(groupId), groupState: "Dead", authorizedOperations }
          : {
            ...nothingKnown(groupId),
            groupState: "Dead",
            errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
            errorMessage: `Group ${groupId} not found.`,
          };
      }
      return {
        errorCode: ErrorCode.NONE,
        groupId,
        groupState: group.state,
        protocolType: group.protocolType,
        protocolData: group.protocolName,
        members: group.members.map(({ metadata, assignment, ...member }) => ({
          ...member,
          memberMetadata: metadata,
          memberAssignment: assignment,
        })),
        authorizedOperations,
      };
    })),
  }),
  onError: ({ groups }, errorCode, errorMessage) => ({
    groups: groups.map((groupId) => ({
      ...nothingKnown(groupId),
      errorCode,
      errorMessage,
    })),
  }),
});

function nothingKnown(groupId: string) {
  return {
    errorCode: ErrorCode.NONE as number,
    groupId,
    groupState: "",
    protocolType: "",
    protocolData: "",
    members: [],
    authorizedOperations: OPERATIONS_NOT_ASKED,
  };
}
