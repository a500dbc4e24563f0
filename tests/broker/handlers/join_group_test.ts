import { assertEquals } from "@std/assert";
import { joinGroupHandler } from "../../../src/broker/handlers/join_group.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { joinGroup } from "../../../src/protocol/messages/join_group.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

const REQUEST = {
  groupId: "g",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 20_000,
  memberId: "",
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: new Uint8Array([1, 2]) }],
};

test("JoinGroup adds a new member in all versions", async () => {
  for (const version of versionsOf(joinGroup)) {
    const node = new GroupNode();
    const ask = (memberId: string) =>
      node.ask(joinGroup, joinGroupHandler, version, { ...REQUEST, memberId });
    let joining = ask("");
    if (version >= 4) {
      const first = await joining;
      assertEquals(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED);
      assertEquals(first.protocolName, version >= 7 ? null : "");
      joining = ask(first.memberId);
    }
    node.clock.advance(0);
    const { memberId, leader, members, ...answer } = await joining;
    assertEquals([leader, members.length, members[0]?.memberId], [memberId, 1, memberId]);
    assertEquals(members[0]?.metadata, new Uint8Array([1, 2]));
    assertEquals(answer, {
      throttleTimeMs: 0,
      errorCode: 0,
      generationId: 1,
      protocolType: version >= 7 ? "consumer" : null,
      protocolName: "range",
      skipAssignment: false,
    });
    const described = (await node.groups.describe("g"))!.members[0]!;
    assertEquals([described.clientId, described.clientHost], ["client", "/10.0.0.9"]);
    node.groups.shutdown();
  }
});

test("JoinGroup 0 uses the session timeout as the rebalance timeout", async () => {
  const node = new GroupNode();
  const joining = node.ask(joinGroup, joinGroupHandler, 0, REQUEST);
  node.clock.advance(0);
  const { memberId } = await joining;
  // It never syncs, and its heartbeats extend its session until the time to sync ends after 10 s.
  node.clock.advance(5000);
  const member = { memberId, generationId: 1, groupInstanceId: null };
  assertEquals(await node.groups.heartbeat("g", member), ErrorCode.NONE);
  node.clock.advance(4999);
  assertEquals(await node.groups.heartbeat("g", member), ErrorCode.NONE);
  node.clock.advance(1);
  assertEquals(await node.groups.heartbeat("g", member), ErrorCode.UNKNOWN_MEMBER_ID);
  node.groups.shutdown();
});

test("JoinGroup 9 lets a returning static leader skip the assignment", async () => {
  for (const version of [5, 8, 9]) {
    const node = new GroupNode();
    const former = await node.joinAlone({ groupInstanceId: "one" });
    const answer = await node.ask(joinGroup, joinGroupHandler, version, {
      ...REQUEST,
      groupInstanceId: "one",
      protocols: [{ name: "range", metadata: new Uint8Array(0) }],
    });
    assertEquals([answer.errorCode, answer.generationId], [0, 1]);
    assertEquals(answer.skipAssignment, version >= 9);
    assertEquals(answer.leader, version >= 9 ? answer.memberId : former.memberId);
    assertEquals(answer.members.length, version >= 9 ? 1 : 0);
    node.groups.shutdown();
  }
});

test("JoinGroup returns errors in all versions", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(joinGroup)) {
    const codeOf = async (change: Partial<typeof REQUEST>) =>
      (await node.ask(joinGroup, joinGroupHandler, version, { ...REQUEST, ...change })).errorCode;
    assertEquals(await codeOf({ groupId: "" }), ErrorCode.INVALID_GROUP_ID);
    assertEquals(await codeOf({ sessionTimeoutMs: 1 }), ErrorCode.INVALID_SESSION_TIMEOUT);
    assertEquals(await codeOf({ memberId: "nobody" }), ErrorCode.UNKNOWN_MEMBER_ID);
    assertEquals(await codeOf({ protocols: [] }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const failed = await node.askToFail(joinGroup, joinGroupHandler, version, REQUEST);
    assertEquals([failed.errorCode, failed.generationId], [ErrorCode.UNKNOWN_SERVER_ERROR, -1]);
    // A rejected request may have created the group, which must not affect the next version.
    await node.groups.deleteGroup("g");
  }
});
