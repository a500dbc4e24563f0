/** The requests of a group member, with a scripted coordinator. */
import { assertEquals } from "@std/assert";
import { ClusterClient } from "../../../src/client/cluster/cluster_client.ts";
import { GroupMember } from "../../../src/client/consumer/group_member.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { findCoordinator } from "../../../src/protocol/messages/find_coordinator.ts";
import { offsetCommit } from "../../../src/protocol/messages/offset_commit.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { test } from "../../harness.ts";
import { ScriptedBroker } from "../scripted_broker.ts";

const SETTINGS = {
  groupId: "readers",
  groupInstanceId: null,
  topics: ["events"],
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  heartbeatIntervalMs: 3_000,
};
const LISTENER = {
  revoked: () => Promise.resolve(),
  assigned: () => Promise.resolve(),
  lost: () => {},
  failed: () => {},
};

test("GroupMember.commit() looks up the coordinator again after NOT_COORDINATOR", async () => {
  const broker = new ScriptedBroker();
  const { host, port } = broker.address;
  broker.on(findCoordinator, () => ({
    coordinators: [{ key: "readers", nodeId: 1, host, port, errorCode: 0, errorMessage: null }],
  }));
  let refusals = 1;
  broker.on(offsetCommit, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: refusals-- > 0 ? ErrorCode.NOT_COORDINATOR : ErrorCode.NONE,
      })),
    })),
  }));
  const runtime = { ...hostRuntime(), network: broker.network };
  const client = new ClusterClient({
    bootstrapServers: broker.bootstrapServers,
    runtime,
    retryBackoffMs: 1,
  });
  const member = new GroupMember(client, runtime, SETTINGS, LISTENER);
  await member.commit([{ topic: "events", partition: 0, offset: 5 }]);
  assertEquals(broker.requests, [
    "FindCoordinator",
    "OffsetCommit",
    "FindCoordinator",
    "OffsetCommit",
  ]);
  client.close();
});
