import { assertEquals } from "@std/assert";
import { deleteGroupsHandler } from "../../../src/broker/handlers/delete_groups.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { deleteGroups } from "../../../src/protocol/messages/delete_groups.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

test("DeleteGroups deletes empty groups, each once, in all versions", async () => {
  for (const version of versionsOf(deleteGroups)) {
    const node = new GroupNode();
    const { memberId } = await node.joinAlone();
    const ask = async (groupsNames: string[]) =>
      (await node.ask(deleteGroups, deleteGroupsHandler, version, { groupsNames })).results;
    const [nonEmpty, notFound] = version < 3 ? [null, null] as const : [
      'Cannot delete group "g": it has members, stop them first',
      'Cannot delete group "none": there is no such group',
    ] as const;
    assertEquals(await ask(["g", "none"]), [
      { groupId: "g", errorCode: ErrorCode.NON_EMPTY_GROUP, errorMessage: nonEmpty },
      { groupId: "none", errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: notFound },
    ]);
    await node.groups.leave("g", [{ memberId, groupInstanceId: null, reason: null }]);
    assertEquals(await ask(["g", "g"]), [{
      groupId: "g",
      errorCode: ErrorCode.NONE,
      errorMessage: null,
    }]);
    assertEquals(await node.groups.describe("g"), null);
  }
});

test("DeleteGroups returns a failure of the whole request for every group, in all versions", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(deleteGroups)) {
    const request = { groupsNames: ["g", "h"] };
    const { results } = await node.askToFail(deleteGroups, deleteGroupsHandler, version, request);
    assertEquals(results.map(({ groupId, errorCode }) => [groupId, errorCode]), [
      ["g", ErrorCode.UNKNOWN_SERVER_ERROR],
      ["h", ErrorCode.UNKNOWN_SERVER_ERROR],
    ]);
  }
});
