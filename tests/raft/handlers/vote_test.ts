import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import { vote, type VoteResponse } from "../../../src/protocol/messages/vote.ts";
import { ProtocolError } from "../../../src/protocol/protocol_error.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { VoteAnswer, VoteRequest } from "../../../src/raft/core/messages.ts";
import { voteHandler } from "../../../src/raft/handlers/vote.ts";
import { decodeVoteAnswer, encodeVote } from "../../../src/raft/wire/vote.ts";
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

const REQUEST: VoteRequest = {
  type: "vote",
  epoch: 8,
  candidate: { id: 3, directoryId: DIRECTORIES[2]! },
  voter: { id: 1, directoryId: DIRECTORIES[0]! },
  lastEpoch: 7,
  endOffset: 123_456_789_012,
  isPreVote: true,
};
const ANSWER: VoteAnswer = {
  type: "vote",
  errorCode: ErrorCode.NONE,
  leader: LEADER,
  isGranted: true,
};
const MESSAGE = encodeVote(REQUEST, SENDER);

test("Vote carries the request of the core and its answer, in every version", async () => {
  for (const version of versionsOf(vote)) {
    const replica = new FakeReplica();
    replica.answer(ANSWER);
    const response = await replica.ask(voteHandler, vote, version, MESSAGE);
    const hasKeys = version >= 1;
    assertEquals(replica.requests, [{
      ...REQUEST,
      candidate: { id: 3, directoryId: hasKeys ? DIRECTORIES[2]! : ZERO_UUID },
      // Without an id of the voter the receiver is meant.
      voter: { id: 1, directoryId: hasKeys ? DIRECTORIES[0]! : ZERO_UUID },
      isPreVote: version >= 2,
    }]);
    assertEquals(decodeVoteAnswer(response, SENDER), {
      ...ANSWER,
      leader: learntLeader(version),
    });
  }
});

test("Vote has the fields of Kafka's schema", async () => {
  assertEquals(MESSAGE, {
    clusterId: CLUSTER_ID,
    voterId: 1,
    topics: [{
      topicName: "__cluster_metadata",
      partitions: [{
        partitionIndex: 0,
        replicaEpoch: 8,
        replicaId: 3,
        replicaDirectoryId: DIRECTORIES[2]!,
        voterDirectoryId: DIRECTORIES[0]!,
        lastOffsetEpoch: 7,
        lastOffset: 123_456_789_012,
        preVote: true,
      }],
    }],
  });
  const replica = new FakeReplica();
  replica.answer({ ...ANSWER, errorCode: ErrorCode.FENCED_LEADER_EPOCH, isGranted: false });
  assertEquals(await replica.ask(voteHandler, vote, 2, MESSAGE), {
    errorCode: 0,
    topics: [{
      topicName: "__cluster_metadata",
      partitions: [{
        partitionIndex: 0,
        errorCode: ErrorCode.FENCED_LEADER_EPOCH,
        leaderId: 2,
        leaderEpoch: 7,
        voteGranted: false,
      }],
    }],
    nodeEndpoints: [{ nodeId: 2, host: "node2.example", port: 9093 }],
  });
});

test("Vote rejects another cluster, other partitions and impossible values", async () => {
  const ask = (version: number) => (replica: FakeReplica, request: typeof MESSAGE) =>
    replica.ask(voteHandler, vote, version, request);
  const [topic] = MESSAGE.topics;
  const [partition] = topic!.partitions;
  const others = otherPartitions([topic!], {
    renamed: { topicName: "events" },
    renumbered: { partitionIndex: 1 },
  });
  const withFields = (fields: Partial<NonNullable<typeof partition>>) => ({
    ...MESSAGE,
    topics: [{ ...topic!, partitions: [{ ...partition!, ...fields }] }],
  });
  for (const version of versionsOf(vote)) {
    await assertRefused(ask(version), "INCONSISTENT_CLUSTER_ID", {
      "another cluster": { ...MESSAGE, clusterId: "" },
    });
    await assertRefused(ask(version), "INVALID_REQUEST", {
      ...Object.fromEntries(
        Object.entries(others).map(([what, topics]) => [what, { ...MESSAGE, topics }]),
      ),
      "a negative candidate": withFields({ replicaId: -1 }),
      "a negative offset": withFields({ lastOffset: -1 }),
      "a negative epoch of the log": withFields({ lastOffsetEpoch: -1 }),
    });
  }
});

test("Vote accepts a request without a cluster id", async () => {
  const replica = new FakeReplica();
  replica.answer(ANSWER);
  const response = await replica.ask(voteHandler, vote, 2, { ...MESSAGE, clusterId: null });
  assertEquals(errorName(response.errorCode), "NONE");
  assertEquals(replica.requests, [REQUEST]);
});

test("decodeVoteAnswer() rejects an answer about other partitions, and ignores foreign endpoints", () => {
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    leaderId: 2,
    leaderEpoch: 7,
    voteGranted: true,
  };
  const response: VoteResponse = {
    errorCode: 0,
    topics: [{ topicName: "__cluster_metadata", partitions: [partition] }],
    nodeEndpoints: [
      { nodeId: 3, host: "node3", port: 9093 },
      { nodeId: 2, host: "", port: 9093 },
      { nodeId: 2, host: "node2", port: 0 },
    ],
  };
  assertEquals(decodeVoteAnswer(response, SENDER), {
    ...ANSWER,
    leader: { ...LEADER, endpoints: [] },
  });
  for (const topics of [[], [{ topicName: "events", partitions: [partition] }]]) {
    assertThrows(() => decodeVoteAnswer({ ...response, topics }, SENDER), ProtocolError);
  }
  const failed = { ...response, errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, topics: [] };
  assertEquals(decodeVoteAnswer(failed, SENDER), {
    type: "vote",
    errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID,
    leader: { epoch: -1, leaderId: -1, endpoints: [] },
    isGranted: false,
  });
});
