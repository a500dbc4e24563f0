import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  EMPTY_GROUP_RETENTION_MS,
  GroupCoordinator,
  type GroupCoordinatorConfig,
  type JoinGroupCall,
  type OffsetToCommit,
} from "../../src/groups/group_coordinator.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { consumerProtocolSubscription } from "../../src/protocol/messages/consumer_protocol.ts";
import { test } from "../harness.ts";
import { TestClock, TestRandom } from "./test_clock.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function start(clock = new TestClock()) {
  const notes: string[] = [];
  const config: Writable<GroupCoordinatorConfig> = {
    groupInitialRebalanceDelayMs: 0,
    groupMinSessionTimeoutMs: 6000,
    groupMaxSessionTimeoutMs: 60_000,
    groupMaxSize: 10,
    offsetMetadataMaxBytes: 16,
  };
  const groups = new GroupCoordinator({
    clock,
    random: new TestRandom(),
    config,
    note: (text) => notes.push(text),
  });
  return { clock, config, groups, notes };
}

function joinCall(overrides: Partial<JoinGroupCall> = {}): JoinGroupCall {
  return {
    groupId: "g",
    memberId: "",
    groupInstanceId: null,
    clientId: "client",
    clientHost: "/127.0.0.1",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: "consumer",
    protocols: [{
      name: "range",
      metadata: consumerProtocolSubscription.encode({ topics: ["read"] }),
    }],
    reason: null,
    requiresKnownMemberId: false,
    supportsSkippingAssignment: true,
    ...overrides,
  };
}

function offset(topic: string, partition: number, value: number): OffsetToCommit {
  return { topic, partition, offset: value, leaderEpoch: -1, metadata: null };
}

function commitCall(offsets: readonly OffsetToCommit[], groupId = "g") {
  return {
    groupId,
    memberId: "",
    groupInstanceId: null,
    generationId: -1,
    unknownGroupError: ErrorCode.GROUP_ID_NOT_FOUND,
    offsets,
  };
}

/** Starts a coordinator with a stable group "g" of one member. */
async function stable() {
  const started = start();
  const joining = started.groups.join(joinCall());
  started.clock.advance(0);
  const { memberId, generationId } = await joining;
  const member = { memberId, generationId, groupInstanceId: null };
  const assignment = new Uint8Array([7]);
  await started.groups.sync({
    ...member,
    groupId: "g",
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId, assignment }],
  });
  return { ...started, member };
}

test("GroupCoordinator lets members join, sync, send heartbeats and leave", async () => {
  const { clock, groups } = start();
  const first = groups.join(joinCall());
  const second = groups.join(joinCall());
  clock.advance(0);
  const [leader, follower] = await Promise.all([first, second]);
  assertEquals(leader.leader, leader.memberId);
  assertEquals(follower.leader, leader.memberId);
  assertEquals(leader.members.map(({ memberId }) => memberId), [
    leader.memberId,
    follower.memberId,
  ]);
  assertEquals(follower.members, []);
  const syncCall = {
    groupId: "g",
    generationId: 1,
    groupInstanceId: null,
    protocolType: "consumer",
    protocolName: "range",
    assignments: [],
  };
  const assigned = groups.sync({ ...syncCall, memberId: follower.memberId });
  await groups.sync({
    ...syncCall,
    memberId: leader.memberId,
    assignments: [{ memberId: follower.memberId, assignment: new Uint8Array([1, 2]) }],
  });
  assertEquals((await assigned).assignment, new Uint8Array([1, 2]));
  const member = { memberId: follower.memberId, generationId: 1, groupInstanceId: null };
  assertEquals(groups.heartbeat("g", member), ErrorCode.NONE);
  assertEquals(groups.leave("g", [{ ...member, reason: null }]).members[0]?.errorCode, 0);
  assertEquals(groups.heartbeat("g", member), ErrorCode.UNKNOWN_MEMBER_ID);
  groups.shutdown();
});

