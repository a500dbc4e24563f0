import { assertEquals } from "@std/assert";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { ErrorCode, errorName, KafkaError } from "../../../src/protocol/errors.ts";
import { addRaftVoter } from "../../../src/protocol/messages/add_raft_voter.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { addRaftVoterHandler } from "../../../src/raft/handlers/add_raft_voter.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import { assertRefused, CLUSTER_ID, DIRECTORIES, FakeReplica, LEADER } from "./fixture.ts";

const LISTENER = { name: "CONTROLLER", host: "node3", port: 9093 };
const MESSAGE: RequestInputOf<typeof addRaftVoter> = {
  clusterId: CLUSTER_ID,
  timeoutMs: 30_000,
  voterId: 3,
  voterDirectoryId: DIRECTORIES[2]!,
  listeners: [LISTENER],
  ackWhenCommitted: false,
};

const ask = (version: number) => (replica: FakeReplica, request: typeof MESSAGE) =>
  replica.ask(addRaftVoterHandler, addRaftVoter, version, request);

test("AddRaftVoter carries the request to the core and its answer back, in every version", async () => {
  for (const version of versionsOf(addRaftVoter)) {
    const replica = new FakeReplica();
    replica.answer({ type: "add-voter", errorCode: ErrorCode.NONE, leader: LEADER });
    assertEquals(await ask(version)(replica, MESSAGE), {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
    });
    assertEquals(replica.requests, [{
      type: "add-voter",
      voter: { id: 3, directoryId: DIRECTORIES[2]! },
      endpoints: [LISTENER],
      waitsForCommit: version < 1,
    }]);
    assertEquals(replica.clock.pending(), 0);
    const errorMessage = "Cannot add voter 3: try again";
    const errorCode = ErrorCode.DUPLICATE_VOTER;
    replica.answer({ type: "add-voter", errorCode, errorMessage, leader: LEADER });
    assertEquals(await ask(version)(replica, { ...MESSAGE, clusterId: null }), {
      throttleTimeMs: 0,
      errorCode,
      errorMessage,
    });
  }
});

test("AddRaftVoter rejects another cluster and voters that cannot be", async () => {
  for (const version of versionsOf(addRaftVoter)) {
    await assertRefused(ask(version), "INCONSISTENT_CLUSTER_ID", {
      "another cluster": { ...MESSAGE, clusterId: "x" },
    });
    await assertRefused(ask(version), "INVALID_REQUEST", {
      "a negative id": { ...MESSAGE, voterId: -1 },
      "no directory": { ...MESSAGE, voterDirectoryId: ZERO_UUID },
      "no host": { ...MESSAGE, listeners: [{ ...LISTENER, host: "" }] },
      "no port": { ...MESSAGE, listeners: [{ ...LISTENER, port: 0 }] },
      "a listener twice": { ...MESSAGE, listeners: [LISTENER, LISTENER] },
    });
  }
});

test("AddRaftVoter answers REQUEST_TIMED_OUT when the change takes longer than allowed", async () => {
  for (const [timeoutMs, waitMs] of [[200, 200], [0, 0], [-1, 0]] as const) {
    const replica = new FakeReplica();
    replica.reply = new Promise(() => {});
    const answered = ask(1)(replica, { ...MESSAGE, timeoutMs });
    replica.clock.advance(waitMs);
    const { errorCode, errorMessage } = await answered;
    assertEquals(errorName(errorCode), "REQUEST_TIMED_OUT");
    assertEquals(
      errorMessage,
      `Cannot add voter 3 within ${timeoutMs} ms; the change may still be made, look at the voters`,
    );
  }
});

test("AddRaftVoter answers with the error of a replica that has ended", async () => {
  const replica = new FakeReplica();
  replica.reply = new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, "The node is shutting down");
  const { errorCode, errorMessage } = await ask(1)(replica, MESSAGE);
  assertEquals(
    [errorName(errorCode), errorMessage],
    ["NOT_LEADER_OR_FOLLOWER", "The node is shutting down"],
  );
  assertEquals(replica.clock.pending(), 0);
});
