/**
 * JoinGroup adds a member to a classic group, or lets it rejoin for a rebalance. The answer is sent
 * when the other members have joined too, or after the rebalance timeout.
 *
 * Serves versions 0 to 9. Version 1 adds the rebalance timeout (before it, the session timeout is
 * used), from 4 a new member must rejoin with the member id that it received, 5 adds static
 * members, 6 is flexible, 7 adds the protocol type to the answer and allows a null protocol, 8 adds
 * a reason, 9 lets a returning leader skip the assignment.
 *
 * @module
 */
import type { JoinAnswer } from "../../groups/classic_group_events.ts";
import { joinGroup } from "../../protocol/messages/join_group.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

const REBALANCE_TIMEOUT_SINCE = 1;
const KNOWN_MEMBER_ID_SINCE = 4;
const NULL_PROTOCOL_SINCE = 7;
const SKIP_ASSIGNMENT_SINCE = 9;

interface Needs {
  readonly groups: Pick<GroupCoordinator, "join">;
}

/** Serves JoinGroup. */
export const joinGroupHandler: Handler<Needs> = defineHandler(joinGroup, {
  handle: async (request, { apiVersion, clientId, connection, services }) => {
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId } = request;
    const answer: JoinAnswer = await services.groups.join({
      groupId,
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: clientId ?? "",
      clientHost: `/${connection.remoteAddress.host}`,
      sessionTimeoutMs,
      rebalanceTimeoutMs: apiVersion < REBALANCE_TIMEOUT_SINCE
        ? sessionTimeoutMs
        : rebalanceTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols,
      reason: request.reason,
      requiresKnownMemberId: apiVersion >= KNOWN_MEMBER_ID_SINCE,
      supportsSkippingAssignment: apiVersion >= SKIP_ASSIGNMENT_SINCE,
    });
    return { ...answer, protocolName: protocolName(answer.protocolName, apiVersion) };
  },
  onError: ({ memberId }, errorCode, _message, { apiVersion }) => ({
    errorCode,
    protocolName: protocolName(null, apiVersion),
    leader: "",
    memberId,
    members: [],
  }),
});

function protocolName(name: string | null, apiVersion: number): string | null {
  return name ?? (apiVersion < NULL_PROTOCOL_SINCE ? "" : null);
}
