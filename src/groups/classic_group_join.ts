/**
 * JoinGroup in a classic group: newcomers, members that come again, and static members that return
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
import { joinError, joinSuccess, type Step } from "./classic_group_step.ts";

/**
 * How long a newcomer's JoinGroup may wait, in milliseconds. A client that gave up cannot be told
 * from one that waits, since its heartbeats begin after the first join.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS: number = 5 * 60_000;

/** A member joins. It is answered now, or when the generation it joins is complete. */
export function join(step: Step, call: number, request: JoinCall): void {
  const { group } = step;
  const refuse = (errorCode: ErrorCode, memberId = request.memberId) =>
    step.answer(call, joinError(errorCode, memberId));
  if (!hasRoom(step, request.memberId)) {
    refuse(ErrorCode.GROUP_MAX_SIZE_REACHED, "");
    return turnAway(step, request.memberId);
  }
  if (group.phase.name === "Dead") return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  if (!supportsProtocols(group, request.protocolType, request.protocols)) {
    return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  if (request.memberId === "") return joinNew(step, call, request);
  if (group.pendingMembers.has(request.memberId) && request.groupInstanceId === null) {
    return addMember(step, call, request, request.memberId);
  }
  const errorCode = checkMember(group, request);
  if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
  joinAgain(step, call, request, group.members.get(request.memberId)!);
}

/**
 * Whether `group.max.size` admits the member. During a rebalance it is those who have joined that
 * count, so that a group larger than a lowered limit loses the last to come.
 */
function hasRoom({ group, limits }: Step, memberId: string): boolean {
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

/** Forgets a member that there is no room for, which may be the one that the others wait for. */
function turnAway(step: Step, memberId: string): void {
  const member = step.group.members.get(memberId);
  if (member !== undefined) step.remove(member);
  else if (step.group.pendingMembers.delete(memberId)) step.cancelTimer(`session ${memberId}`);
  else return;
  step.note(`Turns ${memberId} away: group.max.size is ${step.limits.groupMaxSize}`);
  completeJoinIfAllJoined(step);
}

function joinNew(step: Step, call: number, request: JoinCall): void {
  const { group } = step;
  const { freshMemberId, groupInstanceId } = request;
  if (groupInstanceId !== null) {
    const former = group.staticMembers.get(groupInstanceId);
    if (former === undefined) addMember(step, call, request, freshMemberId);
    else returnStaticMember(step, call, request, group.members.get(former)!);
  } else if (request.requiresKnownMemberId) {
    group.pendingMembers.add(freshMemberId);
    step.setTimer(`session ${freshMemberId}`, request.sessionTimeoutMs);
    step.answer(call, joinError(ErrorCode.MEMBER_ID_REQUIRED, freshMemberId));
  } else {
    addMember(step, call, request, freshMemberId);
  }
}

function addMember(step: Step, call: number, request: JoinCall, memberId: string): void {
  const { group } = step;
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
  step.extendSession(member, NEW_MEMBER_JOIN_TIMEOUT_MS);
  rebalance(step, because(request, `${memberId} joins`));
}

function joinAgain(step: Step, call: number, request: JoinCall, member: GroupMember): void {
  const { group } = step;
  const changed = !offersExactly(member, request.protocols);
  switch (group.phase.name) {
    case "PreparingRebalance":
      return rejoin(step, call, request, member, "rejoins");
    case "CompletingRebalance":
      // The same again: the answer to its first join was lost on the way.
      if (!changed) return step.answer(call, joinSuccess(group, member.memberId));
      return rejoin(step, call, request, member, "changes its protocols");
    case "Stable":
      // A leader may see a need for another assignment that no metadata shows: new partitions.
      if (group.leaderId === member.memberId) {
        return rejoin(step, call, request, member, "leads and rejoins");
      }
      if (!changed) return step.answer(call, joinSuccess(group, member.memberId));
      return rejoin(step, call, request, member, "changes its protocols");
    case "Empty":
    case "Dead":
      return step.answer(call, joinError(ErrorCode.UNKNOWN_MEMBER_ID, member.memberId));
  }
}

function rejoin(
  step: Step,
  call: number,
  request: JoinCall,
  member: GroupMember,
  what: string,
): void {
  step.wait(member, { kind: "join", call });
  update(step.group, member, request);
  rebalance(step, because(request, `${member.memberId} ${what}`));
}

function update(group: ClassicGroup, member: GroupMember, request: JoinCall): void {
  setProtocols(group, member, request.protocols);
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
}

/**
 * A static member returns without knowing its id: it replaces its former self, which is fenced. In a
 * stable group nothing else happens, unless what it offers now changes the protocol.
 */
function returnStaticMember(
  step: Step,
  call: number,
  request: JoinCall,
  former: GroupMember,
): void {
  const { group } = step;
  const formerLeader = group.leaderId ?? "";
  step.note(`${request.freshMemberId} replaces ${former.memberId}, which is fenced`);
  step.fail(former, ErrorCode.FENCED_INSTANCE_ID);
  step.cancelTimer(`session ${former.memberId}`);
  const member: GroupMember = {
    ...former,
    memberId: request.freshMemberId,
    isNew: false,
    waiting: null,
  };
  replaceMember(group, former, member, request.protocolType);
  update(group, member, request);
  step.extendSession(member);
  if (group.phase.name === "Stable" && selectProtocol(group) === group.protocolName) {
    step.answer(
      call,
      request.supportsSkippingAssignment
        ? joinSuccess(group, member.memberId, {
          skipAssignment: group.leaderId === member.memberId,
        })
        // An older client would make a new assignment if it were told that it leads.
        : joinSuccess(group, member.memberId, { leader: formerLeader }),
    );
    return;
  }
  setWaiting(group, member, { kind: "join", call });
  // The leader may be assigning to the former id, which would leave this one without a part.
  rebalance(step, because(request, `static member ${member.memberId} returns`));
}

function because(request: JoinCall, what: string): string {
  return request.reason ? `${what} (${request.reason})` : what;
}
