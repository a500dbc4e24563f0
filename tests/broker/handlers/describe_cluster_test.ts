import { assertEquals } from "@std/assert";
import { describeClusterHandler } from "../../../src/broker/handlers/describe_cluster.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import {
  describeCluster,
  type DescribeClusterResponse,
} from "../../../src/protocol/messages/describe_cluster.ts";
import { imageOf, registered } from "../../controller/fixture.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { withBroker } from "../fixture.ts";

test("DescribeCluster returns the cluster and its brokers in every version", () =>
  withBroker(async ({ client, broker }) => {
    const { host, port } = broker.address;
    for (let version = 0; version <= 2; version++) {
      const answer = await client.request(describeCluster, version, {
        includeClusterAuthorizedOperations: true,
      });
      assertEquals(answer.errorCode, 0);
      assertEquals(answer.clusterId, broker.clusterId);
      assertEquals(answer.controllerId, 1);
      assertEquals(answer.clusterAuthorizedOperations, 8096);
      assertEquals(answer.brokers, [{ brokerId: 1, host, port, rack: null, isFenced: false }]);
    }
  }));

test("DescribeCluster rejects questions for controllers and for other types on a broker's listener", () =>
  withBroker(async ({ client }) => {
    for (const version of [1, 2]) {
      for (
        const [endpointType, expected] of [
          [2, "MISMATCHED_ENDPOINT_TYPE"],
          [0, "UNSUPPORTED_ENDPOINT_TYPE"],
          [7, "UNSUPPORTED_ENDPOINT_TYPE"],
          [-128, "UNSUPPORTED_ENDPOINT_TYPE"],
        ] as const
      ) {
        const { errorCode, errorMessage, brokers } = await client.request(
          describeCluster,
          version,
          { includeClusterAuthorizedOperations: false, endpointType },
        );
        assertEquals([endpointType, errorName(errorCode)], [endpointType, expected]);
        assertEquals([errorMessage!.startsWith("Cannot return "), brokers], [true, []]);
      }
    }
  }));

test("DescribeCluster returns fenced brokers only if asked for them, and never as the controller", async () => {
  const image = imageOf(registered(1, { fenced: true }), registered(2), registered(3));
  const ask = (version: number, includeFencedBrokers: boolean) =>
    askHandler(describeClusterHandler, describeCluster, version, {
      includeClusterAuthorizedOperations: false,
      includeFencedBrokers,
    }, {
      services: {
        nodeId: 1,
        clusterId: "cluster",
        image: () => image,
        advertisedAddress: () => ({ host: "asked.example", port: 1 }),
      },
    });
  const fenced = (answer: DescribeClusterResponse) =>
    answer.brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced]);
  for (const version of [0, 1, 2]) {
    const answer = await ask(version, false);
    assertEquals(fenced(answer), [[2, false], [3, false]]);
    assertEquals(answer.controllerId, 2);
  }
  const all = await ask(2, true);
  assertEquals(fenced(all), [[1, true], [2, false], [3, false]]);
  assertEquals(all.controllerId, 2);
});
