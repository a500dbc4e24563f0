import { assertEquals } from "@std/assert";
import { listPartitionReassignmentsHandler } from "../../../src/broker/handlers/list_partition_reassignments.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { listPartitionReassignments } from "../../../src/protocol/messages/list_partition_reassignments.ts";
import { imageOf } from "../../controller/fixture.ts";
import { test } from "../../harness.ts";
import { CHAT, EVENTS, partition, partitionWith, topic } from "../../metadata/fixture.ts";
import { withBroker } from "../fixture.ts";
import { askHandler } from "../../network/server/ask_handler.ts";

test("ListPartitionReassignments returns none on a single node, and ignores unknown topics", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    const asked = [
      null,
      [],
      [{ name: "events", partitionIndexes: [0, 7] }],
      [{ name: "nope", partitionIndexes: [0] }],
    ];
    for (const topics of asked) {
      const answer = await client.request(listPartitionReassignments, 0, { topics });
      assertEquals([errorName(answer.errorCode), answer.topics], ["NONE", []]);
    }
  }));

test("ListPartitionReassignments returns a reassignment in the metadata log", async () => {
  const image = imageOf(
    topic("events", EVENTS),
    partition(EVENTS, 0),
    partitionWith(EVENTS, 1, { replicas: [1, 2, 3], addingReplicas: [3], removingReplicas: [2] }),
    topic("chat", CHAT),
    partitionWith(CHAT, 0, { replicas: [1, 2], removingReplicas: [2] }),
  );
  const list = async (topics: { name: string; partitionIndexes: number[] }[] | null) =>
    (await askHandler(
      listPartitionReassignmentsHandler,
      listPartitionReassignments,
      0,
      { topics },
      { services: { image: () => image } },
    )).topics;
  const moving = [{
    name: "events",
    partitions: [{
      partitionIndex: 1,
      replicas: [1, 2, 3],
      addingReplicas: [3],
      removingReplicas: [2],
    }],
  }];
  assertEquals(await list(null), [...moving, {
    name: "chat",
    partitions: [{
      partitionIndex: 0,
      replicas: [1, 2],
      addingReplicas: [],
      removingReplicas: [2],
    }],
  }]);
  assertEquals(await list([{ name: "events", partitionIndexes: [0, 1] }]), moving);
  assertEquals(await list([{ name: "events", partitionIndexes: [0] }]), []);
});
