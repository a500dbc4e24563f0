import { assert, assertEquals } from "@std/assert";
import { findCoordinatorHandler } from "../../../src/broker/handlers/find_coordinator.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { findCoordinator } from "../../../src/protocol/messages/find_coordinator.ts";
import { test } from "../../harness.ts";
import { GroupNode, versionsOf } from "./group_requests.ts";

const HERE = { nodeId: 7, host: "broker.example", port: 9092, errorCode: 0 };

test("FindCoordinator returns this node for every group in all versions", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(findCoordinator)) {
    const answer = await node.ask(findCoordinator, findCoordinatorHandler, version, {
      key: "g",
      coordinatorKeys: ["g", "h"],
    });
    if (version < 4) {
      const { nodeId, host, port, errorCode } = answer;
      assertEquals({ nodeId, host, port, errorCode }, HERE);
    } else {
      assertEquals(
        answer.coordinators.map(({ key, nodeId, host, port, errorCode }) => [
          key,
          { nodeId, host, port, errorCode },
        ]),
        [["g", HERE], ["h", HERE]],
      );
    }
  }
});

test("FindCoordinator rejects transactions and share groups", async () => {
  const node = new GroupNode();
  const ask = (version: number, keyType: number) =>
    node.ask(findCoordinator, findCoordinatorHandler, version, {
      key: "id",
      keyType,
      coordinatorKeys: ["id"],
    });
  const old = await ask(2, 1);
  assertEquals([old.errorCode, old.nodeId, old.host, old.port], [
    ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    -1,
    "",
    -1,
  ]);
  assert(old.errorMessage?.includes("does not support transactions"));
  const [transaction] = (await ask(5, 1)).coordinators;
  assertEquals(transaction?.errorCode, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  assertEquals(transaction?.errorMessage, old.errorMessage);
  const [share] = (await ask(6, 2)).coordinators;
  assertEquals(share?.errorCode, ErrorCode.INVALID_REQUEST);
});

test("FindCoordinator rejects key types that the version does not have", async () => {
  const node = new GroupNode();
  for (const [version, keyType] of [[5, 2], [6, 3], [6, -1]] as const) {
    const { coordinators } = await node.ask(findCoordinator, findCoordinatorHandler, version, {
      keyType,
      coordinatorKeys: ["id"],
    });
    assertEquals(coordinators[0]?.errorCode, ErrorCode.INVALID_REQUEST);
  }
  const { errorCode } = await node.ask(findCoordinator, findCoordinatorHandler, 1, {
    key: "id",
    keyType: 9,
  });
  assertEquals(errorCode, ErrorCode.INVALID_REQUEST);
});
