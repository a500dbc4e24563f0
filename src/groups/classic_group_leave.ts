/**
 * LeaveGroup in a classic group, permission to commit offsets, and the end of a group.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { LeaveResult, LeavingMember, MemberAtGeneration } from "./classic_group_events.ts";
import { checkMember, completeJoinIfAllJoined, rebalance } from "./classic_group_rebalance.ts";
import type { Transition } from "./classic_group_transition.ts";

/** Removes members, each with a result of its own. The group rebalances once for all of them. */
export function leave(transition: Transition, members: readonly LeavingMember[]): LeaveResult {
  const { group } = transition;
  if (group.phase.name === "Dead") {
    return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] };
  }
  const before = group.members.size;
  const results = members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    errorCode: leaveOne(transition, member),
  }));
  if (group.members.size < before) {
    const left = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
    rebalance(
      transition,
      `${left.map((one) => one.memberId || one.groupInstanceId).join(", ")} left`,
    );
  } else {
    completeJoinIfAllJoined(transition);
  }
  return { errorCode: ErrorCode.NONE, members: results };
}

function leaveOne(
  transition: Transition,
  { memberId, groupInstanceId, reason }: LeavingMember,
): ErrorCode {
  const { group } = transition;
  if (memberId !== "" && group.pendingMembers.delete(memberId)) {
    transition.cancelTimer(`session ${memberId}`);
    return ErrorCode.NONE;
  }
  // An administrator removes a static member by its group instance id only.
  const leavingId = memberId !== ""
    ? memberId
    : group.staticMembers.get(groupInstanceId ?? "") ?? memberId;
  const errorCode = checkMember(group, { memberId: leavingId, groupInstanceId });
  if (errorCode !== ErrorCode.NONE) return errorCode;
  transition.note(`${leavingId} leaves${reason ? ` (${reason})` : ""}`);
  transition.remove(group.members.get(leavingId)!);
  return ErrorCode.NONE;
}

/**
 * Returns whether `committer` may commit offsets now. A member must commit for the current
 * generation; a client that is not a member (generation -1) may commit only to a group without
 * members. A commit extends the session of its member.
 */
export function checkCommit(transition: Transition, committer: MemberAtGeneration): ErrorCode {
  const { group } = transition;
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
  transition.extendSession(group.members.get(memberId)!);
  return ErrorCode.NONE;
}

/** Deletes the group unless it has members. */
export function checkDelete(transition: Transition): ErrorCode {
  const { group } = transition;
  if (group.phase.name === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  if (group.phase.name !== "Empty") return ErrorCode.NON_EMPTY_GROUP;
  unload(transition, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return ErrorCode.NONE;
}

/** Unloads the group: answers all waiting calls with `errorCode` and cancels all timers. */
export function unload(transition: Transition, errorCode: ErrorCode): void {
  const { group } = transition;
  if (group.phase.name === "Dead") return;
  for (const member of group.members.values()) {
    transition.fail(member, errorCode);
    transition.cancelTimer(`session ${member.memberId}`);
  }
  for (const memberId of group.pendingMembers) transition.cancelTimer(`session ${memberId}`);
  group.pendingMembers.clear();
  transition.cancelTimer("join");
  transition.cancelTimer("sync");
  transition.enter({ name: "Dead" });
}
