import { assertEquals } from "@std/assert";
import { describeGroupsHandler } from "../../../src/broker/handlers/describe_groups.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { describeGroups } from "../../../src/protocol/messages/describe_groups.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

const NOT_ASKED = -2147483648;
/** Read, delete, describe, describe and alter configs, as in Apache Kafka. */
const ALL_OPERATIONS = 3400;

test("DescribeGroups returns a stable group with its member in all versions", async () => {
  const node = new GroupNode();
  const { memberId } = await node.joinAlone({
    groupInstanceId: "one",
    metadata: new Uint8Array([9]),
  });
  for (const version of versionsOf(describeGroups)) {
    const { groups } = await node.ask(describeGroups, describeGroupsHandler, version, {
      groups: ["g"],
      includeAuthorizedOperations: version === 5,
    });
    assertEquals(groups, [{
      errorCode: 0,
      errorMessage: null,
      groupId: "g",
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
      members: [{
        memberId,
        groupInstanceId: version >= 4 ? "one" : null,
        clientId: "client",
        clientHost: "/10.0.0.9",
        memberMetadata: new Uint8Array([9]),
        memberAssignment: new Uint8Array([1, 2, 3]),
      }],
      authorizedOperations: version === 5 ? ALL_OPERATIONS : NOT_ASKED,
    }]);
  }
  node.groups.shutdown();
});

test("DescribeGroups returns a missing group as Dead, from version 6 with GROUP_ID_NOT_FOUND", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(describeGroups)) {
    const { groups: [group] } = await node.ask(describeGroups, describeGroupsHandler, version, {
      groups: ["none"],
    });
    assertEquals([group?.groupState, group?.members.length], ["Dead", 0]);
    assertEquals([group?.errorCode, group?.errorMessage], [
      version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
      version >= 6 ? "Group none not found." : null,
    ]);
  }
});

test("DescribeGroups returns COORDINATOR_NOT_AVAILABLE for every group during shutdown, in all versions", async () => {
  const node = new GroupNode();
  node.groups.shutdown();
  for (const version of versionsOf(describeGroups)) {
    const { groups } = await node.ask(describeGroups, describeGroupsHandler, version, {
      groups: ["g", "h"],
    });
    assertEquals(groups.map(({ groupId, errorCode }) => [groupId, errorCode]), [
      ["g", ErrorCode.COORDINATOR_NOT_AVAILABLE],
      ["h", ErrorCode.COORDINATOR_NOT_AVAILABLE],
    ]);
  }
});
