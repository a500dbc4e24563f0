import { assertEquals } from "@std/assert";
import { describeCluster } from "../../../src/protocol/messages/describe_cluster.ts";
import { test } from "../../harness.ts";
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

test("DescribeCluster rejects a request for controllers on a broker's listener", () =>
  withBroker(async ({ client }) => {
    const ask = (endpointType: number) =>
      client.request(describeCluster, 1, {
        includeClusterAuthorizedOperations: false,
        endpointType,
      });
    assertEquals((await ask(2)).errorCode, 114);
    assertEquals((await ask(7)).errorCode, 115);
  }));
