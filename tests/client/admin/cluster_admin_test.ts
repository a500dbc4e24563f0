/** The admin client's view of nodes, quorum and features, and its changes of them. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Admin } from "../../../src/client/admin/admin.ts";
import { startCluster } from "../../../src/cluster/start_cluster.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { addRaftVoter } from "../../../src/protocol/messages/add_raft_voter.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { describeCluster } from "../../../src/protocol/messages/describe_cluster.ts";
import { describeQuorum } from "../../../src/protocol/messages/describe_quorum.ts";
import { removeRaftVoter } from "../../../src/protocol/messages/remove_raft_voter.ts";
import { unregisterBroker } from "../../../src/protocol/messages/unregister_broker.ts";
import { updateFeatures } from "../../../src/protocol/messages/update_features.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { test } from "../../harness.ts";
import { ScriptedBroker } from "../scripted_broker.ts";

const IDS = ["MdwpXVE7Rs2v2Cviip_Vnw", "07R5amHmR32VDA6jHkGbTA"] as const;
const LISTENER = { name: "CONTROLLER", host: "c.example", port: 9093 };

/** Calls `body` with the admin client of a broker that answers as the test says. */
async function withScripted(
  body: (admin: Admin, broker: ScriptedBroker) => Promise<void>,
): Promise<void> {
  const broker = new ScriptedBroker();
  broker.onMetadata({});
  const admin = new Admin({
    bootstrapServers: broker.bootstrapServers,
    runtime: { ...hostRuntime(), network: broker.network },
    retries: 0,
  });
  try {
    await body(admin, broker);
  } finally {
    await admin.close();
  }
}

async function errorOf(work: Promise<unknown>): Promise<KafkaError> {
  return await assertRejects(() => work, KafkaError) as KafkaError;
}

test("Admin describes the quorum and the features of a node alone", async () => {
  const cluster = await startCluster();
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers, retries: 1 });
  try {
    const quorum = await admin.describeQuorum();
    const [voter, ...others] = quorum.voters;
    assertEquals([others, quorum.observers], [[], []]);
    assertEquals([voter!.nodeId, voter!.lag], [quorum.leaderId, 0]);
    assert(voter!.logEndOffset >= quorum.highWatermark && quorum.highWatermark > 0);
    const { epoch, features } = await admin.describeFeatures();
    assert(epoch !== null && epoch > 0);
    assertEquals(features.find(({ name }) => name === "metadata.version"), {
      name: "metadata.version",
      level: 33,
      minSupported: 30,
      maxSupported: 33,
    });
    const { brokers } = await admin.describeCluster({ includeFenced: true });
    assertEquals(brokers.map(({ isFenced }) => isFenced), [false]);
    const error = await errorOf(admin.describeControllers());
    assertEquals(error.code, ErrorCode.MISMATCHED_ENDPOINT_TYPE);
  } finally {
    await admin.close();
    await cluster.shutdown();
  }
});

test("Admin includes fenced brokers on request, if the cluster can", async () => {
  await withScripted(async (admin, broker) => {
    const asked: boolean[] = [];
    const serve = (maxVersion: number) =>
      broker.on(describeCluster, ({ includeFencedBrokers }) => {
        asked.push(includeFencedBrokers);
        return {
          errorCode: 0,
          clusterId: "scripted",
          controllerId: 3,
          brokers: [2, 1].map((brokerId) => ({
            brokerId,
            host: `b${brokerId}`,
            port: 9092,
            rack: brokerId === 2 ? "east" : null,
            isFenced: brokerId === 2,
          })),
        };
      }, { maxVersion });
    serve(2);
    const { brokers, controllerId, clusterId } = await admin.describeCluster({
      includeFenced: true,
    });
    assertEquals([controllerId, clusterId], [3, "scripted"]);
    assertEquals(brokers, [
      { nodeId: 1, host: "b1", port: 9092, rack: null, isFenced: false },
      { nodeId: 2, host: "b2", port: 9092, rack: "east", isFenced: true },
    ]);
    await admin.describeCluster();
    assertEquals(asked, [true, false]);
  });
  await withScripted(async (admin, broker) => {
    broker.on(describeCluster, () => ({ errorCode: 0, clusterId: "old", brokers: [] }), {
      maxVersion: 1,
    });
    const error = await errorOf(admin.describeCluster({ includeFenced: true }));
    assertEquals(error.code, ErrorCode.UNSUPPORTED_VERSION);
    assertEquals((await admin.describeCluster()).clusterId, "old");
  });
});

