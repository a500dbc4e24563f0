import { assertEquals } from "@std/assert";
import { heartbeatHandler } from "../../../src/broker/handlers/heartbeat.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { heartbeat } from "../../../src/protocol/messages/heartbeat.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

test("Heartbeat accepts members and returns an error to others, in all versions", async () => {
  const node = new GroupNode();
  const { memberId, generationId } = await node.joinAlone({ groupInstanceId: "one" });
  for (const version of versionsOf(heartbeat)) {
    const codeOf = async (change: { [key: string]: string | number }) =>
      (await node.ask(heartbeat, heartbeatHandler, version, {
        groupId: "g",
        generationId,
        memberId,
        ...change,
      })).errorCode;
    assertEquals(await codeOf({}), ErrorCode.NONE);
    assertEquals(await codeOf({ groupId: "" }), ErrorCode.INVALID_GROUP_ID);
    assertEquals(await codeOf({ groupId: "other" }), ErrorCode.UNKNOWN_MEMBER_ID);
    assertEquals(await codeOf({ memberId: "other" }), ErrorCode.UNKNOWN_MEMBER_ID);
    assertEquals(await codeOf({ generationId: 9 }), ErrorCode.ILLEGAL_GENERATION);
    if (version >= 3) {
      assertEquals(
        await codeOf({ memberId: "other", groupInstanceId: "one" }),
        ErrorCode.FENCED_INSTANCE_ID,
      );
    }
    const request = { groupId: "g", generationId, memberId };
    const failed = await node.askToFail(heartbeat, heartbeatHandler, version, request);
    assertEquals(failed.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR);
  }
  node.groups.shutdown();
});
