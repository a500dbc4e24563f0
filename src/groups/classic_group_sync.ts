/**
 * SyncGroup and Heartbeat in a classic group: the assignment is spread, and members show that they
 * live.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { MemberAtGeneration, SyncAnswer, SyncCall } from "./classic_group_events.ts";
import { checkMember } from "./classic_group_rebalance.ts";
import { type ClassicGroup, NO_ASSIGNMENT, setWaiting, unsynced } from "./classic_group_state.ts";
import { type Step, syncError } from "./classic_group_step.ts";

/** A member asks for its assignment. The leader's sync answers everybody's. */
export function sync(step: Step, call: number, request: SyncCall): void {
  const { group } = step;
  const refuse = (errorCode: ErrorCode) => step.answer(call, syncError(errorCode));
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
      step.wait(member, { kind: "sync", call });
      markSynced(step, member.memberId);
      if (group.leaderId === member.memberId) spreadAssignment(step, request);
      return;
    case "Stable":
      markSynced(step, member.memberId);
      step.answer(call, syncSuccess(group, member.assignment));
  }
}

function checkSync(group: ClassicGroup, request: SyncCall): ErrorCode {
  const errorCode = checkMember(group, request);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  const differs = (asked: string | null, chosen: string | null) =>
    asked !== null && chosen !== null && asked !== chosen;
  return differs(request.protocolType, group.protocolType) ||
      differs(request.protocolName, group.protocolName)
    ? ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    : ErrorCode.NONE;
}

function markSynced(step: Step, memberId: string): void {
  const waitedFor = unsynced(step.group);
  if (waitedFor?.delete(memberId) && waitedFor.size === 0) step.cancelTimer("sync");
}

/** Members that the leader forgot get an empty assignment. */
function spreadAssignment(step: Step, request: SyncCall): void {
  const { group } = step;
  const assignments = new Map(
    request.assignments.map(({ memberId, assignment }) => [memberId, assignment]),
  );
  step.enter({ name: "Stable", unsynced: unsynced(group) ?? new Set() });
  step.note(`Generation ${group.generationId} is stable`);
  for (const member of group.members.values()) {
    member.assignment = assignments.get(member.memberId) ?? NO_ASSIGNMENT;
    const { waiting } = member;
    if (waiting?.kind !== "sync") continue;
    setWaiting(group, member, null);
    step.answer(waiting.call, syncSuccess(group, member.assignment));
    // A session that ended while the member waited for us had no effect and no successor.
    step.extendSession(member);
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

/** A member lives. Returns what it is told: REBALANCE_IN_PROGRESS asks it to rejoin. */
export function heartbeat(step: Step, request: MemberAtGeneration): ErrorCode {
  const { group } = step;
  if (group.phase.name === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const errorCode = checkMember(group, request);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  step.extendSession(group.members.get(request.memberId)!);
  return group.phase.name === "PreparingRebalance"
    ? ErrorCode.REBALANCE_IN_PROGRESS
    : ErrorCode.NONE;
}
