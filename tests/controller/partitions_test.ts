import { assertEquals } from "@std/assert";
import type { NewPartitions } from "../../src/controller/partitions.ts";
import type { MetadataImage } from "../../src/metadata/image.ts";
import { test } from "../harness.ts";
import { broker, EVENTS, partition, topic } from "../metadata/fixture.ts";
import { decideCreatePartitions } from "./decisions.ts";
import { imageOf, outcomes } from "./fixture.ts";

const IMAGE = imageOf(
  broker(1),
  broker(2),
  topic("events", EVENTS),
  partition(EVENTS, 0),
  partition(EVENTS, 1),
);

function decide(topics: readonly NewPartitions[], image: MetadataImage = IMAGE) {
  return decideCreatePartitions(topics, { image, below: () => 0 });
}

test("new partitions continue the numbers of existing ones", () => {
  const { records, results } = decide([{ name: "events", count: 4 }]);
  assertEquals(outcomes(results), ["events: NONE"]);
  assertEquals(
    records.map((record) => record.name === "PartitionRecord" && record.value.partitionId),
    [2, 3],
  );
});

test("new partitions have the replication factor of the first partition", () => {
  const { records } = decide([{ name: "events", count: 3 }]);
  assertEquals(records.map((it) => it.name === "PartitionRecord" && it.value.replicas), [[1]]);
});

test("manual assignments are used unchanged", () => {
  const { records } = decide([{ name: "events", count: 3, assignments: [{ brokerIds: [2] }] }]);
  assertEquals(records.map((it) => it.name === "PartitionRecord" && it.value.leader), [2]);
});

test("invalid requests have distinct errors", () => {
  const withAssignments = (count: number, ...brokerIds: number[][]): NewPartitions => ({
    name: "events",
    count,
    assignments: brokerIds.map((ids) => ({ brokerIds: ids })),
  });
  const codeOf = (asked: NewPartitions, image?: MetadataImage) =>
    outcomes(decide([asked], image).results).join();
  assertEquals(codeOf({ name: "chat", count: 2 }), "chat: UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(codeOf({ name: "events", count: 2 }), "events: INVALID_PARTITIONS");
  assertEquals(codeOf({ name: "events", count: 1 }), "events: INVALID_PARTITIONS");
  assertEquals(codeOf({ name: "events", count: -1 }), "events: INVALID_PARTITIONS");
  assertEquals(codeOf({ name: "events", count: 10_003 }), "events: POLICY_VIOLATION");
  assertEquals(codeOf(withAssignments(4, [1])), "events: INVALID_REPLICA_ASSIGNMENT");
  assertEquals(codeOf(withAssignments(3, [9])), "events: INVALID_REPLICA_ASSIGNMENT");
  assertEquals(codeOf(withAssignments(3, [1, 2])), "events: INVALID_REPLICA_ASSIGNMENT");
  assertEquals(codeOf(withAssignments(3, [])), "events: INVALID_REPLICA_ASSIGNMENT");
  const fenced = imageOf(
    broker(1, { fenced: true }),
    topic("events", EVENTS),
    partition(EVENTS, 0),
  );
  assertEquals(codeOf({ name: "events", count: 2 }, fenced), "events: INVALID_REPLICATION_FACTOR");
  assertEquals(codeOf(withAssignments(2, [1]), fenced), "events: INVALID_REPLICA_ASSIGNMENT");
});

test("a topic named twice is rejected without affecting others", () => {
  const { records, results } = decide([
    { name: "events", count: 3 },
    { name: "events", count: 4 },
    { name: "chat", count: 4 },
  ]);
  assertEquals(outcomes(results), ["events: INVALID_REQUEST", "chat: UNKNOWN_TOPIC_OR_PARTITION"]);
  assertEquals(records, []);
});
