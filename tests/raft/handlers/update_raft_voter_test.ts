import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { updateRaftVoter } from "../../../src/protocol/messages/update_raft_voter.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { UpdateVoterRequest } from "../../../src/raft/core/messages.ts";
import { updateRaftVoterHandler } from "../../../src/raft/handlers/update_raft_voter.ts";
import {
  decodeUpdateVoterAnswer,
  encodeUpdateVoter,
} from "../../../src/raft/wire/voter_changes.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import {
  assertRefused,
  CLUSTER_ID,
  DIRECTORIES,
  FakeReplica,
  LEADER,
  learntLeader,
  SENDER,
  voter,
} from "./fixture.ts";

const REQUEST: UpdateVoterRequest = { type: "update-voter", epoch: 7, voter: voter(3) };
const MESSAGE = encodeUpdateVoter(REQUEST, SENDER);

const ask = (version: number) => (replica: FakeReplica, request: typeof MESSAGE) =>
  replica.ask(updateRaftVoterHandler, updateRaftVoter, version, request);

test("UpdateRaftVoter carries the request of the core and its answer, in every version", async () => {
  for (const version of versionsOf(updateRaftVoter)) {
    for (const errorCode of [ErrorCode.NONE, ErrorCode.FENCED_LEADER_EPOCH]) {
      const replica = new FakeReplica();
      replica.answer({ type: "update-voter", errorCode, leader: LEADER });
      const response = await ask(version)(replica, MESSAGE);
      assertEquals(replica.requests, [REQUEST]);
      assertEquals(response, {
        throttleTimeMs: 0,
        errorCode,
        currentLeader: { leaderId: 2, leaderEpoch: 7, host: "node2.example", port: 9093 },
      });
      assertEquals(decodeUpdateVoterAnswer(response, SENDER), {
        type: "update-voter",
        errorCode,
        leader: learntLeader(1),
      });
    }
  }
});

test("UpdateRaftVoter has the fields of Kafka's schema", () => {
  assertEquals(MESSAGE, {
    clusterId: CLUSTER_ID,
    currentLeaderEpoch: 7,
    voterId: 3,
    voterDirectoryId: DIRECTORIES[2]!,
    listeners: [
      { name: "INTERNAL", host: "node3", port: 9193 },
      { name: "PLAINTEXT", host: "node3.example", port: 9093 },
    ],
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
  });
});

test("UpdateRaftVoter answers without a leader while none is known", async () => {
  const replica = new FakeReplica();
  const leader = { epoch: 8, leaderId: -1, endpoints: [] };
  replica.answer({ type: "update-voter", errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, leader });
  const response = await ask(0)(replica, MESSAGE);
  assertEquals(decodeUpdateVoterAnswer(response, SENDER).leader, leader);
});

test("UpdateRaftVoter rejects another cluster and voters that cannot be", async () => {
  await assertRefused(ask(0), "INCONSISTENT_CLUSTER_ID", {
    "another cluster": { ...MESSAGE, clusterId: "x" },
  });
  const [listener] = MESSAGE.listeners;
  await assertRefused(ask(0), "INVALID_REQUEST", {
    "a negative id": { ...MESSAGE, voterId: -1 },
    "no directory": { ...MESSAGE, voterDirectoryId: ZERO_UUID },
    "no listener": { ...MESSAGE, listeners: [] },
    "a listener twice": { ...MESSAGE, listeners: [listener!, listener!] },
    "no levels": {
      ...MESSAGE,
      kRaftVersionFeature: { minSupportedVersion: 1, maxSupportedVersion: 0 },
    },
    "a negative level": {
      ...MESSAGE,
      kRaftVersionFeature: { minSupportedVersion: -1, maxSupportedVersion: 0 },
    },
  });
});
