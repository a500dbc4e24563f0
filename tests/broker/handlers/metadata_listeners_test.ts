/** A client learns the brokers by the listener that it asks at: Metadata, DescribeCluster, DescribeTopicPartitions. */
import { assertEquals } from "@std/assert";
import { describeClusterHandler } from "../../../src/broker/handlers/describe_cluster.ts";
import { describeTopicPartitionsHandler } from "../../../src/broker/handlers/describe_topic_partitions.ts";
import { metadataHandler } from "../../../src/broker/handlers/metadata.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { describeCluster } from "../../../src/protocol/messages/describe_cluster.ts";
import { describeTopicPartitions } from "../../../src/protocol/messages/describe_topic_partitions.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { LOST_DIRECTORY, UNASSIGNED_DIRECTORY, ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { imageOf } from "../../controller/fixture.ts";
import { test } from "../../harness.ts";
import { broker, EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { steppingClock } from "../../network/server/stepping_clock.ts";

const DIRECTORY = "ddddddddddddddddddddAA";
const OTHER_DIRECTORY = "eeeeeeeeeeeeeeeeeeeeAA";

/** Registers a broker with a listener for each name. */
function registered(id: number, names: readonly string[], options: { fenced?: boolean } = {}) {
  const record = broker(id, { ...options, logDirs: [DIRECTORY] });
  if (record.name !== "RegisterBrokerRecord") throw new Error("a registration is expected");
  const endPoints = names.map((name) => ({
    name,
    host: `${name.toLowerCase()}${id}.example`,
    port: 9090 + id,
    securityProtocol: 0,
  }));
  return { ...record, value: { ...record.value, endPoints } };
}

/**
 * Broker 1 answers. Clients of the listener PLAINTEXT reach broker 2 too, but not 3, which has the listener
 * INSIDE only, and not 4, which is fenced.
 */
function clusterOf(...partitions: Parameters<typeof partitionWith>[2][]) {
  const image = imageOf(
    registered(1, ["INSIDE", "PLAINTEXT"]),
    registered(2, ["INSIDE", "PLAINTEXT"]),
    registered(3, ["INSIDE"]),
    registered(4, ["INSIDE", "PLAINTEXT"], { fenced: true }),
    topic("events", EVENTS),
    ...partitions.map((state, i) => partitionWith(EVENTS, i, state)),
  );
  return {
    clock: steppingClock(0),
    nodeId: 1,
    clusterId: "c",
    image: () => image,
    advertisedAddress: () => ({ host: "asked.example", port: 1 }),
    config: { autoCreateTopicsEnable: false, maxRequestPartitionSizeLimit: 100 },
    forwarding: { createTopics: () => Promise.reject(new Error("no topic is created here")) },
  };
}

const ledBy = (leader: number, replicas = [leader]) => ({ leader, replicas, isr: replicas });

/** Returns the partitions in Metadata, each as [error, leader, replicas, isr, offline replicas]. */
async function described(
  apiVersion: number,
  ...partitions: Parameters<typeof partitionWith>[2][]
) {
  const { topics } = await askHandler(metadataHandler, metadata, apiVersion, {
    topics: apiVersion === 0 ? [] : null,
  }, { services: clusterOf(...partitions) });
  return topics[0]!.partitions.map((one) => [
    one.errorCode,
    one.leaderId,
    one.replicaNodes,
    one.isrNodes,
    ...(apiVersion >= 5 ? [one.offlineReplicas] : []),
  ]);
}

test("Metadata returns the brokers that have the client's listener, with its addresses", async () => {
  const { brokers } = await askHandler(metadataHandler, metadata, 12, { topics: [] }, {
    services: clusterOf(),
  });
  assertEquals(brokers.map(({ nodeId, host, port }) => `${nodeId} ${host}:${port}`), [
    "1 asked.example:1",
    "2 plaintext2.example:9092",
  ]);
});

test("DescribeCluster returns the brokers that have the client's listener, fenced ones if asked", async () => {
  const ids = async (includeFencedBrokers: boolean) => {
    const { brokers } = await askHandler(describeClusterHandler, describeCluster, 2, {
      includeClusterAuthorizedOperations: false,
      includeFencedBrokers,
    }, { services: clusterOf() });
    return brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced]);
  };
  assertEquals(await ids(false), [[1, false], [2, false]]);
  assertEquals(await ids(true), [[1, false], [2, false], [4, true]]);
});

test("Metadata has an error for a leader without the client's listener", async () => {
  const partitions = [ledBy(2), ledBy(3), ledBy(9), ledBy(-1, [2])];
  assertEquals(await described(6, ...partitions), [
    [ErrorCode.NONE, 2, [2], [2], []],
    [ErrorCode.LISTENER_NOT_FOUND, -1, [3], [3], [3]],
    [ErrorCode.LEADER_NOT_AVAILABLE, -1, [9], [9], [9]],
    [ErrorCode.LEADER_NOT_AVAILABLE, -1, [2], [2], []],
  ]);
  assertEquals((await described(5, ...partitions)).map(([error]) => error), [
    ErrorCode.NONE,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.LEADER_NOT_AVAILABLE,
  ]);
});

test("Metadata returns replicas that the client cannot reach as offline, in version 0 not at all", async () => {
  const partitions = [ledBy(2, [2, 1]), ledBy(2, [2, 3, 4, 9]), ledBy(3, [3, 2])];
  assertEquals(await described(12, ...partitions), [
    [ErrorCode.NONE, 2, [2, 1], [2, 1], []],
    [ErrorCode.NONE, 2, [2, 3, 4, 9], [2, 3, 4, 9], [3, 4, 9]],
    [ErrorCode.LISTENER_NOT_FOUND, -1, [3, 2], [3, 2], [3]],
  ]);
  assertEquals(await described(0, ...partitions), [
    [ErrorCode.NONE, 2, [2, 1], [2, 1]],
    [ErrorCode.REPLICA_NOT_AVAILABLE, 2, [2], [2]],
    [ErrorCode.LEADER_NOT_AVAILABLE, -1, [2], [2]],
  ]);
});

test("Metadata returns replicas in directories that are out of service as offline", async () => {
  const inDirectories = (...directories: string[]) => ({
    ...ledBy(1, directories.map((_, i) => i + 1)),
    directories,
  });
  const offline = (await described(
    12,
    inDirectories(DIRECTORY, OTHER_DIRECTORY),
    inDirectories(LOST_DIRECTORY, DIRECTORY),
    inDirectories(ZERO_UUID, UNASSIGNED_DIRECTORY),
  )).map((partition) => partition.at(-1));
  assertEquals(offline, [[2], [1], []]);
});

test("DescribeTopicPartitions returns leader -1 without an error if the client cannot reach it", async () => {
  const { topics } = await askHandler(describeTopicPartitionsHandler, describeTopicPartitions, 0, {
    topics: [],
  }, { services: clusterOf(ledBy(2), ledBy(3), ledBy(-1, [2])) });
  assertEquals(
    topics[0]!.partitions.map((one) => [one.errorCode, one.leaderId, one.offlineReplicas]),
    [[0, 2, []], [0, -1, [3]], [0, -1, []]],
  );
});
