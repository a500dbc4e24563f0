/**
 * The transition of a classic group from one generation to the next: a rebalance begins, members
 * (re)join until all have joined or the timeout expires, and the new generation is announced.
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
import { joinSuccess, type Transition } from "./classic_group_transition.ts";
import { subscribedTopics } from "./subscribed_topics.ts";

/**
 * Minimum interval in milliseconds between checks of a rebalance that no member has joined. Clients
 * may request a rebalance timeout of 0, which must not keep the node busy.
 */
const MIN_JOIN_RETRY_MS = 1000;

/**
 * Checks that `identity` is a member of the group. Returns UNKNOWN_MEMBER_ID if not,
 * FENCED_INSTANCE_ID if another member now has its group instance id.
 */
export function checkMember(group: ClassicGroup, identity: MemberIdentity): ErrorCode {
  if (identity.groupInstanceId !== null) {
    const current = group.staticMembers.get(identity.groupInstanceId);
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (current !== identity.memberId) return ErrorCode.FENCED_INSTANCE_ID;
  }
  return group.members.has(identity.memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
}

/**
 * Begins a rebalance or, if one is in progress, completes its join phase if no member is missing.
 */
export function rebalance(transition: Transition, reason: string): void {
  if (transition.group.phase.name === "PreparingRebalance") completeJoinIfAllJoined(transition);
  else prepareRebalance(transition, reason);
}

/** Begins a rebalance. Members waiting for an assignment of the old generation must rejoin. */
export function prepareRebalance(transition: Transition, reason: string): void {
  const { group } = transition;
  const initial = group.phase.name === "Empty";
  if (group.phase.name === "CompletingRebalance") {
    for (const member of group.members.values()) {
      member.assignment = NO_ASSIGNMENT;
      if (member.waiting?.kind !== "sync") continue;
      transition.fail(member, ErrorCode.REBALANCE_IN_PROGRESS);
      transition.extendSession(member);
    }
  }
  if (!initial) transition.cancelTimer("sync");
  transition.note(`Preparing to rebalance after generation ${group.generationId}: ${reason}`);
  if (initial) {
    const delayMs = Math.max(0, transition.limits.groupInitialRebalanceDelayMs);
    const remainingMs = Math.max(0, rebalanceTimeoutMs(group) - delayMs);
    transition.enter({
      name: "PreparingRebalance",
      initial: { memberAdded: false, delayMs, remainingMs },
    });
    transition.setTimer("join", delayMs);
    return;
  }
  transition.enter({ name: "PreparingRebalance", initial: null });
  if (hasAllJoined(group)) completeJoin(transition);
  else transition.setTimer("join", rebalanceTimeoutMs(group));
}

/**
 * Completes the join phase if no member is missing, but never during the initial delay of a group.
 */
export function completeJoinIfAllJoined(transition: Transition): void {
  const { phase } = transition.group;
  if (
    phase.name === "PreparingRebalance" && phase.initial === null && hasAllJoined(transition.group)
  ) {
    completeJoin(transition);
  }
}

/** Handles the expiry of the join timer. */
export function onJoinTimeout(transition: Transition): void {
  const { phase } = transition.group;
  if (phase.name !== "PreparingRebalance") return;
  const { initial } = phase;
  if (initial === null || !initial.memberAdded || initial.remainingMs === 0) {
    completeJoin(transition);
    return;
  }
  // Members joined during the delay. Others may follow, within the rebalance timeout.
  const delayMs = Math.min(transition.limits.groupInitialRebalanceDelayMs, initial.remainingMs);
  const remainingMs = Math.max(0, initial.remainingMs - initial.delayMs);
  transition.enter({
    name: "PreparingRebalance",
    initial: { memberAdded: false, delayMs, remainingMs },
  });
  transition.setTimer("join", delayMs);
}

/**
 * Completes the join phase: removes dynamic members that did not rejoin and announces the
 * generation to the others.
 */
function completeJoin(transition: Transition): void {
  const { group } = transition;
  transition.cancelTimer("join");
  for (const member of [...group.members.values()]) {
    if (member.waiting?.kind === "join" || member.groupInstanceId !== null) continue;
    transition.note(`Removed ${member.memberId}: it did not rejoin in time`);
    transition.remove(member);
  }
  if (group.members.size > 0 && !electLeader(transition)) {
    transition.note("Rebalance timeout extended: no member has rejoined");
    transition.setTimer("join", Math.max(MIN_JOIN_RETRY_MS, rebalanceTimeoutMs(group)));
    return;
  }
  group.generationId++;
  group.protocolName = selectProtocol(group);
  group.subscribedTopics = subscribedTopics(group);
  if (group.members.size === 0) {
    transition.enter({ name: "Empty" });
    transition.note(`Generation ${group.generationId} is empty`);
    return;
  }
  transition.enter({ name: "CompletingRebalance", unsynced: new Set(group.members.keys()) });
  transition.note(
    `Generation ${group.generationId} is led by ${group.leaderId}, members: ${group.members.size}`,
  );
  for (const member of group.members.values()) {
    const { waiting } = member;
    if (waiting?.kind === "join") {
      setWaiting(group, member, null);
      transition.answer(waiting.call, joinSuccess(group, member.memberId));
    }
    transition.extendSession(member);
    member.isNew = false;
  }
  transition.setTimer("sync", rebalanceTimeoutMs(group));
}

/**
 * Keeps the leader if it rejoined, else elects a member that did. Returns false if none rejoined.
 */
function electLeader(transition: Transition): boolean {
  const { group } = transition;
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader?.waiting?.kind === "join") return true;
  for (const member of group.members.values()) {
    if (member.waiting?.kind !== "join") continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
}

/** Handles the expiry of the sync timer: removes members that did not request their assignment. */
export function onSyncTimeout(transition: Transition): void {
  const { phase, members } = transition.group;
  if (phase.name !== "CompletingRebalance" && phase.name !== "Stable") return;
  const missing = [...phase.unsynced];
  if (missing.length === 0) return;
  for (const memberId of missing) {
    const member = members.get(memberId);
    if (member !== undefined) transition.remove(member);
  }
  prepareRebalance(transition, `${missing.join(", ")} did not sync in time`);
}

/**
 * Handles the expiry of a member's session. A member waiting for an answer is alive, unless it is
 * new.
 */
export function onSessionTimeout(transition: Transition, memberId: string): void {
  const { group } = transition;
  if (group.pendingMembers.delete(memberId)) {
    transition.note(`Removed pending member ${memberId}: it did not rejoin in time`);
    completeJoinIfAllJoined(transition);
    return;
  }
  const member = group.members.get(memberId);
  if (member === undefined || (!member.isNew && member.waiting !== null)) return;
  transition.note(`Removed ${memberId}: its session timed out`);
  transition.remove(member);
  rebalance(transition, `${memberId} timed out`);
}
