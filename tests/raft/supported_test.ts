import { assertEquals } from "@std/assert";
import { RAFT_HANDLERS } from "../../src/raft/supported.ts";
import { test } from "../harness.ts";

test("RAFT_HANDLERS lists the requests of the quorum in all versions of Kafka 4.4, by key", () => {
  assertEquals(
    RAFT_HANDLERS.map(({ api }) => `${api.key} ${api.name} ${api.minVersion}-${api.maxVersion}`),
    [
      "1 Fetch 4-18",
      "52 Vote 0-2",
      "53 BeginQuorumEpoch 0-1",
      "54 EndQuorumEpoch 0-1",
      "55 DescribeQuorum 0-2",
      "59 FetchSnapshot 0-1",
      "80 AddRaftVoter 0-1",
      "81 RemoveRaftVoter 0-0",
      "82 UpdateRaftVoter 0-0",
    ],
  );
});
