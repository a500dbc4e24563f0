import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { ReadonlyCommittedOffsets } from "../../src/groups/committed_offsets.ts";
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

/** The offsets that a group has committed, null for a missing group. */
function committed(
  groups: GroupCoordinator,
  groupId: string,
): Promise<ReadonlyCommittedOffsets | null> {
  return groups.committedOffsets(groupId, (offsets) => offsets);
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
  assertEquals(await groups.heartbeat("g", member), ErrorCode.NONE);
  assertEquals((await groups.leave("g", [{ ...member, reason: null }])).members[0]?.errorCode, 0);
  assertEquals(await groups.heartbeat("g", member), ErrorCode.UNKNOWN_MEMBER_ID);
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
  assertEquals(await groups.describe("new"), null);
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
  assertEquals(await groups.heartbeat("g", member), ErrorCode.NONE);
  clock.advance(9999);
  assertEquals((await groups.describe("g"))?.state, "Stable");
  clock.advance(1);
  assertEquals((await groups.describe("g"))?.state, "Empty");
  assertEquals(clock.pending, 0);
});

test("GroupCoordinator answers UNKNOWN_MEMBER_ID for a missing group", async () => {
  const { groups } = start();
  const member = { memberId: "m", generationId: 1, groupInstanceId: null };
  assertEquals(await groups.heartbeat("none", member), ErrorCode.UNKNOWN_MEMBER_ID);
  const synced = await groups.sync({
    ...member,
    groupId: "none",
    protocolType: null,
    protocolName: null,
    assignments: [],
  });
  assertEquals(synced.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  const left = await groups.leave("none", [{ ...member, reason: null }]);
  assertEquals([left.errorCode, left.members[0]?.errorCode], [0, ErrorCode.UNKNOWN_MEMBER_ID]);
  assertEquals(await groups.heartbeat("", member), ErrorCode.INVALID_GROUP_ID);
  assertEquals((await groups.leave("", [])).errorCode, ErrorCode.INVALID_GROUP_ID);
});

test("GroupCoordinator.commitOffsets() stores offsets of non-members and creates the group", async () => {
  const { clock, groups } = start();
  assertEquals(await committed(groups, "g"), null);
  const codes = await groups.commitOffsets(commitCall([
    offset("a", 0, 5),
    { ...offset("a", 1, 6), metadata: "x".repeat(17) },
    { ...offset("b", 0, 7), metadata: "note", leaderEpoch: 3 },
  ]));
  assertEquals(codes, [ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE, ErrorCode.NONE]);
  const offsets = (await committed(groups, "g"))!;
  assertEquals(offsets.get("a", 0)?.offset, 5);
  assertEquals(offsets.get("a", 1), undefined);
  assertEquals(offsets.get("b", 0), {
    offset: 7,
    leaderEpoch: 3,
    metadata: "note",
    commitTimestampMs: clock.now(),
  });
  assertEquals((await groups.describe("g"))?.state, "Empty");
});

test("GroupCoordinator.commitOffsets() creates no group if nothing is stored", async () => {
  const { groups } = start();
  const tooLong = { ...offset("a", 0, 5), metadata: "x".repeat(17) };
  assertEquals(await groups.commitOffsets(commitCall([tooLong])), [
    ErrorCode.OFFSET_METADATA_TOO_LARGE,
  ]);
  assertEquals(await groups.describe("g"), null);
});

test("GroupCoordinator.commitOffsets() rejects a generation of a missing group", async () => {
  const { groups } = start();
  const call = { ...commitCall([offset("a", 0, 5), offset("a", 1, 5)]), generationId: 1 };
  assertEquals(await groups.commitOffsets(call), [
    ErrorCode.GROUP_ID_NOT_FOUND,
    ErrorCode.GROUP_ID_NOT_FOUND,
  ]);
  const older = { ...call, unknownGroupError: ErrorCode.ILLEGAL_GENERATION };
  assertEquals((await groups.commitOffsets(older))[0], ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await groups.describe("g"), null);
});

test("GroupCoordinator.commitOffsets() accepts a member's commit and extends its session", async () => {
  const { clock, groups, member } = await stable();
  clock.advance(9000);
  const call = { ...commitCall([offset("read", 0, 5)]), ...member };
  assertEquals(await groups.commitOffsets(call), [ErrorCode.NONE]);
  clock.advance(9000);
  assertEquals((await groups.describe("g"))?.state, "Stable");
  const outsider = commitCall([offset("read", 0, 6)]);
  assertEquals(await groups.commitOffsets(outsider), [ErrorCode.UNKNOWN_MEMBER_ID]);
  assertEquals((await committed(groups, "g"))?.get("read", 0)?.offset, 5);
  groups.shutdown();
});

test("GroupCoordinator.onTopicsDeleted() deletes the topics' offsets in every group", async () => {
  const { groups } = start();
  for (const groupId of ["g", "h"]) {
    await groups.commitOffsets(commitCall([offset("gone", 0, 5), offset("kept", 0, 6)], groupId));
  }
  groups.onTopicsDeleted(["gone", "never committed"]);
  for (const groupId of ["g", "h"]) {
    assertEquals([...(await committed(groups, groupId))!.topics()].map(([name]) => name), ["kept"]);
  }
});

test("GroupCoordinator.deleteOffsets() keeps offsets of subscribed topics", async () => {
  const { groups, member } = await stable();
  await groups.commitOffsets({
    ...commitCall([offset("read", 0, 5), offset("other", 0, 6)]),
    ...member,
  });
  const deletion = await groups.deleteOffsets("g", [
    { topic: "read", partitions: [0] },
    { topic: "other", partitions: [0, 9] },
  ]);
  assertEquals(deletion.topics.map(({ errorCode }) => errorCode), [
    ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
    ErrorCode.NONE,
  ]);
  assertEquals([...(await committed(groups, "g"))!.topics()].map(([name]) => name), ["read"]);
  await groups.leave("g", [{ ...member, reason: null }]);
  await groups.deleteOffsets("g", [{ topic: "read", partitions: [0] }]);
  assertEquals((await committed(groups, "g"))?.isEmpty, true);
});

test("GroupCoordinator.deleteOffsets() rejects missing groups and unknown protocol types", async () => {
  const { clock, groups } = start();
  assertEquals((await groups.deleteOffsets("none", [])).errorCode, ErrorCode.GROUP_ID_NOT_FOUND);
  assertEquals((await groups.deleteOffsets("", [])).errorCode, ErrorCode.INVALID_GROUP_ID);
  const joining = groups.join(joinCall({ protocolType: "connect" }));
  clock.advance(0);
  await joining;
  assertEquals((await groups.deleteOffsets("g", [])).errorCode, ErrorCode.NON_EMPTY_GROUP);
  groups.shutdown();
});

test("GroupCoordinator.deleteOffsets() treats a group with unknown subscriptions as subscribed", async () => {
  const { clock, groups } = start();
  const metadata = new Uint8Array([1]);
  const joining = groups.join(joinCall({ protocols: [{ name: "odd", metadata }] }));
  clock.advance(0);
  await joining;
  const { topics } = await groups.deleteOffsets("g", [{ topic: "t", partitions: [0] }]);
  assertEquals(topics[0]?.errorCode, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC);
  groups.shutdown();
});

test("GroupCoordinator.deleteGroup() deletes a group without members, with its offsets", async () => {
  const { groups, member } = await stable();
  await groups.commitOffsets({ ...commitCall([offset("read", 0, 5)]), ...member });
  assertEquals(await groups.deleteGroup("g"), ErrorCode.NON_EMPTY_GROUP);
  await groups.leave("g", [{ ...member, reason: null }]);
  assertEquals(await groups.deleteGroup("g"), ErrorCode.NONE);
  assertEquals(await groups.deleteGroup("g"), ErrorCode.GROUP_ID_NOT_FOUND);
  assertEquals(await committed(groups, "g"), null);
});

test("GroupCoordinator.deleteGroup() cancels the session of a pending member", async () => {
  const { clock, groups } = start();
  const { memberId } = await groups.join(joinCall({ requiresKnownMemberId: true }));
  assertEquals(clock.pending, 1);
  assertEquals(await groups.deleteGroup("g"), ErrorCode.NONE);
  assertEquals(clock.pending, 0);
  const { errorCode } = await groups.join(joinCall({ memberId }));
  assertEquals(errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
});

test("GroupCoordinator.describe() returns metadata if stable, and assignments", async () => {
  const { groups, member } = await stable();
  const { members, ...group } = (await groups.describe("g"))!;
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
  const rebalancing = (await groups.describe("g"))!;
  assertEquals([rebalancing.state, rebalancing.protocolName], ["PreparingRebalance", ""]);
  assertEquals(rebalancing.members[0]?.metadata.length, 0);
  groups.shutdown();
});

test("GroupCoordinator.list() filters by state and type, case-insensitively", async () => {
  const { groups } = await stable();
  await groups.commitOffsets(commitCall([offset("a", 0, 1)], "simple"));
  const ids = async (states: string[], types: string[]) =>
    (await groups.list({ states, types })).map(({ groupId }) => groupId);
  assertEquals(await ids([], []), ["g", "simple"]);
  assertEquals(await ids(["EMPTY", "dead"], []), ["simple"]);
  assertEquals(await ids([" stable"], ["Classic"]), ["g"]);
  assertEquals(await ids([], ["consumer"]), []);
  assertEquals(await groups.list({ states: ["empty"], types: [] }), [
    { groupId: "simple", protocolType: "", state: "Empty", type: "classic" },
  ]);
  groups.shutdown();
});

test("GroupCoordinator evicts unused groups", async () => {
  const { clock, groups } = start();
  await groups.join(joinCall({ groupId: "unused", requiresKnownMemberId: true }));
  await groups.commitOffsets(commitCall([offset("a", 0, 1)], "used"));
  clock.advance(EMPTY_GROUP_RETENTION_MS);
  await groups.commitOffsets(commitCall([offset("a", 0, 1)], "new"));
  const left = (await groups.list({ states: [], types: [] })).map(({ groupId }) => groupId);
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
  assertEquals(await groups.heartbeat("g", member), gone);
  assertEquals((await groups.leave("g", [])).errorCode, gone);
  assertEquals(await groups.commitOffsets(commitCall([offset("a", 0, 1)])), [gone]);
  assertEquals(await groups.deleteGroup("g"), gone);
  assertEquals((await groups.deleteOffsets("g", [])).errorCode, gone);
  const codeOf = async (call: () => Promise<unknown>) =>
    (await assertRejects(call, KafkaError)).code;
  assertEquals(await codeOf(() => groups.describe("g")), gone);
  assertEquals(await codeOf(() => groups.list({ states: [], types: [] })), gone);
  // An empty answer would make consumers start from the beginning.
  assertEquals(await codeOf(() => committed(groups, "g")), ErrorCode.NOT_COORDINATOR);
  groups.shutdown();
  assertEquals(clock.pending, 0);
});

test("GroupCoordinator keeps no answered calls", async () => {
  const { clock, groups, member } = await stable();
  assertEquals(await groups.heartbeat("g", member), ErrorCode.NONE);
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
  const assignments = async () =>
    (await groups.describe("g"))!.members.map(({ assignment }) => [...assignment]);
  const second = groups.join(joinCall());
  // A rebalance in progress may still end with the previous assignment.
  assertEquals([(await groups.describe("g"))!.state, await assignments()], ["PreparingRebalance", [[
    7,
  ], []]]);
  const { memberId } = member;
  await groups.join(joinCall({ memberId }));
  await second;
  assertEquals([(await groups.describe("g"))!.state, await assignments()], ["CompletingRebalance", [
    [7],
    [],
  ]]);
  const third = groups.join(joinCall());
  assertEquals([(await groups.describe("g"))!.state, await assignments()], ["PreparingRebalance", [
    [],
    [],
    [],
  ]]);
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
  assertEquals(await groups.describe("first"), null);
  groups.shutdown();
});

test("GroupCoordinator calls take effect in the order in which they are made", async () => {
  const { groups } = start();
  const committing = groups.commitOffsets(commitCall([offset("events", 0, 5)]));
  const reading = groups.committedOffsets("g", (offsets) => offsets?.get("events", 0)?.offset);
  const deleting = groups.deleteGroup("g");
  const readingAgain = groups.committedOffsets("g", (offsets) => offsets);
  assertEquals(await Promise.all([committing, reading, deleting, readingAgain]), [
    [ErrorCode.NONE],
    5,
    ErrorCode.NONE,
    null,
  ]);
});
