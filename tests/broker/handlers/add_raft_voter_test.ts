import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { addRaftVoter } from "../../../src/protocol/messages/add_raft_voter.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("AddRaftVoter is answered by the leader of the quorum through a broker, in every version", () =>
  withBroker(async ({ client, broker }) => {
    const request = {
      timeoutMs: 30_000,
      voterId: 7,
      voterDirectoryId: "fhYb7GWTQ0qGlWhpEBKqkA",
      listeners: [{ name: "CONTROLLER", host: "seven.example", port: 9093 }],
    };
    for (const version of versionsOf(addRaftVoter)) {
      const codeFor = async (clusterId: string) =>
        errorName(
          (await client.request(addRaftVoter, version, { ...request, clusterId })).errorCode,
        );
      // The voters of a quorum with kraft.version 0 are those in the settings.
      assertEquals(await codeFor(broker.clusterId), "UNSUPPORTED_VERSION");
      assertEquals(await codeFor("another-cluster-000000"), "INCONSISTENT_CLUSTER_ID");
    }
  }));