test("GroupCoordinator issues unique member ids that begin with the client or instance id", async () => {
  const { groups } = start();
  const ids = new Set<string>();
  for (let count = 0; count < 5; count++) {
    ids.add((await groups.join(joinCall({ requiresKnownMemberId: true }))).memberId);
  }
  assertEquals(ids.size, 5);
  for (const id of ids) {
    assert(/^client-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id), id);
  }
  const nameless = await groups.join(joinCall({ clientId: "", requiresKnownMemberId: true }));
  assert(nameless.memberId.startsWith("member-"));
  groups.shutdown();
});

test("GroupCoordinator.join() rejects an empty group id and session timeouts out of range", async () => {
  const { groups, config } = start();
  const errorOf = async (overrides: Partial<JoinGroupCall>) =>
    (await groups.join(joinCall({ requiresKnownMemberId: true, ...overrides }))).errorCode;
  assertEquals(await errorOf({ groupId: "" }), ErrorCode.INVALID_GROUP_ID);
  assertEquals(await errorOf({ sessionTimeoutMs: 5999 }), ErrorCode.INVALID_SESSION_TIMEOUT);
  assertEquals(await errorOf({ sessionTimeoutMs: 60_001 }), ErrorCode.INVALID_SESSION_TIMEOUT);
  assertEquals(await errorOf({ sessionTimeoutMs: 6000 }), ErrorCode.MEMBER_ID_REQUIRED);
  assertEquals(await errorOf({ memberId: "x", groupId: "new" }), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(groups.describe("new"), null);
  config.groupMaxSessionTimeoutMs = 100_000;
  assertEquals(await errorOf({ sessionTimeoutMs: 60_001 }), ErrorCode.MEMBER_ID_REQUIRED);
  groups.shutdown();
});

test("GroupCoordinator.join() ignores repeated protocols", async () => {
  const { clock, groups } = start();
  const protocol = { name: "range", metadata: new Uint8Array(0) };
  const joining = groups.join(joinCall({ protocols: [protocol, protocol] }));
  clock.advance(0);
  assertEquals((await joining).protocolName, "range");
  const second = groups.join(joinCall());
  const { memberId } = await joining;
  const rejoined = groups.join(joinCall({ memberId }));
  assertEquals((await second).errorCode, ErrorCode.NONE);
  assertEquals((await rejoined).generationId, 2);
  groups.shutdown();
});

test("GroupCoordinator removes a member when its session expires", async () => {
  const { clock, groups, member } = await stable();
  clock.advance(9999);
  assertEquals(groups.heartbeat("g", member), ErrorCode.NONE);
  clock.advance(9999);
  assertEquals(groups.describe("g")?.state, "Stable");
  clock.advance(1);
  assertEquals(groups.describe("g")?.state, "Empty");
  assertEquals(clock.pending, 0);
});

test("GroupCoordinator answers UNKNOWN_MEMBER_ID for a missing group", async () => {
  const { groups } = start();
  const member = { memberId: "m", generationId: 1, groupInstanceId: null };
  assertEquals(groups.heartbeat("none", member), ErrorCode.UNKNOWN_MEMBER_ID);
  const synced = await groups.sync({
    ...member,
    groupId: "none",
    protocolType: null,
    protocolName: null,
    assignments: [],
  });
  assertEquals(synced.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  const left = groups.leave("none", [{ ...member, reason: null }]);
  assertEquals([left.errorCode, left.members[0]?.errorCode], [0, ErrorCode.UNKNOWN_MEMBER_ID]);
  assertEquals(groups.heartbeat("", member), ErrorCode.INVALID_GROUP_ID);
  assertEquals(groups.leave("", []).errorCode, ErrorCode.INVALID_GROUP_ID);
});

test("GroupCoordinator.commitOffsets() stores offsets of non-members and creates the group", () => {
  const { clock, groups } = start();
  assertEquals(groups.committedOffsets("g"), null);
  const codes = groups.commitOffsets(commitCall([
    offset("a", 0, 5),
    { ...offset("a", 1, 6), metadata: "x".repeat(17) },
    { ...offset("b", 0, 7), metadata: "note", leaderEpoch: 3 },
  ]));
  assertEquals(codes, [ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE, ErrorCode.NONE]);
  const offsets = groups.committedOffsets("g")!;
  assertEquals(offsets.get("a", 0)?.offset, 5);
  assertEquals(offsets.get("a", 1), undefined);
  assertEquals(offsets.get("b", 0), {
    offset: 7,
    leaderEpoch: 3,
    metadata: "note",
    commitTimestampMs: clock.now(),
  });
  assertEquals(groups.describe("g")?.state, "Empty");
});

test("GroupCoordinator.commitOffsets() creates no group if nothing is stored", () => {
  const { groups } = start();
  const tooLong = { ...offset("a", 0, 5), metadata: "x".repeat(17) };
  assertEquals(groups.commitOffsets(commitCall([tooLong])), [ErrorCode.OFFSET_METADATA_TOO_LARGE]);
  assertEquals(groups.describe("g"), null);
});

test("GroupCoordinator.commitOffsets() rejects a generation of a missing group", () => {
  const { groups } = start();
  const call = { ...commitCall([offset("a", 0, 5), offset("a", 1, 5)]), generationId: 1 };
  assertEquals(groups.commitOffsets(call), [
    ErrorCode.GROUP_ID_NOT_FOUND,
    ErrorCode.GROUP_ID_NOT_FOUND,
  ]);
  const older = { ...call, unknownGroupError: ErrorCode.ILLEGAL_GENERATION };
  assertEquals(groups.commitOffsets(older)[0], ErrorCode.ILLEGAL_GENERATION);
  assertEquals(groups.describe("g"), null);
});

test("GroupCoordinator.commitOffsets() accepts a member's commit and extends its session", async () => {
  const { clock, groups, member } = await stable();
  clock.advance(9000);
  const call = { ...commitCall([offset("read", 0, 5)]), ...member };
  assertEquals(groups.commitOffsets(call), [ErrorCode.NONE]);
  clock.advance(9000);
  assertEquals(groups.describe("g")?.state, "Stable");
  const outsider = commitCall([offset("read", 0, 6)]);
  assertEquals(groups.commitOffsets(outsider), [ErrorCode.UNKNOWN_MEMBER_ID]);
  assertEquals(groups.committedOffsets("g")?.get("read", 0)?.offset, 5);
  groups.shutdown();
});

test("GroupCoordinator.onTopicsDeleted() deletes the topics' offsets in every group", () => {
  const { groups } = start();
  for (const groupId of ["g", "h"]) {
    groups.commitOffsets(commitCall([offset("gone", 0, 5), offset("kept", 0, 6)], groupId));
  }
  groups.onTopicsDeleted(["gone", "never committed"]);
  for (const groupId of ["g", "h"]) {
    assertEquals([...groups.committedOffsets(groupId)!.topics()].map(([name]) => name), ["kept"]);
  }
});

test("GroupCoordinator.deleteOffsets() keeps offsets of subscribed topics", async () => {
  const { groups, member } = await stable();
  groups.commitOffsets({ ...commitCall([offset("read", 0, 5), offset("other", 0, 6)]), ...member });
  const deletion = groups.deleteOffsets("g", [
    { topic: "read", partitions: [0] },
    { topic: "other", partitions: [0, 9] },
  ]);
  assertEquals(deletion.topics.map(({ errorCode }) => errorCode), [
    ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
    ErrorCode.NONE,
  ]);
  assertEquals([...groups.committedOffsets("g")!.topics()].map(([name]) => name), ["read"]);
  groups.leave("g", [{ ...member, reason: null }]);
  groups.deleteOffsets("g", [{ topic: "read", partitions: [0] }]);
  assertEquals(groups.committedOffsets("g")?.isEmpty, true);
});

test("GroupCoordinator.deleteOffsets() rejects missing groups and unknown protocol types", async () => {
  const { clock, groups } = start();
  assertEquals(groups.deleteOffsets("none", []).errorCode, ErrorCode.GROUP_ID_NOT_FOUND);
  assertEquals(groups.deleteOffsets("", []).errorCode, ErrorCode.INVALID_GROUP_ID);
  const joining = groups.join(joinCall({ protocolType: "connect" }));
  clock.advance(0);
  await joining;
  assertEquals(groups.deleteOffsets("g", []).errorCode, ErrorCode.NON_EMPTY_GROUP);
  groups.shutdown();
});

test("GroupCoordinator.deleteOffsets() treats a group with unknown subscriptions as subscribed", async () => {
  const { clock, groups } = start();
  const metadata = new Uint8Array([1]);
  const joining = groups.join(joinCall({ protocols: [{ name: "odd", metadata }] }));
  clock.advance(0);
  await joining;
  const { topics } = groups.deleteOffsets("g", [{ topic: "t", partitions: [0] }]);
  assertEquals(topics[0]?.errorCode, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC);
  groups.shutdown();
});

test("GroupCoordinator.deleteGroup() deletes a group without members, with its offsets", async () => {
  const { groups, member } = await stable();
  groups.commitOffsets({ ...commitCall([offset("read", 0, 5)]), ...member });
  assertEquals(groups.deleteGroup("g"), ErrorCode.NON_EMPTY_GROUP);
  groups.leave("g", [{ ...member, reason: null }]);
  assertEquals(groups.deleteGroup("g"), ErrorCode.NONE);
  assertEquals(groups.deleteGroup("g"), ErrorCode.GROUP_ID_NOT_FOUND);
  assertEquals(groups.committedOffsets("g"), null);
});

test("GroupCoordinator.deleteGroup() cancels the session of a pending member", async () => {
  const { clock, groups } = start();
  const { memberId } = await groups.join(joinCall({ requiresKnownMemberId: true }));
  assertEquals(clock.pending, 1);
  assertEquals(groups.deleteGroup("g"), ErrorCode.NONE);
  assertEquals(clock.pending, 0);
  const { errorCode } = await groups.join(joinCall({ memberId }));
  assertEquals(errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
});

test("GroupCoordinator.describe() returns metadata if stable, and assignments", async () => {
  const { groups, member } = await stable();
  const { members, ...group } = groups.describe("g")!;
  assertEquals(group, {
    groupId: "g",
    state: "Stable",
    protocolType: "consumer",
    protocolName: "range",
  });
  assertEquals(members.length, 1);
  assertEquals(members[0]?.memberId, member.memberId);
  assertEquals(members[0]?.assignment, new Uint8Array([7]));
  assertNotEquals(members[0]?.metadata.length, 0);
  void groups.join(joinCall());
  const rebalancing = groups.describe("g")!;
  assertEquals([rebalancing.state, rebalancing.protocolName], ["PreparingRebalance", ""]);
  assertEquals(rebalancing.members[0]?.metadata.length, 0);
  groups.shutdown();
});

test("GroupCoordinator.list() filters by state and type, case-insensitively", async () => {
  const { groups } = await stable();
  groups.commitOffsets(commitCall([offset("a", 0, 1)], "simple"));
  const ids = (states: string[], types: string[]) =>
    groups.list({ states, types }).map(({ groupId }) => groupId);
  assertEquals(ids([], []), ["g", "simple"]);
  assertEquals(ids(["EMPTY", "dead"], []), ["simple"]);
  assertEquals(ids([" stable"], ["Classic"]), ["g"]);
  assertEquals(ids([], ["consumer"]), []);
  assertEquals(groups.list({ states: ["empty"], types: [] }), [
    { groupId: "simple", protocolType: "", state: "Empty", type: "classic" },
  ]);
  groups.shutdown();
});

test("GroupCoordinator evicts unused groups", async () => {
  const { clock, groups } = start();
  await groups.join(joinCall({ groupId: "unused", requiresKnownMemberId: true }));
  groups.commitOffsets(commitCall([offset("a", 0, 1)], "used"));
  clock.advance(EMPTY_GROUP_RETENTION_MS);
  groups.commitOffsets(commitCall([offset("a", 0, 1)], "new"));
  const left = groups.list({ states: [], types: [] }).map(({ groupId }) => groupId);
  assertEquals(left, ["used", "new"]);
});

test("GroupCoordinator removes line breaks from client data in log messages", async () => {
  const { clock, groups, notes } = start();
  const joining = groups.join(joinCall({ groupId: "g\nh", reason: "bye\r\nfake line" }));
  clock.advance(0);
  await joining;
  assert(notes.length > 0);
  assertEquals(notes.filter((note) => /[\r\n]/.test(note)), []);
  groups.shutdown();
});

test("GroupCoordinator.shutdown() answers waiting calls and cancels all timers", async () => {
  const { clock, groups, member } = await stable();
  const waiting = groups.join(joinCall());
  assert(clock.pending > 0);
  groups.shutdown();
  assertEquals((await waiting).errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  assertEquals(clock.pending, 0);
  const gone = ErrorCode.COORDINATOR_NOT_AVAILABLE;
  assertEquals((await groups.join(joinCall())).errorCode, gone);
  assertEquals(groups.heartbeat("g", member), gone);
  assertEquals(groups.leave("g", []).errorCode, gone);
  assertEquals(groups.commitOffsets(commitCall([offset("a", 0, 1)])), [gone]);
  assertEquals(groups.deleteGroup("g"), gone);
  assertEquals(groups.deleteOffsets("g", []).errorCode, gone);
  const codeOf = (call: () => unknown) => (assertThrows(call, KafkaError) as KafkaError).code;
  assertEquals(codeOf(() => groups.describe("g")), gone);
  assertEquals(codeOf(() => groups.list({ states: [], types: [] })), gone);
  // An empty answer would make consumers start from the beginning.
  assertEquals(codeOf(() => groups.committedOffsets("g")), ErrorCode.NOT_COORDINATOR);
  groups.shutdown();
  assertEquals(clock.pending, 0);
});

test("GroupCoordinator keeps no answered calls", async () => {
  const { clock, groups, member } = await stable();
  assertEquals(groups.heartbeat("g", member), ErrorCode.NONE);
  assertEquals(groups.waitingCalls, 0);
  const joining = groups.join(joinCall());
  assertEquals(groups.waitingCalls, 1);
  clock.advance(60_000);
  await joining;
  assertEquals(groups.waitingCalls, 0);
  groups.shutdown();
});

test("GroupCoordinator.describe() returns no assignment of an abandoned generation", async () => {
  const { groups, member } = await stable();
  const assignments = () => groups.describe("g")!.members.map(({ assignment }) => [...assignment]);
  const second = groups.join(joinCall());
  // A rebalance in progress may still end with the previous assignment.
  assertEquals([groups.describe("g")!.state, assignments()], ["PreparingRebalance", [[7], []]]);
  const { memberId } = member;
  await groups.join(joinCall({ memberId }));
  await second;
  assertEquals([groups.describe("g")!.state, assignments()], ["CompletingRebalance", [[7], []]]);
  const third = groups.join(joinCall());
  assertEquals([groups.describe("g")!.state, assignments()], ["PreparingRebalance", [[], [], []]]);
  groups.shutdown();
  assertEquals((await third).errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
});

test("GroupCoordinator keeps an old empty group while it has a pending member", async () => {
  const { clock, config, groups } = start();
  config.groupMaxSessionTimeoutMs = 3 * EMPTY_GROUP_RETENTION_MS;
  const newcomer = { requiresKnownMemberId: true, sessionTimeoutMs: 3 * EMPTY_GROUP_RETENTION_MS };
  const { errorCode, memberId } = await groups.join(joinCall(newcomer));
  assertEquals(errorCode, ErrorCode.MEMBER_ID_REQUIRED);
  clock.advance(2 * EMPTY_GROUP_RETENTION_MS);
  // Creating another group evicts the unused ones.
  await groups.join(joinCall({ ...newcomer, groupId: "other" }));
  const joining = groups.join(joinCall({ ...newcomer, memberId }));
  clock.advance(0);
  assertEquals((await joining).errorCode, ErrorCode.NONE);
  groups.shutdown();
});

test("GroupCoordinator evicts unused groups even after the wall clock was set back", async () => {
  const clock = new TestClock();
  let setBackMs = 0;
  const now = clock.now.bind(clock);
  clock.now = () => now() - setBackMs;
  const { groups } = start(clock);
  setBackMs = 100 * EMPTY_GROUP_RETENTION_MS;
  const pass = async (groupId: string) => {
    await groups.join(joinCall({ groupId, requiresKnownMemberId: true }));
    // The pending member does not rejoin.
    clock.advance(EMPTY_GROUP_RETENTION_MS);
  };
  await pass("first");
  await pass("second");
  await pass("third");
  assertEquals(groups.describe("first"), null);
  groups.shutdown();
});
