import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import {
  fetchSnapshot,
  type FetchSnapshotResponse,
} from "../../../src/protocol/messages/fetch_snapshot.ts";
import { ProtocolError } from "../../../src/protocol/protocol_error.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { FetchSnapshotRequest, OwnAnswer } from "../../../src/raft/core/messages.ts";
import { fetchSnapshotHandler } from "../../../src/raft/handlers/fetch_snapshot.ts";
import {
  decodeFetchSnapshotAnswer,
  encodeFetchSnapshot,
} from "../../../src/raft/wire/fetch_snapshot.ts";
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

const REQUEST: FetchSnapshotRequest = {
  type: "fetch-snapshot",
  epoch: 7,
  replica: { id: 3, directoryId: DIRECTORIES[2]! },
  id: { endOffset: 60, epoch: 4 },
  position: 4_000,
  maxBytes: 1_000,
};
const ANSWER: OwnAnswer & { type: "fetch-snapshot" } = {
  type: "fetch-snapshot",
  errorCode: ErrorCode.NONE,
  leader: LEADER,
  id: REQUEST.id,
  read: { position: 4_000, maxBytes: 1_000 },
};
const PART = { size: 4_003, bytes: new Uint8Array([7, 8, 9]) };
const MESSAGE = encodeFetchSnapshot(REQUEST, SENDER);

function ask(replica: FakeReplica, version: number, message: typeof MESSAGE = MESSAGE) {
  return replica.ask(fetchSnapshotHandler, fetchSnapshot, version, message);
}

/** Returns a request with other fields of the partition. */
function withFields(fields: Partial<typeof MESSAGE.topics[number]["partitions"][number]>) {
  const [topic] = MESSAGE.topics;
  return {
    ...MESSAGE,
    topics: [{ ...topic!, partitions: [{ ...topic!.partitions[0]!, ...fields }] }],
  };
}

test("FetchSnapshot carries the request of the core and its answer, in every version", async () => {
  for (const version of versionsOf(fetchSnapshot)) {
    const replica = new FakeReplica();
    replica.answer(ANSWER, { snapshotPart: PART });
    const response = await ask(replica, version);
    assertEquals(replica.requests, [{
      ...REQUEST,
      replica: { id: 3, directoryId: version >= 1 ? DIRECTORIES[2]! : ZERO_UUID },
    }]);
    assertEquals(decodeFetchSnapshotAnswer(response, SENDER), {
      type: "fetch-snapshot",
      errorCode: ErrorCode.NONE,
      leader: learntLeader(version),
      id: REQUEST.id,
      size: 4_003,
      position: 4_000,
      bytes: PART.bytes,
    });
  }
});

test("FetchSnapshot has the fields of Kafka's schema", async () => {
  assertEquals(MESSAGE, {
    clusterId: CLUSTER_ID,
    replicaId: 3,
    maxBytes: 1_000,
    topics: [{
      name: "__cluster_metadata",
      partitions: [{
        partition: 0,
        currentLeaderEpoch: 7,
        snapshotId: { endOffset: 60, epoch: 4 },
        position: 4_000,
        replicaDirectoryId: DIRECTORIES[2]!,
      }],
    }],
  });
  const replica = new FakeReplica();
  replica.answer(ANSWER, { snapshotPart: PART });
  assertEquals(await ask(replica, 1), {
    throttleTimeMs: 0,
    errorCode: 0,
    topics: [{
      name: "__cluster_metadata",
      partitions: [{
        index: 0,
        errorCode: 0,
        snapshotId: { endOffset: 60, epoch: 4 },
        currentLeader: { leaderId: 2, leaderEpoch: 7 },
        size: 4_003,
        position: 4_000,
        unalignedRecords: PART.bytes,
      }],
    }],
    nodeEndpoints: [{ nodeId: 2, host: "node2.example", port: 9093 }],
  });
});