test("Admin describes controllers at a listener for controllers", async () => {
  await withScripted(async (admin, broker) => {
    broker.on(describeCluster, ({ endpointType }) => ({
      errorCode: 0,
      clusterId: "scripted",
      controllerId: 2,
      brokers: [2, 1].map((brokerId) => ({ brokerId, host: "c", port: 9090 + brokerId })),
      endpointType,
    }));
    const { activeControllerId, controllers } = await admin.describeControllers();
    assertEquals(activeControllerId, 2);
    assertEquals(controllers, [
      { nodeId: 1, host: "c", port: 9091, rack: null },
      { nodeId: 2, host: "c", port: 9092, rack: null },
    ]);
    assertEquals(broker.requests, ["DescribeCluster"]);
  });
});

test("Admin describes voters and observers with their lag", async () => {
  await withScripted(async (admin, broker) => {
    const replica = (replicaId: number, logEndOffset: number, ms: number) => ({
      replicaId,
      replicaDirectoryId: IDS[replicaId]!,
      logEndOffset,
      lastFetchTimestamp: ms,
      lastCaughtUpTimestamp: ms,
    });
    broker.on(describeQuorum, ({ topics }) => ({
      errorCode: 0,
      errorMessage: null,
      topics: topics.map(({ topicName }) => ({
        topicName,
        partitions: [{
          partitionIndex: 0,
          errorCode: 0,
          errorMessage: null,
          leaderId: 1,
          leaderEpoch: 4,
          highWatermark: 90,
          currentVoters: [replica(1, 100, 7), replica(0, 90, 5)],
          observers: [{ ...replica(0, -1, -1), replicaId: 9 }],
        }],
      })),
      nodes: [{ nodeId: 1, listeners: [LISTENER] }],
    }));
    const quorum = await admin.describeQuorum();
    assertEquals([quorum.leaderId, quorum.leaderEpoch, quorum.highWatermark], [1, 4, 90]);
    const at = (
      nodeId: number,
      id: number,
      logEndOffset: number,
      lag: number,
      ms: number | null,
    ) => ({
      nodeId,
      directoryId: IDS[id]!,
      logEndOffset,
      lag,
      lastFetchMs: ms,
      lastCaughtUpMs: ms,
    });
    assertEquals(quorum.voters, [at(0, 0, 90, 10, 5), at(1, 1, 100, 0, 7)]);
    assertEquals(quorum.observers, [at(9, 0, -1, 100, null)]);
    assertEquals([...quorum.listeners], [[1, [LISTENER]]]);
  });
});

