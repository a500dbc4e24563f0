import { assertEquals } from "@std/assert";
import { describeClusterHandler } from "../../../src/controller/handlers/describe_cluster.ts";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { describeCluster } from "../../../src/protocol/messages/describe_cluster.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { imageOf, registered } from "../fixture.ts";
import { CLUSTER_ID, registeredController } from "./fixture.ts";

const OTHER_LISTENER = registeredController(4, "INTERNAL");
const IMAGE = imageOf(
  registered(1),
  registeredController(3),
  registeredController(2),
  OTHER_LISTENER,
);

function ask(
  version: number,
  request: Partial<RequestInputOf<typeof describeCluster>>,
  leaderId = 2,
) {
  return askHandler(describeClusterHandler, describeCluster, version, {
    includeClusterAuthorizedOperations: false,
    ...request,
  }, {
    services: { clusterId: CLUSTER_ID, image: () => IMAGE, raft: { status: { leaderId } } },
  });
}

test("DescribeCluster on a controller listener returns the controllers at that listener", async () => {
  for (const version of [1, 2]) {
    const answer = await ask(version, { endpointType: 2 });
    assertEquals(answer, {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      endpointType: 2,
      clusterId: CLUSTER_ID,
      controllerId: 2,
      brokers: [3, 2].map((id) => ({
        brokerId: id,
        host: `c${id}.example`,
        port: 9093,
        rack: null,
        isFenced: false,
      })),
      clusterAuthorizedOperations: -2147483648,
    });
  }
});

test("DescribeCluster on a controller listener returns -1 while no controller is active", async () => {
  assertEquals((await ask(2, { endpointType: 2 }, -1)).controllerId, -1);
});

test("DescribeCluster on a controller listener returns the operations that were asked for", async () => {
  const answer = await ask(2, { endpointType: 2, includeClusterAuthorizedOperations: true });
  assertEquals(answer.clusterAuthorizedOperations, 8096);
});

test("DescribeCluster on a controller listener rejects questions for brokers and other types", async () => {
  const cases = [
    [0, {}, "INVALID_REQUEST"],
    [1, {}, "MISMATCHED_ENDPOINT_TYPE"],
    [2, { endpointType: 1, includeFencedBrokers: true }, "MISMATCHED_ENDPOINT_TYPE"],
    [1, { endpointType: 0 }, "UNSUPPORTED_ENDPOINT_TYPE"],
    [2, { endpointType: 3 }, "UNSUPPORTED_ENDPOINT_TYPE"],
    [2, { endpointType: -128 }, "UNSUPPORTED_ENDPOINT_TYPE"],
  ] as const;
  for (const [version, request, expected] of cases) {
    const { errorCode, errorMessage, brokers, clusterId } = await ask(version, request);
    assertEquals([version, request, errorName(errorCode)], [version, request, expected]);
    assertEquals([brokers, clusterId, errorMessage!.startsWith("Cannot return ")], [[], "", true]);
  }
});