test("FetchSnapshot answers with the error of the core, and for a snapshot or position that is not there", async () => {
  const cases = [
    ["FENCED_LEADER_EPOCH", { errorCode: ErrorCode.FENCED_LEADER_EPOCH, read: null }, null],
    ["SNAPSHOT_NOT_FOUND", {}, null],
    ["POSITION_OUT_OF_RANGE", {}, { size: 4_000, bytes: new Uint8Array() }],
    ["POSITION_OUT_OF_RANGE", {}, { size: 10, bytes: new Uint8Array() }],
  ] as const;
  for (const [expected, change, snapshotPart] of cases) {
    const replica = new FakeReplica();
    replica.answer({ ...ANSWER, ...change }, { snapshotPart });
    const { errorCode, leader, bytes } = decodeFetchSnapshotAnswer(await ask(replica, 1), SENDER);
    assertEquals([errorName(errorCode), leader, bytes.length], [expected, learntLeader(1), 0]);
  }
});

test("FetchSnapshot answers an impossible position after what the core finds wrong", async () => {
  for (const position of [-1, 2 ** 53 - 1]) {
    const replica = new FakeReplica();
    replica.answer(
      { ...ANSWER, read: { position, maxBytes: 1_000 } },
      { snapshotPart: PART },
    );
    const response = await ask(replica, 1, withFields({ position }));
    const { errorCode } = decodeFetchSnapshotAnswer(response, SENDER);
    assertEquals(errorName(errorCode), "POSITION_OUT_OF_RANGE");
    const [asked] = replica.requests as [FetchSnapshotRequest];
    assertEquals(asked.position, Math.max(0, position));
  }
  const replica = new FakeReplica();
  replica.answer({ ...ANSWER, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, read: null });
  const response = await ask(replica, 1, withFields({ position: -1 }));
  const { errorCode } = decodeFetchSnapshotAnswer(response, SENDER);
  assertEquals(errorName(errorCode), "NOT_LEADER_OR_FOLLOWER");
});

test("FetchSnapshot rejects another cluster and other partitions, and limits the size of a part", async () => {
  const [topic] = MESSAGE.topics;
  const others = otherPartitions([topic!], {
    renamed: { name: "events" },
    renumbered: { partition: 1 },
  });
  for (const version of versionsOf(fetchSnapshot)) {
    const refuse = (replica: FakeReplica, request: typeof MESSAGE) =>
      ask(replica, version, request);
    await assertRefused(refuse, "INCONSISTENT_CLUSTER_ID", {
      "another cluster": { ...MESSAGE, clusterId: "x" },
    });
    await assertRefused(
      refuse,
      "INVALID_REQUEST",
      Object.fromEntries(
        Object.entries(others).map(([what, topics]) => [what, { ...MESSAGE, topics }]),
      ),
    );
  }
  for (const [maxBytes, allowed] of [[-1, 1], [0x7fffffff, 8_388_608]] as const) {
    const replica = new FakeReplica();
    replica.answer(ANSWER, { snapshotPart: PART });
    await ask(replica, 1, { ...MESSAGE, maxBytes });
    assertEquals((replica.requests[0] as FetchSnapshotRequest).maxBytes, allowed);
  }
});

test("decodeFetchSnapshotAnswer() rejects impossible positions and other partitions", async () => {
  const replica = new FakeReplica();
  replica.answer(ANSWER, { snapshotPart: PART });
  const response = await ask(replica, 1);
  const [topic] = response.topics;
  const [partition] = topic!.partitions;
  const changed = (fields: Partial<NonNullable<typeof partition>>): FetchSnapshotResponse => ({
    ...response,
    topics: [{ ...topic!, partitions: [{ ...partition!, ...fields }] }],
  });
  for (
    const bad of [
      changed({ size: -1 }),
      changed({ size: 2 ** 60 }),
      changed({ position: -1 }),
      changed({ snapshotId: { endOffset: -1, epoch: 0 } }),
      changed({ index: 1 }),
      { ...response, topics: [] },
    ]
  ) assertThrows(() => decodeFetchSnapshotAnswer(bad, SENDER), ProtocolError, "answer");
  const failed = decodeFetchSnapshotAnswer(
    { ...response, errorCode: ErrorCode.INVALID_REQUEST, topics: [] },
    SENDER,
  );
  assertEquals([errorName(failed.errorCode), failed.leader.epoch], ["INVALID_REQUEST", -1]);
});
