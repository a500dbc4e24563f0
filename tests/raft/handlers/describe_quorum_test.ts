import { assertEquals } from "@std/assert";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import { describeQuorum } from "../../../src/protocol/messages/describe_quorum.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { VoterSet } from "../../../src/raft/core/voter_set.ts";
import { raftDescribeQuorumHandler } from "../../../src/raft/handlers/describe_quorum.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import { DIRECTORIES, FakeReplica, otherPartitions, STATUS, voter } from "./fixture.ts";

type Topic = RequestInputOf<typeof describeQuorum>["topics"][number];

const TOPIC: Topic = { topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] };

function ask(replica: FakeReplica, version: number, topics: readonly Topic[] = [TOPIC]) {
  return replica.ask(raftDescribeQuorumHandler, describeQuorum, version, { topics });
}

/** Returns node 1 as the leader, when its wall clock shows 1,000,000. */
function leader(): FakeReplica {
  const replica = new FakeReplica();
  replica.clock.advance(1_000_000);
  replica.status = {
    ...STATUS,
    role: "leader",
    leaderId: 1,
    isActive: true,
    replicas: [
      {
        key: { id: 3, directoryId: DIRECTORIES[2]! },
        endOffset: 95,
        lastFetchAt: 4_999.7,
        lastCaughtUpAt: 4_000,
      },
      { key: { id: 8, directoryId: ZERO_UUID }, endOffset: 20, lastFetchAt: 0, lastCaughtUpAt: -1 },
    ],
  };
  return replica;
}

test("DescribeQuorum returns the leader, voters and observers, in every version", async () => {
  for (const version of versionsOf(describeQuorum)) {
    const hasKeys = version >= 2;
    const times = (lastFetchTimestamp: number, lastCaughtUpTimestamp: number) =>
      version >= 1
        ? { lastFetchTimestamp, lastCaughtUpTimestamp }
        : { lastFetchTimestamp: -1, lastCaughtUpTimestamp: -1 };
    const directory = (id: number) => hasKeys ? DIRECTORIES[id - 1]! : ZERO_UUID;
    assertEquals(await ask(leader(), version), {
      errorCode: 0,
      errorMessage: hasKeys ? null : "",
      topics: [{
        topicName: "__cluster_metadata",
        partitions: [{
          partitionIndex: 0,
          errorCode: 0,
          errorMessage: hasKeys ? null : "",
          leaderId: 1,
          leaderEpoch: 7,
          highWatermark: 90,
          currentVoters: [
            {
              replicaId: 1,
              replicaDirectoryId: directory(1),
              logEndOffset: 100,
              ...times(1_000_000, 1_000_000),
            },
            {
              replicaId: 2,
              replicaDirectoryId: directory(2),
              logEndOffset: -1,
              ...times(-1, -1),
            },
            {
              replicaId: 3,
              replicaDirectoryId: directory(3),
              logEndOffset: 95,
              ...times(1_000_000, 999_000),
            },
          ],
          observers: [{
            replicaId: 8,
            replicaDirectoryId: ZERO_UUID,
            logEndOffset: 20,
            ...times(995_000, -1),
          }],
        }],
      }],
      nodes: hasKeys
        ? [1, 2, 3].map((id) => ({ nodeId: id, listeners: [...voter(id).endpoints] }))
        : [],
    });
  }
});

test("DescribeQuorum counts a voter that lost its disk as an observer under its new directory", async () => {
  const replica = leader();
  const [progress] = replica.status.replicas;
  const moved = { ...progress!, key: { id: 2, directoryId: DIRECTORIES[2]! } };
  replica.status = { ...replica.status, replicas: [moved] };
  const [partition] = (await ask(replica, 2)).topics[0]!.partitions;
  const ends = (replicas: NonNullable<typeof partition>["observers"]) =>
    replicas.map(({ replicaId, logEndOffset }) => [replicaId, logEndOffset]);
  assertEquals(ends(partition!.currentVoters), [[1, 100], [2, -1], [3, -1]]);
  assertEquals(ends(partition!.observers), [[2, 95]]);
});

test("DescribeQuorum returns the directories from fetches while the voters have none", async () => {
  const replica = leader();
  const voters = [1, 3].map((id) => ({ ...voter(id), directoryId: ZERO_UUID }));
  const [progress] = replica.status.replicas;
  const old = { ...progress!, key: { id: 3, directoryId: DIRECTORIES[1]! }, lastFetchAt: 1_000 };
  replica.status = {
    ...replica.status,
    voters: new VoterSet(voters),
    replicas: [progress!, { ...old, endOffset: 12 }],
  };
  const [partition] = (await ask(replica, 2)).topics[0]!.partitions;
  assertEquals(
    partition!.currentVoters.map((one) => [one.replicaDirectoryId, one.logEndOffset]),
    [[ZERO_UUID, 100], [DIRECTORIES[2]!, 95]],
  );
  assertEquals(partition!.observers, []);
});

test("DescribeQuorum shows a leader that was removed from the voters as an observer", async () => {
  const replica = leader();
  replica.status = { ...replica.status, voters: new VoterSet([2, 3].map(voter)) };
  const [partition] = (await ask(replica, 2)).topics[0]!.partitions;
  assertEquals(partition!.currentVoters.map(({ replicaId }) => replicaId), [2, 3]);
  assertEquals(partition!.observers.map(({ replicaId }) => replicaId), [1, 8]);
});

test("DescribeQuorum names the leader on a node that is none", async () => {
  const cases = [
    [2, "Node 1 does not lead the quorum, ask node 2, the leader of epoch 7"],
    [-1, "Node 1 does not lead the quorum, no leader is known in epoch 7, try again"],
    [1, "Node 1 does not lead the quorum, no leader is known in epoch 7, try again"],
  ] as const;
  for (const [leaderId, errorMessage] of cases) {
    const replica = new FakeReplica();
    replica.status = { ...STATUS, leaderId };
    const { errorCode, topics, nodes } = await ask(replica, 2);
    assertEquals([errorCode, nodes], [0, []]);
    assertEquals(topics[0]!.partitions, [{
      partitionIndex: 0,
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      errorMessage,
      leaderId,
      leaderEpoch: 7,
      highWatermark: 0,
      currentVoters: [],
      observers: [],
    }]);
  }
});

test("DescribeQuorum rejects all partitions other than that of the metadata log", async () => {
  const others = otherPartitions([TOPIC], {
    renamed: { topicName: "events" },
    renumbered: { partitionIndex: 1 },
  });
  for (const asked of Object.values(others)) {
    const { errorCode, topics, nodes } = await ask(leader(), 2, asked);
    assertEquals([errorCode, nodes], [0, []]);
    assertEquals(
      topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map((one) => [one.partitionIndex, errorName(one.errorCode)]),
      })),
      asked.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map((one) => [one.partitionIndex, "UNKNOWN_TOPIC_OR_PARTITION"]),
      })),
    );
  }
});

test("DescribeQuorum returns no high watermark before the leader has committed in its epoch", async () => {
  const replica = leader();
  replica.status = { ...replica.status, isActive: false };
  const { topics } = await ask(replica, 2);
  assertEquals(topics[0]!.partitions[0]!.highWatermark, -1);
});
