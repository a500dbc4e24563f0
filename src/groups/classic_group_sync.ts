/**
 * SyncGroup and Heartbeat in a classic group: distribution of the assignment, and sessions.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { MemberAtGeneration, SyncAnswer, SyncCall } from "./classic_group_events.ts";
import { checkMember } from "./classic_group_rebalance.ts";
import { type ClassicGroup, NO_ASSIGNMENT, setWaiting, unsynced } from "./classic_group_state.ts";
import { syncError, type Transition } from "./classic_group_transition.ts";

/**
 * Handles a member's request for its assignment. The leader's request completes those of all
 * members.
 */
export function sync(transition: Transition, call: number, request: SyncCall): void {
  const { group } = transition;
  const refuse = (errorCode: ErrorCode) => transition.answer(call, syncError(errorCode));
  if (group.phase.name === "Dead") return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  const errorCode = checkSync(group, request);
  if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
  const member = group.members.get(request.memberId)!;
  switch (group.phase.name) {
    case "Empty":
      return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
    case "PreparingRebalance":
      return refuse(ErrorCode.REBALANCE_IN_PROGRESS);
    case "CompletingRebalance":
      transition.wait(member, { kind: "sync", call });
      markSynced(transition, member.memberId);
      if (group.leaderId === member.memberId) distributeAssignment(transition, request);
      return;
    case "Stable":
      markSynced(transition, member.memberId);
      transition.answer(call, syncSuccess(group, member.assignment));
  }
}

function checkSync(group: ClassicGroup, request: SyncCall): ErrorCode {
  const errorCode = checkMember(group, request);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  const differs = (requested: string | null, selected: string | null) =>
    requested !== null && selected !== null && requested !== selected;
  return differs(request.protocolType, group.protocolType) ||
      differs(request.protocolName, group.protocolName)
    ? ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    : ErrorCode.NONE;
}

function markSynced(transition: Transition, memberId: string): void {
  const outstanding = unsynced(transition.group);
  if (outstanding?.delete(memberId) && outstanding.size === 0) transition.cancelTimer("sync");
}

/** Distributes the assignment. Members missing from it get an empty assignment. */
function distributeAssignment(transition: Transition, request: SyncCall): void {
  const { group } = transition;
  const assignments = new Map(
    request.assignments.map(({ memberId, assignment }) => [memberId, assignment]),
  );
  transition.enter({ name: "Stable", unsynced: unsynced(group) ?? new Set() });
  transition.note(`Generation ${group.generationId} is stable`);
  for (const member of group.members.values()) {
    member.assignment = assignments.get(member.memberId) ?? NO_ASSIGNMENT;
    const { waiting } = member;
    if (waiting?.kind !== "sync") continue;
    setWaiting(group, member, null);
    transition.answer(waiting.call, syncSuccess(group, member.assignment));
    // Sessions do not expire while a member waits for an answer, and no timer is left after that.
    transition.extendSession(member);
  }
}

function syncSuccess(group: ClassicGroup, assignment: Uint8Array): SyncAnswer {
  return {
    kind: "sync",
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment,
  };
}

/** Extends a member's session. REBALANCE_IN_PROGRESS asks the member to rejoin. */
export function heartbeat(transition: Transition, request: MemberAtGeneration): ErrorCode {
  const { group } = transition;
  if (group.phase.name === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const errorCode = checkMember(group, request);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  transition.extendSession(group.members.get(request.memberId)!);
  return group.phase.name === "PreparingRebalance"
    ? ErrorCode.REBALANCE_IN_PROGRESS
    : ErrorCode.NONE;
}
