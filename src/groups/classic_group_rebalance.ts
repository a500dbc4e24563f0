/**
 * How a classic group goes from one generation to the next: a rebalance begins, members (re)join
 * until all have or time is up, the new generation is announced. Timers that end drive it on.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { MemberIdentity } from "./classic_group_events.ts";
import {
  type ClassicGroup,
  hasAllJoined,
  NO_ASSIGNMENT,
  rebalanceTimeoutMs,
  selectProtocol,
  setWaiting,
} from "./classic_group_state.ts";
import { joinSuccess, type Step } from "./classic_group_step.ts";
import { subscribedTopics } from "./subscribed_topics.ts";

/**
 * How often, in milliseconds, a rebalance that nobody has joined looks again at the most: a client may
 * ask for a rebalance timeout of 0, which must not keep the node busy.
 */
const MIN_WAIT_FOR_ANYBODY_MS = 1000;

/**
 * Whether `identity` names a member of the group: UNKNOWN_MEMBER_ID when not, FENCED_INSTANCE_ID
 * when another member has its group instance id by now.
 */
export function checkMember(group: ClassicGroup, identity: MemberIdentity): ErrorCode {
  if (identity.groupInstanceId !== null) {
    const current = group.staticMembers.get(identity.groupInstanceId);
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (current !== identity.memberId) return ErrorCode.FENCED_INSTANCE_ID;
  }
  return group.members.has(identity.memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
}

/** Begins a rebalance, or, when one is under way, ends its joining if nobody is missing. */
export function rebalance(step: Step, reason: string): void {
  if (step.group.phase.name === "PreparingRebalance") completeJoinIfAllJoined(step);
  else prepareRebalance(step, reason);
}

/** Begins a rebalance. Those who wait for an assignment of the old generation are sent back to join. */
export function prepareRebalance(step: Step, reason: string): void {
  const { group } = step;
  const initial = group.phase.name === "Empty";
  if (group.phase.name === "CompletingRebalance") {
    for (const member of group.members.values()) {
      member.assignment = NO_ASSIGNMENT;
      if (member.waiting?.kind !== "sync") continue;
      step.fail(member, ErrorCode.REBALANCE_IN_PROGRESS);
      step.extendSession(member);
    }
  }
  if (!initial) step.cancelTimer("sync");
  step.note(`Prepares to rebalance after generation ${group.generationId}: ${reason}`);
  if (initial) {
    const delayMs = Math.max(0, step.limits.groupInitialRebalanceDelayMs);
    const remainingMs = Math.max(0, rebalanceTimeoutMs(group) - delayMs);
    step.enter({
      name: "PreparingRebalance",
      initial: { memberAdded: false, delayMs, remainingMs },
    });
    step.setTimer("join", delayMs);
    return;
  }
  step.enter({ name: "PreparingRebalance", initial: null });
  if (hasAllJoined(group)) completeJoin(step);
  else step.setTimer("join", rebalanceTimeoutMs(group));
}

/** Ends the joining when nobody is missing, but never the delay of a group's first rebalance. */
export function completeJoinIfAllJoined(step: Step): void {
  const { phase } = step.group;
  if (phase.name === "PreparingRebalance" && phase.initial === null && hasAllJoined(step.group)) {
    completeJoin(step);
  }
}

/** The join timer ended. */
export function endTimeToJoin(step: Step): void {
  const { phase } = step.group;
  if (phase.name !== "PreparingRebalance") return;
  const { initial } = phase;
  if (initial === null || !initial.memberAdded || initial.remainingMs === 0) {
    completeJoin(step);
    return;
  }
  // Somebody came during the delay: others may follow, within the rebalance timeout.
  const delayMs = Math.min(step.limits.groupInitialRebalanceDelayMs, initial.remainingMs);
  const remainingMs = Math.max(0, initial.remainingMs - initial.delayMs);
  step.enter({
    name: "PreparingRebalance",
    initial: { memberAdded: false, delayMs, remainingMs },
  });
  step.setTimer("join", delayMs);
}

/** Ends the joining: who has not come is out (static members stay), who has is told the generation. */
function completeJoin(step: Step): void {
  const { group } = step;
  step.cancelTimer("join");
  for (const member of [...group.members.values()]) {
    if (member.waiting?.kind === "join" || member.groupInstanceId !== null) continue;
    step.note(`Removes ${member.memberId}: it did not rejoin in time`);
    step.remove(member);
  }
  if (group.members.size > 0 && !electLeader(step)) {
    step.note("Waits on: no member has rejoined");
    step.setTimer("join", Math.max(MIN_WAIT_FOR_ANYBODY_MS, rebalanceTimeoutMs(group)));
    return;
  }
  group.generationId++;
  group.protocolName = selectProtocol(group);
  group.subscribedTopics = subscribedTopics(group);
  if (group.members.size === 0) {
    step.enter({ name: "Empty" });
    step.note(`Generation ${group.generationId} is empty`);
    return;
  }
  step.enter({ name: "CompletingRebalance", unsynced: new Set(group.members.keys()) });
  step.note(
    `Generation ${group.generationId} is led by ${group.leaderId}, members: ${group.members.size}`,
  );
  for (const member of group.members.values()) {
    const { waiting } = member;
    if (waiting?.kind === "join") {
      setWaiting(group, member, null);
      step.answer(waiting.call, joinSuccess(group, member.memberId));
    }
    step.extendSession(member);
    member.isNew = false;
  }
  step.setTimer("sync", rebalanceTimeoutMs(group));
}

/** Keeps the leader if it rejoined, else makes one that did the leader. False when nobody rejoined. */
function electLeader(step: Step): boolean {
  const { group } = step;
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader?.waiting?.kind === "join") return true;
  for (const member of group.members.values()) {
    if (member.waiting?.kind !== "join") continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
}

/** The time to sync ended: members that have the generation and did not ask for their part go. */
export function endTimeToSync(step: Step): void {
  const { phase, members } = step.group;
  if (phase.name !== "CompletingRebalance" && phase.name !== "Stable") return;
  const missing = [...phase.unsynced];
  if (missing.length === 0) return;
  for (const memberId of missing) {
    const member = members.get(memberId);
    if (member !== undefined) step.remove(member);
  }
  prepareRebalance(step, `${missing.join(", ")} did not sync in time`);
}

/** A member's session ended. One that waits for an answer of ours is alive, unless it is new. */
export function endSession(step: Step, memberId: string): void {
  const { group } = step;
  if (group.pendingMembers.delete(memberId)) {
    step.note(`Forgets ${memberId}: it did not come back to join in time`);
    completeJoinIfAllJoined(step);
    return;
  }
  const member = group.members.get(memberId);
  if (member === undefined || (!member.isNew && member.waiting !== null)) return;
  step.note(`Removes ${memberId}: its session timed out`);
  step.remove(member);
  rebalance(step, `${memberId} timed out`);
}
