import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { endQuorumEpoch } from "../../../src/protocol/messages/end_quorum_epoch.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { EndQuorumEpochRequest } from "../../../src/raft/core/messages.ts";
import { endQuorumEpochHandler } from "../../../src/raft/handlers/end_quorum_epoch.ts";
import {
  decodeEndQuorumEpochAnswer,
  encodeEndQuorumEpoch,
} from "../../../src/raft/wire/quorum_epochs.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import {
  assertRefused,
  CLUSTER_ID,
  DIRECTORIES,
  FakeReplica,
  LEADER,
  learntLeader,
  otherPartitions,
  SENDER,
} from "./fixture.ts";

const REQUEST: EndQuorumEpochRequest = {
  type: "end-quorum-epoch",
  epoch: 7,
  leaderId: 2,
  successors: [{ id: 3, directoryId: DIRECTORIES[2]! }, { id: 1, directoryId: DIRECTORIES[0]! }],
  endpoints: LEADER.endpoints,
};
const MESSAGE = encodeEndQuorumEpoch(REQUEST, SENDER);

test("EndQuorumEpoch carries the request of the core and its answer, in every version", async () => {
  for (const version of versionsOf(endQuorumEpoch)) {
    const replica = new FakeReplica();
    replica.answer({ type: "end-quorum-epoch", errorCode: ErrorCode.NONE, leader: LEADER });
    const response = await replica.ask(endQuorumEpochHandler, endQuorumEpoch, version, MESSAGE);
    assertEquals(
      replica.requests,
      version >= 1 ? [REQUEST] : [{
        ...REQUEST,
        successors: [{ id: 3, directoryId: ZERO_UUID }, { id: 1, directoryId: ZERO_UUID }],
        endpoints: [],
      }],
    );
    assertEquals(decodeEndQuorumEpochAnswer(response, SENDER), {
      type: "end-quorum-epoch",
      errorCode: ErrorCode.NONE,
      leader: learntLeader(version),
    });
  }
});

test("EndQuorumEpoch has the fields of Kafka's schema", () => {
  assertEquals(MESSAGE, {
    clusterId: CLUSTER_ID,
    topics: [{
      topicName: "__cluster_metadata",
      partitions: [{
        partitionIndex: 0,
        leaderId: 2,
        leaderEpoch: 7,
        preferredSuccessors: [3, 1],
        preferredCandidates: [
          { candidateId: 3, candidateDirectoryId: DIRECTORIES[2]! },
          { candidateId: 1, candidateDirectoryId: DIRECTORIES[0]! },
        ],
      }],
    }],
    leaderEndpoints: [
      { name: "INTERNAL", host: "node2", port: 9193 },
      { name: "PLAINTEXT", host: "node2.example", port: 9093 },
    ],
  });
});

test("EndQuorumEpoch rejects another cluster, other partitions and a negative leader", async () => {
  const ask = (version: number) => (replica: FakeReplica, request: typeof MESSAGE) =>
    replica.ask(endQuorumEpochHandler, endQuorumEpoch, version, request);
  const [topic] = MESSAGE.topics;
  const others = otherPartitions([topic!], {
    renamed: { topicName: "events" },
    renumbered: { partitionIndex: 1 },
  });
  for (const version of versionsOf(endQuorumEpoch)) {
    await assertRefused(ask(version), "INCONSISTENT_CLUSTER_ID", {
      "another cluster": { ...MESSAGE, clusterId: "x" },
    });
    await assertRefused(ask(version), "INVALID_REQUEST", {
      ...Object.fromEntries(
        Object.entries(others).map(([what, topics]) => [what, { ...MESSAGE, topics }]),
      ),
      "a negative leader": {
        ...MESSAGE,
        topics: [{ ...topic!, partitions: [{ ...topic!.partitions[0]!, leaderId: -2 }] }],
      },
    });
  }
});
