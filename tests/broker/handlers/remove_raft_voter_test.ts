import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { removeRaftVoter } from "../../../src/protocol/messages/remove_raft_voter.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

test("RemoveRaftVoter is answered by the leader of the quorum through a broker", () =>
  withBroker(async ({ client, broker }) => {
    const codeFor = async (clusterId: string) => {
      const request = { clusterId, voterId: 1, voterDirectoryId: "fhYb7GWTQ0qGlWhpEBKqkA" };
      return errorName((await client.request(removeRaftVoter, 0, request)).errorCode);
    };
    // The voters of a quorum with kraft.version 0 are those in the settings.
    assertEquals(await codeFor(broker.clusterId), "UNSUPPORTED_VERSION");
    assertEquals(await codeFor("another-cluster-000000"), "INCONSISTENT_CLUSTER_ID");
  }));
