/**
 * LeaveGroup in a classic group, the question who may store offsets, and the group's end.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { LeavingMember, MemberAtGeneration } from "./classic_group_events.ts";
import { checkMember, completeJoinIfAllJoined, rebalance } from "./classic_group_rebalance.ts";
import type { Step } from "./classic_group_step.ts";

/** Members leave, each by itself; the group rebalances once for all of them. */
export function leave(step: Step, call: number, members: readonly LeavingMember[]): void {
  const { group } = step;
  if (group.phase.name === "Dead") {
    const errorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE;
    return step.answer(call, { kind: "leave", errorCode, members: [] });
  }
  const before = group.members.size;
  const results = members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    errorCode: leaveOne(step, member),
  }));
  step.answer(call, { kind: "leave", errorCode: ErrorCode.NONE, members: results });
  if (group.members.size < before) {
    const left = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
    rebalance(step, `${left.map((one) => one.memberId || one.groupInstanceId).join(", ")} left`);
  } else {
    completeJoinIfAllJoined(step);
  }
}

function leaveOne(step: Step, { memberId, groupInstanceId, reason }: LeavingMember): ErrorCode {
  const { group } = step;
  if (memberId !== "" && group.pendingMembers.delete(memberId)) {
    step.cancelTimer(`session ${memberId}`);
    return ErrorCode.NONE;
  }
  // An administrator who removes a static member names its group instance id only.
  const leavingId = memberId !== ""
    ? memberId
    : group.staticMembers.get(groupInstanceId ?? "") ?? memberId;
  const errorCode = checkMember(group, { memberId: leavingId, groupInstanceId });
  if (errorCode !== ErrorCode.NONE) return errorCode;
  step.note(`${leavingId} leaves${reason ? ` (${reason})` : ""}`);
  step.remove(group.members.get(leavingId)!);
  return ErrorCode.NONE;
}

/**
 * Whether `committer` may store offsets now. A member commits for its generation; who is no member
 * (generation -1) only in a group without members. A commit shows that its member lives.
 */
export function mayCommit(step: Step, committer: MemberAtGeneration): ErrorCode {
  const { group } = step;
  if (group.phase.name === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const { memberId, groupInstanceId, generationId } = committer;
  if (generationId < 0 && group.phase.name === "Empty") return ErrorCode.NONE;
  if (generationId < 0 && memberId === "" && groupInstanceId === null) {
    return ErrorCode.UNKNOWN_MEMBER_ID;
  }
  const errorCode = checkMember(group, committer);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  if (group.phase.name === "CompletingRebalance") return ErrorCode.REBALANCE_IN_PROGRESS;
  step.extendSession(group.members.get(memberId)!);
  return ErrorCode.NONE;
}

/** Deletes the group unless it has members. */
export function mayDelete(step: Step): ErrorCode {
  const { group } = step;
  if (group.phase.name === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  if (group.phase.name !== "Empty") return ErrorCode.NON_EMPTY_GROUP;
  unload(step, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return ErrorCode.NONE;
}

/** Ends the group here: whoever waits is answered with `errorCode`, and no timer stays. */
export function unload(step: Step, errorCode: ErrorCode): void {
  const { group } = step;
  if (group.phase.name === "Dead") return;
  for (const member of group.members.values()) {
    step.fail(member, errorCode);
    step.cancelTimer(`session ${member.memberId}`);
  }
  for (const memberId of group.pendingMembers) step.cancelTimer(`session ${memberId}`);
  group.pendingMembers.clear();
  step.cancelTimer("join");
  step.cancelTimer("sync");
  step.enter({ name: "Dead" });
}
