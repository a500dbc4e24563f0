import { assertEquals } from "@std/assert";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { removeRaftVoter } from "../../../src/protocol/messages/remove_raft_voter.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { removeRaftVoterHandler } from "../../../src/raft/handlers/remove_raft_voter.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import { assertRefused, CLUSTER_ID, DIRECTORIES, FakeReplica, LEADER } from "./fixture.ts";

const MESSAGE: RequestInputOf<typeof removeRaftVoter> = {
  clusterId: CLUSTER_ID,
  voterId: 3,
  voterDirectoryId: DIRECTORIES[2]!,
};

const ask = (version: number) => (replica: FakeReplica, request: typeof MESSAGE) =>
  replica.ask(removeRaftVoterHandler, removeRaftVoter, version, request);

test("RemoveRaftVoter carries the request to the core and its answer back, in every version", async () => {
  for (const version of versionsOf(removeRaftVoter)) {
    const replica = new FakeReplica();
    replica.answer({ type: "remove-voter", errorCode: ErrorCode.NONE, leader: LEADER });
    assertEquals(await ask(version)(replica, MESSAGE), {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
    });
    assertEquals(replica.requests, [{
      type: "remove-voter",
      voter: { id: 3, directoryId: DIRECTORIES[2]! },
    }]);
    const errorMessage = "Cannot remove voter 3: it is the last one";
    const errorCode = ErrorCode.VOTER_NOT_FOUND;
    replica.answer({ type: "remove-voter", errorCode, errorMessage, leader: LEADER });
    assertEquals(await ask(version)(replica, { ...MESSAGE, clusterId: null }), {
      throttleTimeMs: 0,
      errorCode,
      errorMessage,
    });
  }
});

test("RemoveRaftVoter rejects another cluster and voters that cannot be", async () => {
  for (const version of versionsOf(removeRaftVoter)) {
    await assertRefused(ask(version), "INCONSISTENT_CLUSTER_ID", {
      "another cluster": { ...MESSAGE, clusterId: "x" },
    });
    await assertRefused(ask(version), "INVALID_REQUEST", {
      "a negative id": { ...MESSAGE, voterId: -1 },
      "no directory": { ...MESSAGE, voterDirectoryId: ZERO_UUID },
    });
  }
});
