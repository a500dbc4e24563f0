import { assertEquals, assertThrows } from "@std/assert";
import { CommandError } from "../../cli/fail.ts";
import { checkReplicas, describePlacement, placeTopics } from "../../cli/first_topics.ts";
import { test } from "../harness.ts";

const TOPICS = [
  { name: "chat", partitions: 2, replicationFactor: 3 },
  { name: "event", partitions: 3 },
  { name: "one" },
];

test("placeTopics() spreads leaders from topic to topic, or puts all on one broker", () => {
  assertEquals(placeTopics(TOPICS, [4, 2, 3], "spread"), [
    { name: "chat", leaders: [2, 3] },
    { name: "event", leaders: [4, 2, 3] },
    { name: "one", leaders: [4] },
  ]);
  assertEquals(placeTopics(TOPICS, [4, 2, 3], "same"), [
    { name: "chat", leaders: [2, 2] },
    { name: "event", leaders: [2, 2, 2] },
    { name: "one", leaders: [2] },
  ]);
});

test("describePlacement() names the leaders of the first partitions", () => {
  const describe = (...leaders: number[]) => describePlacement({ name: "t", leaders });
  assertEquals(describe(7), "1 partition, partition:leader 0:7");
  assertEquals(describe(2, 3), "2 partitions, partition:leader 0:2 1:3");
  const many = describe(...Array.from({ length: 14 }, () => 5));
  assertEquals(many.slice(-16), "10:5 11:5 and 2 more".slice(-16));
});

test("checkReplicas() rejects more replicas than brokers", () => {
  checkReplicas(TOPICS, 3, "topic.json");
  const error = assertThrows(() => checkReplicas(TOPICS, 2, "topic.json"), CommandError);
  assertEquals(
    (error as Error).message,
    'Cannot use the topics in "topic.json": "chat" asks for 3 replicas, and <num_brokers> is 2; start ' +
      "more brokers, or lower its replication_factor",
  );
});
