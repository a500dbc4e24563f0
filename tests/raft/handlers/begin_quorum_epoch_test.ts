import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { beginQuorumEpoch } from "../../../src/protocol/messages/begin_quorum_epoch.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { BeginQuorumEpochRequest } from "../../../src/raft/core/messages.ts";
import { beginQuorumEpochHandler } from "../../../src/raft/handlers/begin_quorum_epoch.ts";
import {
  decodeBeginQuorumEpochAnswer,
  encodeBeginQuorumEpoch,
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

const REQUEST: BeginQuorumEpochRequest = {
  type: "begin-quorum-epoch",
  epoch: 7,
  leaderId: 2,
  voter: { id: 1, directoryId: DIRECTORIES[0]! },
  endpoints: LEADER.endpoints,
};
const MESSAGE = encodeBeginQuorumEpoch(REQUEST, SENDER);

test("BeginQuorumEpoch carries the request of the core and its answer, in every version", async () => {
  for (const version of versionsOf(beginQuorumEpoch)) {
    for (const errorCode of [ErrorCode.NONE, ErrorCode.INVALID_VOTER_KEY]) {
      const replica = new FakeReplica();
      replica.answer({ type: "begin-quorum-epoch", errorCode, leader: LEADER });
      const response = await replica.ask(
        beginQuorumEpochHandler,
        beginQuorumEpoch,
        version,
        MESSAGE,
      );
      const hasKeys = version >= 1;
      assertEquals(replica.requests, [{
        ...REQUEST,
        voter: { id: 1, directoryId: hasKeys ? DIRECTORIES[0]! : ZERO_UUID },
        endpoints: hasKeys ? LEADER.endpoints : [],
      }]);
      assertEquals(decodeBeginQuorumEpochAnswer(response, SENDER), {
        type: "begin-quorum-epoch",
        errorCode,
        leader: learntLeader(version),
      });
    }
  }
});

test("BeginQuorumEpoch has the fields of Kafka's schema", () => {
  assertEquals(MESSAGE, {
    clusterId: CLUSTER_ID,
    voterId: 1,
    topics: [{
      topicName: "__cluster_metadata",
      partitions: [{
        partitionIndex: 0,
        voterDirectoryId: DIRECTORIES[0]!,
        leaderId: 2,
        leaderEpoch: 7,
      }],
    }],
    leaderEndpoints: [
      { name: "INTERNAL", host: "node2", port: 9193 },
      { name: "PLAINTEXT", host: "node2.example", port: 9093 },
    ],
  });
});

test("BeginQuorumEpoch rejects another cluster, other partitions and impossible values", async () => {
  const ask = (version: number) => (replica: FakeReplica, request: typeof MESSAGE) =>
    replica.ask(beginQuorumEpochHandler, beginQuorumEpoch, version, request);
  const [topic] = MESSAGE.topics;
  const others = otherPartitions([topic!], {
    renamed: { topicName: "events" },
    renumbered: { partitionIndex: 1 },
  });
  for (const version of versionsOf(beginQuorumEpoch)) {
    await assertRefused(ask(version), "INCONSISTENT_CLUSTER_ID", {
      "another cluster": { ...MESSAGE, clusterId: "x" },
    });
    await assertRefused(ask(version), "INVALID_REQUEST", {
      ...Object.fromEntries(
        Object.entries(others).map(([what, topics]) => [what, { ...MESSAGE, topics }]),
      ),
      "a negative leader": {
        ...MESSAGE,
        topics: [{ ...topic!, partitions: [{ ...topic!.partitions[0]!, leaderId: -1 }] }],
      },
    });
  }
  const endpoint = { name: "PLAINTEXT", host: "node2", port: 9093 };
  await assertRefused(ask(1), "INVALID_REQUEST", {
    "no host": { ...MESSAGE, leaderEndpoints: [{ ...endpoint, host: "" }] },
    "no port": { ...MESSAGE, leaderEndpoints: [{ ...endpoint, port: 0 }] },
    "a listener twice": { ...MESSAGE, leaderEndpoints: [endpoint, endpoint] },
  });
});
