/**
 * JoinGroup in a classic group: new members, rejoining members, and static members that return
 * after a restart (KIP-345).
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { JoinCall } from "./classic_group_events.ts";
import { checkMember, completeJoinIfAllJoined, rebalance } from "./classic_group_rebalance.ts";
import {
  type ClassicGroup,
  type GroupMember,
  insertMember,
  NO_ASSIGNMENT,
  offersExactly,
  replaceMember,
  selectProtocol,
  setProtocols,
  setWaiting,
  supportsProtocols,
} from "./classic_group_state.ts";
import { joinError, joinSuccess, type Transition } from "./classic_group_transition.ts";

/**
 * Maximum duration of a new member's JoinGroup in milliseconds. Clients send heartbeats only after
 * their first join, so a client that gave up is indistinguishable from one that waits.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS: number = 5 * 60_000;

/** Joins a member. The answer is sent now or when the generation it joins is complete. */
export function join(transition: Transition, call: number, request: JoinCall): void {
  const { group } = transition;
  const refuse = (errorCode: ErrorCode, memberId = request.memberId) =>
    transition.answer(call, joinError(errorCode, memberId));
  if (!isAdmitted(transition, request.memberId)) {
    refuse(ErrorCode.GROUP_MAX_SIZE_REACHED, "");
    return rejectMember(transition, request.memberId);
  }
  if (group.phase.name === "Dead") return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  if (!supportsProtocols(group, request.protocolType, request.protocols)) {
    return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  if (request.memberId === "") return joinNew(transition, call, request);
  if (group.pendingMembers.has(request.memberId) && request.groupInstanceId === null) {
    return addMember(transition, call, request, request.memberId);
  }
  const errorCode = checkMember(group, request);
  if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
  joinAgain(transition, call, request, group.members.get(request.memberId)!);
}

/**
 * Returns whether `group.max.size` admits the member. During a rebalance, only members that have
 * joined count: if the limit was lowered below the size of the group, the last members to rejoin
 * are rejected.
 */
function isAdmitted({ group, limits }: Transition, memberId: string): boolean {
  const member = group.members.get(memberId);
  switch (group.phase.name) {
    case "Empty":
    case "Dead":
      return true;
    case "PreparingRebalance":
      return member?.waiting?.kind === "join" || group.joinedCount < limits.groupMaxSize;
    case "CompletingRebalance":
    case "Stable":
      return member !== undefined || group.members.size < limits.groupMaxSize;
  }
}

/** Removes a member that exceeds the maximum size. Other members may be waiting for it. */
function rejectMember(transition: Transition, memberId: string): void {
  const member = transition.group.members.get(memberId);
  if (member !== undefined) transition.remove(member);
  else if (transition.group.pendingMembers.delete(memberId)) {
    transition.cancelTimer(`session ${memberId}`);
  } else return;
  transition.note(`Rejected ${memberId}: group.max.size is ${transition.limits.groupMaxSize}`);
  completeJoinIfAllJoined(transition);
}

function joinNew(transition: Transition, call: number, request: JoinCall): void {
  const { group } = transition;
  const { freshMemberId, groupInstanceId } = request;
  if (groupInstanceId !== null) {
    const former = group.staticMembers.get(groupInstanceId);
    if (former === undefined) addMember(transition, call, request, freshMemberId);
    else returnStaticMember(transition, call, request, group.members.get(former)!);
  } else if (request.requiresKnownMemberId) {
    group.pendingMembers.add(freshMemberId);
    transition.setTimer(`session ${freshMemberId}`, request.sessionTimeoutMs);
    transition.answer(call, joinError(ErrorCode.MEMBER_ID_REQUIRED, freshMemberId));
  } else {
    addMember(transition, call, request, freshMemberId);
  }
}

function addMember(
  transition: Transition,
  call: number,
  request: JoinCall,
  memberId: string,
): void {
  const { group } = transition;
  const member: GroupMember = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocols: request.protocols,
    assignment: NO_ASSIGNMENT,
    isNew: true,
    waiting: { kind: "join", call },
  };
  insertMember(group, member, request.protocolType);
  if (group.phase.name === "PreparingRebalance" && group.phase.initial !== null) {
    group.phase.initial.memberAdded = true;
  }
  transition.extendSession(member, NEW_MEMBER_JOIN_TIMEOUT_MS);
  rebalance(transition, describeJoin(request, `${memberId} joins`));
}

function joinAgain(
  transition: Transition,
  call: number,
  request: JoinCall,
  member: GroupMember,
): void {
  const { group } = transition;
  const changed = !offersExactly(member, request.protocols);
  switch (group.phase.name) {
    case "PreparingRebalance":
      return rejoin(transition, call, request, member, "rejoins");
    case "CompletingRebalance":
      // An identical repeated request: the answer to the first join was lost.
      if (!changed) return transition.answer(call, joinSuccess(group, member.memberId));
      return rejoin(transition, call, request, member, "changes its protocols");
    case "Stable":
      // The leader may have a reason to reassign that is not in the metadata, such as new
      // partitions.
      if (group.leaderId === member.memberId) {
        return rejoin(transition, call, request, member, "leads and rejoins");
      }
      if (!changed) return transition.answer(call, joinSuccess(group, member.memberId));
      return rejoin(transition, call, request, member, "changes its protocols");
    case "Empty":
    case "Dead":
      return transition.answer(call, joinError(ErrorCode.UNKNOWN_MEMBER_ID, member.memberId));
  }
}

function rejoin(
  transition: Transition,
  call: number,
  request: JoinCall,
  member: GroupMember,
  what: string,
): void {
  transition.wait(member, { kind: "join", call });
  update(transition.group, member, request);
  rebalance(transition, describeJoin(request, `${member.memberId} ${what}`));
}

function update(group: ClassicGroup, member: GroupMember, request: JoinCall): void {
  setProtocols(group, member, request.protocols);
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
}

/**
 * A static member rejoins without its member id. It replaces its previous instance, which is
 * fenced. A stable group rebalances only if the member's protocols change the selected protocol.
 */
function returnStaticMember(
  transition: Transition,
  call: number,
  request: JoinCall,
  former: GroupMember,
): void {
  const { group } = transition;
  const formerLeader = group.leaderId ?? "";
  transition.note(`${request.freshMemberId} replaces ${former.memberId}, which is fenced`);
  transition.fail(former, ErrorCode.FENCED_INSTANCE_ID);
  transition.cancelTimer(`session ${former.memberId}`);
  const member: GroupMember = {
    ...former,
    memberId: request.freshMemberId,
    isNew: false,
    waiting: null,
  };
  replaceMember(group, former, member, request.protocolType);
  update(group, member, request);
  transition.extendSession(member);
  if (group.phase.name === "Stable" && selectProtocol(group) === group.protocolName) {
    transition.answer(
      call,
      request.supportsSkippingAssignment
        ? joinSuccess(group, member.memberId, {
          skipAssignment: group.leaderId === member.memberId,
        })
        // Older clients would compute a new assignment if the response named them as the leader.
        : joinSuccess(group, member.memberId, { leader: formerLeader }),
    );
    return;
  }
  setWaiting(group, member, { kind: "join", call });
  // The leader may be assigning partitions to the old id, which would leave this member without
  // any.
  rebalance(transition, describeJoin(request, `static member ${member.memberId} returns`));
}

function describeJoin(request: JoinCall, what: string): string {
  return request.reason ? `${what} (${request.reason})` : what;
}
