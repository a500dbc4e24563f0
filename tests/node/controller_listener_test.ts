import { assert, assertEquals } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { CONTROLLER_LISTENER } from "../../src/controller/requests/supported.ts";
import { Node } from "../../src/node/node.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { brokerHeartbeat } from "../../src/protocol/messages/broker_heartbeat.ts";
import { describeCluster } from "../../src/protocol/messages/describe_cluster.ts";
import { describeConfigs } from "../../src/protocol/messages/describe_configs.ts";
import { describeQuorum } from "../../src/protocol/messages/describe_quorum.ts";
import { incrementalAlterConfigs } from "../../src/protocol/messages/incremental_alter_configs.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";

const NODE_ID = 3;
const SOFTWARE = { clientSoftwareName: "raw", clientSoftwareVersion: "1.0" };

/** Runs `use` with a client of the controller listener of a node that is broker and controller. */
async function withController(use: (client: RawClient, node: Node) => Promise<void>) {
  const runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  const node = await Node.start({
    parts: ALL_PARTS,
    runtime,
    directory: "/data",
    config: {
      "node.id": String(NODE_ID),
      "process.roles": "broker,controller",
      "listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
      "controller.listener.names": "CONTROLLER",
    },
    logger: { log: () => {} },
  });
  let client: RawClient | null = null;
  try {
    client = await RawClient.connect(runtime, node.addresses.get("CONTROLLER")!);
    await use(client, node);
  } finally {
    client?.close();
    await node.shutdown();
  }
}

test("a controller listener lists its requests in ApiVersions, with the features", () =>
  withController(async (client, { clusterId }) => {
    for (let version = 0; version <= apiVersions.maxVersion; version++) {
      const request = { ...SOFTWARE, ...(version >= 5 && { clusterId, nodeId: NODE_ID }) };
      const { apiKeys, finalizedFeatures } = await client.request(apiVersions, version, request);
      assertEquals(
        apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion]),
        CONTROLLER_LISTENER.map(({ api }) => [api.key, api.minVersion, api.maxVersion]),
      );
      assertEquals(apiKeys.some(({ apiKey }) => apiKey === produce.key), false);
      assertEquals(
        finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
        version >= 3 ? [["metadata.version", 33]] : [],
      );
    }
  }));

/** Resolves when the node has registered its controller. */
async function registration(node: Node): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = () => {
    if (node.image.controller(NODE_ID) !== undefined) resolve();
  };
  await node.quorum.loader.addListener({ apply: check }, check);
  await promise;
}

test("a controller listener returns the cluster and its controllers in DescribeCluster", () =>
  withController(async (client, node) => {
    const { clusterId, addresses } = node;
    await registration(node);
    const answer = await client.request(describeCluster, 2, {
      includeClusterAuthorizedOperations: false,
      endpointType: 2,
    });
    assertEquals([errorName(answer.errorCode), answer.clusterId, answer.controllerId], [
      "NONE",
      clusterId,
      NODE_ID,
    ]);
    const { port } = addresses.get("CONTROLLER")!;
    assertEquals(answer.brokers, [
      { brokerId: NODE_ID, host: "127.0.0.1", port, rack: null, isFenced: false },
    ]);
  }));

test("a controller listener describes and changes the configs of its node", () =>
  withController(async (client) => {
    const resource = { resourceType: 4, resourceName: String(NODE_ID) };
    const change = { name: "max.connections", configOperation: 0, value: "77" };
    const { responses } = await client.request(incrementalAlterConfigs, 1, {
      resources: [{ ...resource, configs: [change] }],
      validateOnly: false,
    });
    assertEquals(responses.map(({ errorCode }) => errorName(errorCode)), ["NONE"]);
    const { results: [result] } = await client.request(describeConfigs, 4, {
      resources: [{ ...resource, configurationKeys: ["max.connections"] }],
      includeSynonyms: false,
      includeDocumentation: false,
    });
    assertEquals(result!.configs.map(({ name, value }) => [name, value]), [[
      "max.connections",
      "77",
    ]]);
  }));

test("a controller listener serves the requests of the quorum and of brokers", () =>
  withController(async (client, node) => {
    const { topics } = await client.request(describeQuorum, 2, {
      topics: [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }],
    });
    const { leaderId, highWatermark } = topics[0]!.partitions[0]!;
    assertEquals(leaderId, NODE_ID);
    assert(highWatermark > 0);
    const beat = await client.request(brokerHeartbeat, 2, {
      brokerId: 8,
      brokerEpoch: 1,
      currentMetadataOffset: 1,
      wantFence: false,
      wantShutDown: false,
    });
    assertEquals(errorName(beat.errorCode), "BROKER_ID_NOT_REGISTERED");
    assertEquals(node.image.broker(8), undefined);
  }));
