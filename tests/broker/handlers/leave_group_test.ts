import { assertEquals } from "@std/assert";
import { leaveGroupHandler } from "../../../src/broker/handlers/leave_group.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { leaveGroup } from "../../../src/protocol/messages/leave_group.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

test("LeaveGroup removes a member once, in all versions", async () => {
  for (const version of versionsOf(leaveGroup)) {
    const node = new GroupNode();
    const { memberId } = await node.joinAlone();
    const leave = () =>
      node.ask(leaveGroup, leaveGroupHandler, version, {
        groupId: "g",
        memberId,
        members: [{ memberId, reason: "done" }],
      });
    const left = await leave();
    assertEquals(left.errorCode, ErrorCode.NONE);
    assertEquals((await node.groups.describe("g"))?.state, "Empty");
    const again = await leave();
    if (version < 3) {
      assertEquals(again.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    } else {
      assertEquals(left.members, [{ memberId, groupInstanceId: null, errorCode: 0 }]);
      assertEquals(again.errorCode, ErrorCode.NONE);
      assertEquals(again.members[0]?.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    }
  }
});

test("LeaveGroup 3 removes several members, also by their instance ids", async () => {
  const node = new GroupNode();
  const { memberId } = await node.joinAlone({ groupInstanceId: "one" });
  const { members } = await node.ask(leaveGroup, leaveGroupHandler, 3, {
    groupId: "g",
    members: [
      { memberId: "nobody" },
      { memberId, groupInstanceId: "two" },
      { memberId: "other", groupInstanceId: "one" },
      { memberId: "", groupInstanceId: "one" },
      { memberId: "", groupInstanceId: "one" },
    ],
  });
  assertEquals(members.map(({ errorCode }) => errorCode), [
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_MEMBER_ID,
  ]);
});

test("LeaveGroup returns errors in all versions", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(leaveGroup)) {
    const request = { groupId: "", memberId: "m", members: [{ memberId: "m" }] };
    const refused = await node.ask(leaveGroup, leaveGroupHandler, version, request);
    assertEquals(refused.errorCode, ErrorCode.INVALID_GROUP_ID);
    const failed = await node.askToFail(leaveGroup, leaveGroupHandler, version, request);
    assertEquals(failed.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR);
    const unknown = await node.ask(leaveGroup, leaveGroupHandler, version, {
      ...request,
      groupId: "none",
    });
    assertEquals(
      version < 3 ? unknown.errorCode : unknown.members[0]?.errorCode,
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
  }
});
