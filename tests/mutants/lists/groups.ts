/**
 * Bugs planted in `src/groups`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** G3 and G11 went unnoticed when they were first tried by hand, G101 and above are newer. */
export const GROUPS_MUTANTS: readonly Mutant[] = [
  {
    id: "G3",
    file: "src/groups/classic_group_sync.ts",
    bug: "a heartbeat of an old generation extends the session",
    text:
      "if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;\n  step.extendSession(group.members.get(request.memberId)!);",
    replacement:
      "step.extendSession(group.members.get(request.memberId)!);\n  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;",
  },
  {
    id: "G11",
    file: "src/groups/classic_group_rebalance.ts",
    bug: "a newcomer that still waits for its first join never times out",
    text: "(!member.isNew && member.waiting !== null)",
    replacement: "member.waiting !== null",
  },
  {
    id: "G101",
    file: "src/groups/classic_group_join.ts",
    bug: "a member that rejoins keeps its old session timeout",
    text: "member.sessionTimeoutMs = request.sessionTimeoutMs;",
    replacement: "",
  },
  {
    id: "G102",
    file: "src/groups/classic_group_join.ts",
    bug: "a static member that returns with other protocols does not start a rebalance",
    text: 'group.phase.name === "Stable" && selectProtocol(group) === group.protocolName',
    replacement: 'group.phase.name === "Stable"',
  },
  {
    id: "G103",
    file: "src/groups/classic_group_leave.ts",
    bug: "the timer of a pending member that leaves keeps running",
    text: "step.cancelTimer(`session ${memberId}`);\n    return ErrorCode.NONE;",
    replacement: "return ErrorCode.NONE;",
  },
  {
    id: "G104",
    file: "src/groups/classic_group_leave.ts",
    bug: "a commit does not extend the session",
    text: "step.extendSession(group.members.get(memberId)!);",
    replacement: "",
  },
  {
    id: "G105",
    file: "src/groups/classic_group_leave.ts",
    bug: "offsets are committed while the assignment of the generation is not known",
    text: 'if (group.phase.name === "CompletingRebalance") return ErrorCode.REBALANCE_IN_PROGRESS;',
    replacement: "",
  },
  {
    id: "G106",
    file: "src/groups/classic_group_rebalance.ts",
    bug: "members show the assignment of a generation that was given up",
    text: "member.assignment = NO_ASSIGNMENT;",
    replacement: "",
  },
  {
    id: "G107",
    file: "src/groups/classic_group_rebalance.ts",
    bug: "a member sent back to join from SyncGroup does not get its session again",
    text: "step.fail(member, ErrorCode.REBALANCE_IN_PROGRESS);\n      step.extendSession(member);",
    replacement: "step.fail(member, ErrorCode.REBALANCE_IN_PROGRESS);",
  },
  {
    id: "G108",
    file: "src/groups/classic_group_rebalance.ts",
    bug: "the first rebalance is delayed beyond the rebalance timeout",
    text: "Math.min(step.limits.groupInitialRebalanceDelayMs, initial.remainingMs)",
    replacement: "step.limits.groupInitialRebalanceDelayMs",
  },
  {
    id: "G109",
    file: "src/groups/classic_group_rebalance.ts",
    bug: "subscribed topics are read by the protocol of the generation before",
    text:
      "group.protocolName = selectProtocol(group);\n  group.subscribedTopics = subscribedTopics(group);",
    replacement:
      "group.subscribedTopics = subscribedTopics(group);\n  group.protocolName = selectProtocol(group);",
  },
  {
    id: "G110",
    file: "src/groups/classic_group_rebalance.ts",
    bug: "a static leader that did not rejoin stays the leader",
    text: 'if (leader?.waiting?.kind === "join") return true;',
    replacement: "if (leader !== undefined) return true;",
  },
  {
    id: "G111",
    file: "src/groups/classic_group_state.ts",
    bug: "the SyncGroup of a member that left is awaited",
    text: "unsynced(group)?.delete(memberId);",
    replacement: "",
  },
  {
    id: "G112",
    file: "src/groups/classic_group_state.ts",
    bug: "the SyncGroup that a replaced static member owes is not awaited from its successor",
    text: "if (owedSync) unsynced(group)?.add(member.memberId);",
    replacement: "",
  },
  {
    id: "G113",
    file: "src/groups/classic_group_state.ts",
    bug: "of protocols with equal votes the last wins",
    text: "if (number > most) [selected, most] = [name, number];",
    replacement: "if (number >= most) [selected, most] = [name, number];",
  },
  {
    id: "G114",
    file: "src/groups/classic_group_sync.ts",
    bug: "the first SyncGroup ends the time that all members have for theirs",
    text: 'waitedFor?.delete(memberId) && waitedFor.size === 0) step.cancelTimer("sync");',
    replacement: 'waitedFor?.delete(memberId)) step.cancelTimer("sync");',
  },
  {
    id: "G115",
    file: "src/groups/classic_group_sync.ts",
    bug: "a member that the leader left out keeps the assignment of the generation before",
    text: "assignments.get(member.memberId) ?? NO_ASSIGNMENT",
    replacement: "assignments.get(member.memberId) ?? member.assignment",
  },
  {
    id: "G116",
    file: "src/groups/group_coordinator.ts",
    bug: "an old empty group is forgotten while a newcomer holds an id of it",
    text: "group.pendingMembers.size === 0 && offsets.isEmpty",
    replacement: "offsets.isEmpty",
  },
  {
    id: "G117",
    file: "src/groups/group_coordinator.ts",
    bug: "unused groups stay after the wall clock was set back",
    text: "Math.abs(nowMs - this.#lastSweepMs) < EMPTY_GROUP_KEPT_MS",
    replacement: "nowMs - this.#lastSweepMs < EMPTY_GROUP_KEPT_MS",
  },
  {
    id: "G118",
    file: "src/groups/group_coordinator.ts",
    bug: "answered calls are kept",
    text: "this.#calls.delete(effect.call);",
    replacement: "",
  },
  {
    id: "G119",
    file: "src/groups/group_timers.ts",
    bug: "a timer that was moved away and fired early cannot be moved back",
    text: "entry.hostDueMs = entry.dueMs;",
    replacement: "",
  },
  {
    id: "G120",
    file: "src/groups/subscribed_topics.ts",
    bug: "a group without members counts as reading every topic",
    text: "if (group.members.size === 0) return topics;",
    replacement: "",
  },
];
