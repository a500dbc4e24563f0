import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import { MAX_INT64 } from "../../../src/protocol/int64.ts";
import { fetch, type FetchResponse } from "../../../src/protocol/messages/fetch.ts";
import { ProtocolError } from "../../../src/protocol/protocol_error.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { FetchRequest, OwnAnswer } from "../../../src/raft/core/messages.ts";
import { raftFetchHandler } from "../../../src/raft/handlers/fetch.ts";
import { decodeFetchAnswer, encodeFetch } from "../../../src/raft/wire/fetch.ts";
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

const REQUEST: FetchRequest = {
  type: "fetch",
  epoch: 7,
  replica: { id: 3, directoryId: DIRECTORIES[2]! },
  offset: 95,
  lastEpoch: 6,
  highWatermark: 88,
  maxWaitMs: 500,
  maxBytes: 1_048_576,
};
const ANSWER: OwnAnswer & { type: "fetch" } = {
  type: "fetch",
  errorCode: ErrorCode.NONE,
  leader: LEADER,
  highWatermark: 90,
  logStartOffset: 10,
  diverging: null,
  snapshotId: null,
  read: { offset: 95, maxBytes: 1_048_576 },
};
const MESSAGE = encodeFetch(REQUEST, SENDER);
const BATCH = encodeBatch([1, 2].map((timestamp) => ({ timestamp, value: new Uint8Array(3) })), {
  baseOffset: 95,
  partitionLeaderEpoch: 7,
});

function ask(replica: FakeReplica, version: number, message: typeof MESSAGE = MESSAGE) {
  return replica.ask(raftFetchHandler, fetch, version, message);
}

const decode = (response: FetchResponse) => atOnce(decodeFetchAnswer(response, SENDER));

test("Fetch carries the request of the core and its answer, in every version", async () => {
  for (const version of versionsOf(fetch)) {
    const replica = new FakeReplica();
    replica.answer(ANSWER, { records: BATCH });
    const response = await ask(replica, version);
    assertEquals(replica.requests, [{
      ...REQUEST,
      epoch: version >= 9 ? 7 : -1,
      replica: { id: 3, directoryId: version >= 17 ? DIRECTORIES[2]! : ZERO_UUID },
      lastEpoch: version >= 12 ? 6 : -1,
      highWatermark: version >= 18 ? 88 : Infinity,
    }]);
    const { leader, ...answer } = decode(response);
    assertEquals(answer, {
      type: "fetch",
      errorCode: ErrorCode.NONE,
      highWatermark: 90,
      logStartOffset: version >= 5 ? 10 : -1,
      diverging: null,
      snapshotId: null,
      batches: [{ baseOffset: 95, lastOffset: 96, epoch: 7, control: [], bytes: BATCH }],
    });
    if (version >= 12) assertEquals(leader, learntLeader(version, 16));
  }
});

test("Fetch has the fields of Kafka's schema", async () => {
  assertEquals(MESSAGE, {
    clusterId: CLUSTER_ID,
    replicaId: 3,
    replicaState: { replicaId: 3, replicaEpoch: -1 },
    maxWaitMs: 500,
    minBytes: 0,
    maxBytes: 1_048_576,
    topics: [{
      topic: "__cluster_metadata",
      topicId: METADATA_TOPIC_ID,
      partitions: [{
        partition: 0,
        currentLeaderEpoch: 7,
        fetchOffset: 95,
        lastFetchedEpoch: 6,
        partitionMaxBytes: 1_048_576,
        replicaDirectoryId: DIRECTORIES[2]!,
        highWatermark: 88,
      }],
    }],
    forgottenTopicsData: [],
  });
  const unknown = encodeFetch({ ...REQUEST, highWatermark: Infinity }, SENDER);
  assertEquals(unknown.topics[0]!.partitions[0]!.highWatermark, MAX_INT64);
  const replica = new FakeReplica();
  replica.answer({ ...ANSWER, read: null });
  assertEquals(await ask(replica, 18), {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 0,
    responses: [{
      topic: "",
      topicId: METADATA_TOPIC_ID,
      partitions: [{
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 90,
        lastStableOffset: -1,
        logStartOffset: 10,
        divergingEpoch: { epoch: -1, endOffset: -1 },
        currentLeader: { leaderId: 2, leaderEpoch: 7 },
        snapshotId: { endOffset: -1, epoch: -1 },
        abortedTransactions: null,
        preferredReadReplica: -1,
        records: new Uint8Array(),
      }],
    }],
    nodeEndpoints: [{ nodeId: 2, host: "node2.example", port: 9093, rack: null }],
  });
});

