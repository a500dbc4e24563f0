/**
 * Invariants of a classic group under random events. The rules themselves are tested by
 * `tests/transcripts/groups/`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { stepClassicGroup } from "../../src/groups/classic_group.ts";
import type { GroupEvent, GroupTimer, JoinCall } from "../../src/groups/classic_group_events.ts";
import {
  type ClassicGroup,
  emptyGroup,
  hasAllJoined,
  unsynced,
} from "../../src/groups/classic_group_state.ts";
import { ErrorCode } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { TestRandom } from "./test_clock.ts";

const LIMITS = { groupInitialRebalanceDelayMs: 3000, groupMaxSize: 4 };

/**
 * Runs random events and checks the group after each. Returns the number of answers by error code.
 */
function run(seed: number, steps: number): Map<number, number> {
  const random = new TestRandom(seed);
  const group = emptyGroup("g", 0);
  const timers = new Map<GroupTimer, number>();
  const open = new Map<number, GroupEvent["type"]>();
  const answered = new Map<number, number>();
  const knownIds = ["", "stranger"];
  let nowMs = 0;
  let calls = 0;
  let generation = 0;

  const step = (event: GroupEvent) => {
    if ("call" in event) open.set(event.call, event.type);
    const { result, effects } = stepClassicGroup(group, event, nowMs, LIMITS);
    for (const effect of effects) {
      if (effect.type === "setTimer") {
        assert(effect.delayMs >= 0);
        timers.set(effect.timer, nowMs + effect.delayMs);
      } else if (effect.type === "cancelTimer") timers.delete(effect.timer);
      else if (effect.type === "answer") {
        assertEquals(open.get(effect.call), effect.answer.kind as GroupEvent["type"]);
        open.delete(effect.call);
        const { errorCode } = effect.answer;
        answered.set(errorCode, (answered.get(errorCode) ?? 0) + 1);
        if (effect.answer.kind === "join" && effect.answer.memberId !== "") {
          knownIds.push(effect.answer.memberId);
        }
      }
    }
    if (result !== undefined) {
      const errorCode = typeof result === "number" ? result : result.errorCode;
      answered.set(errorCode, (answered.get(errorCode) ?? 0) + 1);
    }
    check(group, timers, open);
    assert(group.generationId >= generation, "generations never decrease");
    generation = group.generationId;
  };

  for (let count = 0; count < steps; count++) {
    if (random.below(4) === 0) {
      nowMs += random.below(8000);
      for (const [timer, dueMs] of [...timers].sort((one, other) => one[1] - other[1])) {
        if (dueMs > nowMs || timers.get(timer) !== dueMs) continue;
        timers.delete(timer);
        step({ type: "timer", timer });
      }
    }
    step(randomEvent(random, ++calls, knownIds, group.generationId));
  }
  step({ type: "unload", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
  assertEquals(open.size, 0, "no call waits after unload");
  assertEquals(timers.size, 0, "no timer is set after unload");
  return answered;
}

function randomEvent(
  random: TestRandom,
  call: number,
  knownIds: readonly string[],
  generation: number,
): GroupEvent {
  const recent = knownIds.slice(-8).concat("", "stranger");
  const memberId = recent[random.below(recent.length)]!;
  const groupInstanceId = random.below(3) === 0 ? `static${random.below(2)}` : null;
  const generationId = random.below(8) === 0 ? generation - 1 : generation;
  const member = { memberId, groupInstanceId, generationId };
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return {
        type: "join",
        call,
        join: { ...randomJoin(random, call), memberId, groupInstanceId },
      };
    case 4:
    case 5:
    case 6:
      return {
        type: "sync",
        call,
        sync: { ...member, protocolType: null, protocolName: null, assignments: [] },
      };
    case 7:
      return { type: "heartbeat", member };
    case 8:
      return { type: "commit", member };
    default:
      return random.below(3) === 0
        ? { type: "leave", members: [{ memberId, groupInstanceId, reason: null }] }
        : { type: "heartbeat", member };
  }
}

function randomJoin(random: TestRandom, call: number): JoinCall {
  const offers = [["range"], ["sticky", "range"], ["range", "sticky"], ["sticky"], []];
  return {
    memberId: "",
    groupInstanceId: null,
    clientId: "c",
    clientHost: "/127.0.0.1",
    sessionTimeoutMs: 6000 + random.below(20_000),
    rebalanceTimeoutMs: random.below(3) === 0 ? 0 : random.below(20_000),
    protocolType: random.below(20) === 0 ? "connect" : "consumer",
    protocols: offers[random.below(offers.length)]!
      .map((name) => ({ name, metadata: new Uint8Array([random.below(2)]) })),
    reason: null,
    freshMemberId: `member-${call}`,
    requiresKnownMemberId: random.below(2) === 0,
    supportsSkippingAssignment: random.below(2) === 0,
  };
}

function check(
  group: ClassicGroup,
  timers: ReadonlyMap<GroupTimer, number>,
  open: ReadonlyMap<number, string>,
): void {
  const members = [...group.members.values()];
  const waiting = members.map((member) => member.waiting).filter((call) => call !== null);
  assertEquals(
    waiting.map(({ call }) => call).sort(),
    [...open.keys()].sort(),
    "only members of the group have waiting calls",
  );
  assertEquals(group.joinedCount, waiting.filter(({ kind }) => kind === "join").length);
  const counts = new Map<string, number>();
  for (const { name } of members.flatMap(({ protocols }) => protocols)) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assertEquals(new Map([...group.protocolCounts].sort()), new Map([...counts].sort()));
  assertEquals(
    [...group.staticMembers].sort(),
    members.filter(({ groupInstanceId }) => groupInstanceId !== null)
      .map(({ groupInstanceId, memberId }) => [groupInstanceId!, memberId] as [string, string])
      .sort(),
  );
  if (group.leaderId !== null) assert(group.members.has(group.leaderId), "the leader is a member");
  for (const memberId of unsynced(group) ?? []) assert(group.members.has(memberId));
  const { phase } = group;
  switch (phase.name) {
    case "Empty":
      assertEquals(members.length, 0);
      break;
    case "PreparingRebalance":
      assert(timers.has("join"), "a rebalance has a timeout");
      if (phase.initial === null) assert(!hasAllJoined(group), "it completes when all have joined");
      assertEquals(waiting.filter(({ kind }) => kind === "sync").length, 0);
      break;
    case "CompletingRebalance":
    case "Stable":
      assert(members.length > 0);
      assert(group.protocolName !== null && group.leaderId !== null);
      assertEquals(timers.has("sync"), phase.unsynced.size > 0);
      assertEquals(waiting.filter(({ kind }) => kind === "join").length, 0);
      if (phase.name === "Stable") assertEquals(waiting.length, 0);
      break;
    case "Dead":
      return;
  }
  for (const { memberId, isNew, waiting } of members) {
    if (waiting === null || isNew) {
      assert(timers.has(`session ${memberId}`), "every member has a session timer");
    }
  }
  for (const memberId of group.pendingMembers) assert(timers.has(`session ${memberId}`));
}

test("stepClassicGroup() keeps its invariants under random events", () => {
  const answered = new Map<number, number>();
  for (let seed = 1; seed <= 150; seed++) {
    for (const [code, times] of run(seed, 150)) {
      answered.set(code, (answered.get(code) ?? 0) + times);
    }
  }
  for (
    const code of [
      ErrorCode.NONE,
      ErrorCode.MEMBER_ID_REQUIRED,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.ILLEGAL_GENERATION,
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      ErrorCode.REBALANCE_IN_PROGRESS,
      ErrorCode.FENCED_INSTANCE_ID,
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ]
  ) assert((answered.get(code) ?? 0) > 0, `the random events cover error ${code}`);
});