test("Admin throws the errors of the quorum", async () => {
  await withScripted(async (admin, broker) => {
    const answer = (errorCode: number, partitionError: number) => ({
      errorCode,
      errorMessage: null,
      topics: [{
        topicName: "__cluster_metadata",
        partitions: [{
          partitionIndex: 0,
          errorCode: partitionError,
          errorMessage: "the leader has left",
          leaderId: -1,
          leaderEpoch: 0,
          highWatermark: -1,
          currentVoters: [],
          observers: [],
        }],
      }],
      nodes: [],
    });
    broker.on(describeQuorum, () => answer(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 0));
    const refused = await errorOf(admin.describeQuorum());
    assertEquals(refused.code, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    broker.on(describeQuorum, () => answer(0, ErrorCode.NOT_LEADER_OR_FOLLOWER));
    const { message } = await errorOf(admin.describeQuorum());
    assertEquals(
      message,
      "Cannot describe the quorum: NOT_LEADER_OR_FOLLOWER, the leader has left",
    );
  });
});

test("Admin adds and removes voters, unregisters brokers and reports what is refused", async () => {
  await withScripted(async (admin, broker) => {
    const sent: unknown[] = [];
    let errorCode: number = ErrorCode.NONE;
    const answer = (request: unknown) => {
      sent.push(request);
      return { errorCode, errorMessage: errorCode === 0 ? null : "no" };
    };
    broker.on(addRaftVoter, answer);
    broker.on(removeRaftVoter, answer);
    broker.on(unregisterBroker, answer);
    const voter = { nodeId: 4, directoryId: IDS[0], clusterId: "scripted" };
    await admin.addRaftVoter({ ...voter, listeners: [LISTENER] });
    await admin.removeRaftVoter({ nodeId: 4, directoryId: IDS[0] });
    await admin.unregisterBroker(7);
    assertEquals(sent, [
      {
        clusterId: "scripted",
        timeoutMs: 30_000,
        voterId: 4,
        voterDirectoryId: IDS[0],
        listeners: [LISTENER],
        ackWhenCommitted: true,
      },
      { clusterId: null, voterId: 4, voterDirectoryId: IDS[0] },
      { brokerId: 7 },
    ]);
    errorCode = ErrorCode.DUPLICATE_VOTER;
    const added = await errorOf(admin.addRaftVoter({ ...voter, listeners: [LISTENER] }));
    assertEquals(added.message, "Cannot add controller 4 to the quorum: DUPLICATE_VOTER, no");
    errorCode = ErrorCode.VOTER_NOT_FOUND;
    const removed = await errorOf(admin.removeRaftVoter(voter));
    assertEquals(
      removed.message,
      "Cannot remove controller 4 from the quorum: VOTER_NOT_FOUND, no",
    );
    errorCode = ErrorCode.BROKER_ID_NOT_REGISTERED;
    const { message } = await errorOf(admin.unregisterBroker(7));
    assertEquals(message, "Cannot unregister broker 7: BROKER_ID_NOT_REGISTERED, no");
  });
});

test("Admin updates features, also of a cluster that reports each feature", async () => {
  await withScripted(async (admin, broker) => {
    const sent: unknown[] = [];
    broker.on(updateFeatures, (request) => {
      sent.push(
        request.featureUpdates.map((
          { upgradeType, allowDowngrade, maxVersionLevel },
        ) => [upgradeType, allowDowngrade, maxVersionLevel, request.validateOnly]),
      );
      return { errorCode: 0, errorMessage: null, results: [] };
    });
    await admin.updateFeatures([
      { name: "metadata.version", level: 33 },
      { name: "group.version", level: 0, downgrade: "safe" },
      { name: "share.version", level: 0, downgrade: "unsafe" },
    ], { validateOnly: true });
    const types = [[1, false, 33, true], [2, false, 0, true], [3, false, 0, true]];
    assertEquals(sent, [types]);
    await assertRejects(
      () => admin.updateFeatures([{ name: "x", level: 1, ...{ downgrde: "safe" } }]),
      TypeError,
      'Feature "x" has no option "downgrde", did you mean "downgrade"?',
    );
  });
  await withScripted(async (admin, broker) => {
    broker.on(updateFeatures, ({ featureUpdates }) => ({
      errorCode: 0,
      errorMessage: null,
      results: featureUpdates.map(({ feature, allowDowngrade }) => ({
        feature,
        errorCode: allowDowngrade ? 0 : ErrorCode.INVALID_UPDATE_VERSION,
        errorMessage: "it is 2",
      })),
    }), { maxVersion: 0 });
    await admin.updateFeatures([{ name: "metadata.version", level: 1, downgrade: "safe" }]);
    const { message } = await errorOf(admin.updateFeatures([{ name: "x", level: 1 }]));
    assertEquals(message, 'Cannot update feature "x": INVALID_UPDATE_VERSION, it is 2');
  });
});

test("Admin lists features that the cluster uses and the asked node does not support", async () => {
  await withScripted(async (admin, broker) => {
    const keys = [servedKey(apiVersions), servedKey(describeQuorum)];
    broker.on(apiVersions, () => ({
      errorCode: 0,
      apiKeys: keys,
      supportedFeatures: [{ name: "kraft.version", minVersion: 0, maxVersion: 1 }],
      finalizedFeatures: [{ name: "group.version", minVersionLevel: 1, maxVersionLevel: 1 }],
    }));
    assertEquals(await admin.describeFeatures(), {
      epoch: null,
      features: [
        { name: "group.version", level: 1, minSupported: 0, maxSupported: 0 },
        { name: "kraft.version", level: 0, minSupported: 0, maxSupported: 1 },
      ],
    });
  });
});

function servedKey({ key, minVersion, maxVersion }: typeof apiVersions | typeof describeQuorum) {
  return { apiKey: key, minVersion, maxVersion };
}