test("Fetch answers with a diverging epoch, a snapshot to fetch instead, or an error", async () => {
  const diverging = { epoch: 5, endOffset: 80 };
  const snapshotId = { endOffset: 60, epoch: 4 };
  for (
    const answer of [
      { ...ANSWER, diverging },
      { ...ANSWER, snapshotId },
      { ...ANSWER, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER },
    ]
  ) {
    const replica = new FakeReplica();
    replica.answer({ ...answer, read: null });
    const isError = answer.errorCode !== ErrorCode.NONE;
    const { read: _read, ...expected } = answer;
    assertEquals(decode(await ask(replica, 17)), {
      ...expected,
      ...(isError ? { highWatermark: -1, logStartOffset: -1 } : {}),
      leader: learntLeader(17),
      batches: [],
    });
  }
});

test("Fetch limits the size of its answer, and reads -1 and less as no replica", async () => {
  for (
    const [maxBytes, replicaId, expected] of [
      [0, -1, [1, -1]],
      [-5, -7, [1, -1]],
      [0x7fffffff, 0, [8_388_608, 0]],
      [4_096, 5, [4_096, 5]],
    ] as [number, number, number[]][]
  ) {
    for (const version of [14, 15]) {
      const replica = new FakeReplica();
      replica.answer(ANSWER);
      const replicaState = { replicaId, replicaEpoch: -1 };
      await ask(replica, version, { ...MESSAGE, maxBytes, replicaId, replicaState });
      const [asked] = replica.requests as [FetchRequest];
      assertEquals([asked.maxBytes, asked.replica.id], expected);
    }
  }
});

test("Fetch takes a high watermark beyond all logs for an unknown one", async () => {
  const [topic] = MESSAGE.topics;
  for (
    const [highWatermark, expected] of [
      [MAX_INT64, Infinity],
      [9_007_199_254_740_993n, Infinity],
      [-1, -1],
      [0, 0],
    ] as const
  ) {
    const replica = new FakeReplica();
    replica.answer(ANSWER);
    const partitions = [{ ...topic!.partitions[0]!, highWatermark }];
    await ask(replica, 18, { ...MESSAGE, topics: [{ ...topic!, partitions }] });
    assertEquals((replica.requests[0] as FetchRequest).highWatermark, expected);
  }
});

test("Fetch rejects another cluster and other partitions", async () => {
  const [topic] = MESSAGE.topics;
  const others = otherPartitions([topic!], {
    renamed: { topic: "events", topicId: DIRECTORIES[0]! },
    renumbered: { partition: 1 },
  });
  for (const version of versionsOf(fetch)) {
    const errorOf = async (replica: FakeReplica, message: typeof MESSAGE) => {
      const { errorCode, responses } = await ask(replica, version, message);
      // Versions without an error for the whole request have it for each partition.
      const codes = responses.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
      assertEquals(
        codes.length,
        version >= 7 ? 0 : message.topics.flatMap(({ partitions }) => partitions).length,
      );
      return { errorCode: version >= 7 ? errorCode : codes[0] ?? ErrorCode.INVALID_REQUEST };
    };
    if (version >= 12) {
      await assertRefused(errorOf, "INCONSISTENT_CLUSTER_ID", {
        "another cluster": { ...MESSAGE, clusterId: "x" },
      });
    }
    await assertRefused(
      errorOf,
      "INVALID_REQUEST",
      Object.fromEntries(
        Object.entries(others).map(([what, topics]) => [what, { ...MESSAGE, topics }]),
      ),
    );
  }
});

test("decodeFetchAnswer() rejects impossible positions and other partitions", async () => {
  const replica = new FakeReplica();
  replica.answer({ ...ANSWER, read: null });
  const response = await ask(replica, 18);
  const [topic] = response.responses;
  const [partition] = topic!.partitions;
  const changed = (fields: Partial<NonNullable<typeof partition>>): FetchResponse => ({
    ...response,
    responses: [{ ...topic!, partitions: [{ ...partition!, ...fields }] }],
  });
  for (
    const bad of [
      changed({ highWatermark: 2 ** 60 }),
      changed({ highWatermark: -2 }),
      changed({ logStartOffset: -2 }),
      changed({ divergingEpoch: { epoch: 3, endOffset: -1 } }),
      changed({ divergingEpoch: { epoch: -1, endOffset: 3 } }),
      changed({ snapshotId: { epoch: 3, endOffset: 2 ** 60 } }),
      changed({ snapshotId: { epoch: -1, endOffset: 3 } }),
      changed({ partitionIndex: 1 }),
      { ...response, responses: [] },
      { ...response, responses: [{ ...topic!, topicId: DIRECTORIES[0]! }] },
    ]
  ) assertThrows(() => decode(bad), ProtocolError, "answer");
  assertEquals(decode(changed({ records: null })).batches, []);
  const failed = decode({ ...response, errorCode: ErrorCode.INVALID_REQUEST, responses: [] });
  assertEquals([errorName(failed.errorCode), failed.leader.epoch], ["INVALID_REQUEST", -1]);
});
