import { assertEquals } from "@std/assert";
import { listGroupsHandler } from "../../../src/broker/handlers/list_groups.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { listGroups } from "../../../src/protocol/messages/list_groups.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

test("ListGroups returns all groups in all versions", async () => {
  const node = new GroupNode();
  await node.joinAlone();
  for (const version of versionsOf(listGroups)) {
    const answer = await node.ask(listGroups, listGroupsHandler, version, {});
    assertEquals(answer.errorCode, ErrorCode.NONE);
    assertEquals(answer.groups, [{
      groupId: "g",
      protocolType: "consumer",
      groupState: version >= 4 ? "Stable" : "",
      groupType: version >= 5 ? "classic" : "",
    }]);
  }
  node.groups.shutdown();
});

test("ListGroups filters by state from version 4 and by type from version 5", async () => {
  const node = new GroupNode();
  await node.joinAlone();
  const count = async (version: number, filter: { [key: string]: string[] }) =>
    (await node.ask(listGroups, listGroupsHandler, version, filter)).groups.length;
  assertEquals(await count(4, { statesFilter: ["Empty"] }), 0);
  assertEquals(await count(4, { statesFilter: ["Empty", "stable"] }), 1);
  assertEquals(await count(5, { typesFilter: ["consumer"] }), 0);
  assertEquals(await count(5, { typesFilter: ["Classic"], statesFilter: ["Stable"] }), 1);
  node.groups.shutdown();
});

test("ListGroups returns COORDINATOR_NOT_AVAILABLE during shutdown, in all versions", async () => {
  const node = new GroupNode();
  node.groups.shutdown();
  for (const version of versionsOf(listGroups)) {
    const answer = await node.ask(listGroups, listGroupsHandler, version, {});
    assertEquals([answer.errorCode, answer.groups.length], [
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
      0,
    ]);
  }
});
