import { assertEquals } from "@std/assert";
import { syncGroupHandler } from "../../../src/broker/handlers/sync_group.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { syncGroup } from "../../../src/protocol/messages/sync_group.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

test("SyncGroup returns the assignment of a member in all versions", async () => {
  for (const version of versionsOf(syncGroup)) {
    const node = new GroupNode();
    const { memberId, generationId } = await node.joinAlone();
    const request = { groupId: "g", generationId, memberId, assignments: [] };
    const answer = await node.ask(syncGroup, syncGroupHandler, version, {
      ...request,
      protocolType: "consumer",
      protocolName: "range",
    });
    assertEquals(answer, {
      throttleTimeMs: 0,
      errorCode: 0,
      protocolType: version >= 5 ? "consumer" : null,
      protocolName: version >= 5 ? "range" : null,
      assignment: new Uint8Array([1, 2, 3]),
    });
    const fenced = await node.ask(syncGroup, syncGroupHandler, version, {
      ...request,
      memberId: "other",
      groupInstanceId: "alone",
      protocolType: "consumer",
      protocolName: "range",
    });
    assertEquals(
      fenced.errorCode,
      version >= 3 ? ErrorCode.FENCED_INSTANCE_ID : ErrorCode.UNKNOWN_MEMBER_ID,
    );
    node.groups.shutdown();
  }
});

test("SyncGroup 5 rejects a missing or wrong protocol type or name", async () => {
  const node = new GroupNode();
  const { memberId, generationId } = await node.joinAlone();
  const codeOf = async (protocolType: string | null, protocolName: string | null) =>
    (await node.ask(syncGroup, syncGroupHandler, 5, {
      groupId: "g",
      generationId,
      memberId,
      protocolType,
      protocolName,
      assignments: [],
    })).errorCode;
  for (
    const pair of [[null, "range"], ["consumer", null], ["connect", "range"], ["consumer", "x"]]
  ) {
    assertEquals(await codeOf(pair[0]!, pair[1]!), ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  assertEquals(await codeOf("consumer", "range"), ErrorCode.NONE);
  node.groups.shutdown();
});

test("SyncGroup returns errors in all versions", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(syncGroup)) {
    const request = { groupId: "", generationId: 1, memberId: "m", assignments: [] };
    const protocol = { protocolType: "consumer", protocolName: "range" };
    const refused = await node.ask(syncGroup, syncGroupHandler, version, {
      ...request,
      ...protocol,
    });
    assertEquals([refused.errorCode, refused.assignment.length], [ErrorCode.INVALID_GROUP_ID, 0]);
    const failed = await node.askToFail(syncGroup, syncGroupHandler, version, request);
    assertEquals(failed.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR);
  }
});
