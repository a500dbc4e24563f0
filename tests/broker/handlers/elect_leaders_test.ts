import { assertEquals } from "@std/assert";
import { encodeBatchInSteps } from "../../../src/metadata/record_batches.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { electLeaders } from "../../../src/protocol/messages/elect_leaders.ts";
import { offsetForLeaderEpoch } from "../../../src/protocol/messages/offset_for_leader_epoch.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { test } from "../../harness.ts";
import { openStorage } from "../../metadata/fixture.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";
import type { RawClient } from "../raw_client.ts";
import { versionsOf } from "./group_requests.ts";

const PREFERRED = 0;
const UNCLEAN = 1;
const UNKNOWN = 5;

type Asked = { topic: string; partitions: number[] }[] | null;

async function elect(client: RawClient, version: number, electionType: number, asked: Asked) {
  const { errorCode, replicaElectionResults } = await client.request(electLeaders, version, {
    electionType,
    topicPartitions: asked,
  });
  return [
    errorName(errorCode),
    ...replicaElectionResults.map(({ topic, partitionResult }) =>
      `${topic}: ` +
      partitionResult.map(({ partitionId, errorCode }) => `${partitionId} ${errorName(errorCode)}`)
        .join(", ")
    ),
  ];
}

test("ElectLeaders answers ELECTION_NOT_NEEDED for partitions with a leader, in every version", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    const asked = [
      { topic: "events", partitions: [0, 1, 9] },
      { topic: "nope", partitions: [0] },
      { topic: "events", partitions: [1] },
    ];
    for (const version of versionsOf(electLeaders)) {
      for (const type of [PREFERRED, UNCLEAN]) {
        assertEquals(await elect(client, version, type, asked), [
          "NONE",
          "events: 0 ELECTION_NOT_NEEDED, 1 ELECTION_NOT_NEEDED, 9 UNKNOWN_TOPIC_OR_PARTITION",
          "nope: 0 UNKNOWN_TOPIC_OR_PARTITION",
          "events: 1 ELECTION_NOT_NEEDED",
        ]);
        assertEquals(await elect(client, version, type, null), ["NONE", "events: "]);
        assertEquals(await elect(client, version, type, []), ["NONE"]);
      }
    }
  }));

test("ElectLeaders rejects unknown types of election", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const asked = [{ topic: "events", partitions: [0] }];
    for (const version of [1, 2]) {
      assertEquals(await elect(client, version, UNKNOWN, asked), [
        "INVALID_REQUEST",
        "events: 0 INVALID_REQUEST",
      ]);
      assertEquals(await elect(client, version, UNKNOWN, null), ["INVALID_REQUEST"]);
      assertEquals(await elect(client, version, UNKNOWN, []), ["NONE"]);
    }
  }));

test("ElectLeaders elects a replica that is not in sync, which starts its leader epoch", async () => {
  const files = new MemoryFileSystem();
  let topicId = "";
  await withBroker(
    async ({ client, createTopic }) => {
      topicId = await createTopic({ name: "events", numPartitions: 1 });
      await produceTo(client, "events", 0, batchOf(["a", "b"]));
    },
    {},
    files,
  );
  // The state after the last broker in sync has failed.
  const storage = openStorage({ ...hostRuntime(), files });
  const leaderEpoch = storage.latestEpoch;
  const change: MetadataRecordInput = {
    name: "PartitionChangeRecord",
    value: { topicId, partitionId: 0, replicas: [2, 1], isr: [2], leader: -1 },
  };
  const batch = atOnce(encodeBatchInSteps([change], { epoch: leaderEpoch, timestamp: 0 }));
  storage.append(batch, { leaderEpoch, origin: "raft" });
  await storage.flush();
  storage.close();
  await withBroker(
    async ({ client, broker }) => {
      const partition = () => broker.image.topicByName("events")!.partitions[0]!;
      const { leader, leaderEpoch } = partition();
      assertEquals(leader, -1);
      const asked = [{ topic: "events", partitions: [0] }];
      assertEquals(await elect(client, 2, PREFERRED, asked), [
        "NONE",
        "events: 0 PREFERRED_LEADER_NOT_AVAILABLE",
      ]);
      assertEquals(await elect(client, 2, UNCLEAN, asked), ["NONE", "events: 0 NONE"]);
      assertEquals([partition().leader, partition().isr, partition().leaderRecoveryState], [
        1,
        [1],
        1,
      ]);
      const elected = partition().leaderEpoch;
      assertEquals(elected > leaderEpoch, true);
      const { topics } = await client.request(offsetForLeaderEpoch, 4, {
        replicaId: -1,
        topics: [{
          topic: "events",
          partitions: [{ partition: 0, currentLeaderEpoch: elected, leaderEpoch: elected }],
        }],
      });
      const { leaderEpoch: found, endOffset } = topics[0]!.partitions[0]!;
      assertEquals([found, endOffset], [elected, 2]);
    },
    {},
    files,
  );
});
