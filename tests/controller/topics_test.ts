import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import type { CreatableTopic, TopicContext, TopicReference } from "../../src/controller/topics.ts";
import { ErrorCode, errorName } from "../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { broker, CHAT, config, EVENTS, partition, topic } from "../metadata/fixture.ts";
import { decideCreateTopics, decideDeleteTopics } from "./decisions.ts";
import { imageOf, outcomes } from "./fixture.ts";

const ONE_BROKER = imageOf(broker(1, { logDirs: [CHAT] }));

function decide(topics: readonly CreatableTopic[], context: Partial<TopicContext> = {}) {
  return decideCreateTopics(topics, {
    image: ONE_BROKER,
    config: new BrokerConfig(),
    newTopicId: () => EVENTS,
    below: () => 0,
    ...context,
  });
}

function codes(topics: readonly CreatableTopic[], context: Partial<TopicContext> = {}): string[] {
  return outcomes(decide(topics, context).results);
}

test("decideCreateTopics() returns the topic record, its configs and its partitions in order", () => {
  const { records, results } = decide([{
    name: "events",
    numPartitions: 2,
    replicationFactor: 1,
    configs: [{ name: "retention.ms", value: "5" }],
  }]);
  const partitionValue = (partitionId: number) => ({
    partitionId,
    topicId: EVENTS,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [CHAT],
  });
  assertEquals(records, [
    topic("events", EVENTS),
    config(ConfigResourceType.TOPIC, "events", "retention.ms", "5"),
    { name: "PartitionRecord", value: partitionValue(0) },
    { name: "PartitionRecord", value: partitionValue(1) },
  ]);
  const [result] = results;
  assertEquals([result!.topicId, result!.numPartitions, result!.replicationFactor], [EVENTS, 2, 1]);
  assertEquals([...result!.overrides!], [["retention.ms", "5"]]);
});

test("-1 and absent numbers mean the broker's defaults", () => {
  const config = new BrokerConfig({ "num.partitions": "3" });
  for (const asked of [{ name: "a" }, { name: "a", numPartitions: -1, replicationFactor: -1 }]) {
    const [result] = decide([asked], { config }).results;
    assertEquals([result!.numPartitions, result!.replicationFactor], [3, 1]);
  }
});

test("invalid names are rejected without affecting other topics", () => {
  const image = imageOf(broker(1), topic("a.b", CHAT), partition(CHAT, 0));
  assertEquals(
    codes([
      { name: "" },
      { name: "a b" },
      { name: "__cluster_metadata" },
      { name: "a.b" },
      { name: "a_b" },
      { name: "new_one" },
      { name: "new.one" },
      { name: "twice" },
      { name: "twice" },
      { name: "good" },
    ], { image }),
    [
      ": INVALID_TOPIC_EXCEPTION",
      "a b: INVALID_TOPIC_EXCEPTION",
      "__cluster_metadata: INVALID_REQUEST",
      "a.b: TOPIC_ALREADY_EXISTS",
      "a_b: INVALID_TOPIC_EXCEPTION",
      "new_one: NONE",
      "new.one: INVALID_TOPIC_EXCEPTION",
      "twice: INVALID_REQUEST",
      "good: NONE",
    ],
  );
});

test("invalid numbers are rejected", () => {
  assertEquals(
    codes([
      { name: "a", numPartitions: 0 },
      { name: "b", numPartitions: -2 },
      { name: "c", replicationFactor: 0 },
      { name: "d", replicationFactor: -2 },
      { name: "e", replicationFactor: 2 },
      { name: "f", numPartitions: 10_000 },
      { name: "g", numPartitions: 2_147_483_647 },
    ]),
    [
      "a: INVALID_PARTITIONS",
      "b: INVALID_PARTITIONS",
      "c: INVALID_REPLICATION_FACTOR",
      "d: INVALID_REPLICATION_FACTOR",
      "e: INVALID_REPLICATION_FACTOR",
      "f: POLICY_VIOLATION",
      "g: POLICY_VIOLATION",
    ],
  );
});

test("a request exceeding the records of a batch is rejected in part", () => {
  const { records, results } = decide([
    { name: "a", numPartitions: 9_000 },
    { name: "b", numPartitions: 2_000 },
    { name: "c", numPartitions: 900 },
  ]);
  assertEquals(outcomes(results), ["a: NONE", "b: POLICY_VIOLATION", "c: NONE"]);
  assertEquals(records.length, 9_902);
});

test("lowerReplicationFactor reduces a factor above the number of brokers", () => {
  const [result] = decide([{ name: "a", replicationFactor: 3 }], { lowerReplicationFactor: true })
    .results;
  assertEquals([result!.replicationFactor, result!.loweredFrom], [1, 3]);
  const [same] = decide([{ name: "a", replicationFactor: 1 }], { lowerReplicationFactor: true })
    .results;
  assertEquals(same!.loweredFrom, null);
});

test("no topic is created without an active broker", () => {
  assertEquals(codes([{ name: "a" }], { image: imageOf() }), ["a: INVALID_REPLICATION_FACTOR"]);
  const image = imageOf(broker(1, { fenced: true }));
  assertEquals(codes([{ name: "a" }], { image }), ["a: INVALID_REPLICATION_FACTOR"]);
  const assignments = [{ partitionIndex: 0, brokerIds: [1] }];
  assertEquals(codes([{ name: "a", assignments }], { image }), ["a: INVALID_REPLICA_ASSIGNMENT"]);
});

test("manual assignments are used unchanged", () => {
  const image = imageOf(broker(1), broker(2), broker(3, { fenced: true }));
  const { records, results } = decide([{
    name: "a",
    assignments: [
      { partitionIndex: 1, brokerIds: [3, 2] },
      { partitionIndex: 0, brokerIds: [1, 2] },
    ],
  }], { image });
  assertEquals([results[0]!.numPartitions, results[0]!.replicationFactor], [2, 2]);
  const partitions = records.flatMap((record) =>
    record.name === "PartitionRecord" ? [record.value] : []
  );
  assertEquals(partitions.map(({ replicas, isr, leader }) => ({ replicas, isr, leader })), [
    { replicas: [1, 2], isr: [1, 2], leader: 1 },
    // A fenced broker is not in sync and does not lead.
    { replicas: [3, 2], isr: [2], leader: 2 },
  ]);
});

test("invalid assignments are rejected", () => {
  const image = imageOf(broker(1), broker(2));
  const assigned = (name: string, ...assignments: [number, number[]][]): CreatableTopic => ({
    name,
    assignments: assignments.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
  });
  assertEquals(
    codes([
      assigned("gap", [0, [1]], [2, [1]]),
      assigned("negative", [-1, [1]]),
      assigned("again", [0, [1]], [0, [1]]),
      assigned("unknown", [0, [99]]),
      assigned("doubled", [0, [1, 1]]),
      assigned("empty", [0, []]),
      assigned("uneven", [0, [1]], [1, [1, 2]]),
      { ...assigned("numbers", [0, [1]]), numPartitions: 1 },
      { ...assigned("factor", [0, [1]]), replicationFactor: 1 },
    ], { image }),
    [
      "gap: INVALID_REPLICA_ASSIGNMENT",
      "negative: INVALID_REPLICA_ASSIGNMENT",
      "again: INVALID_REPLICA_ASSIGNMENT",
      "unknown: INVALID_REPLICA_ASSIGNMENT",
      "doubled: INVALID_REPLICA_ASSIGNMENT",
      "empty: INVALID_REPLICA_ASSIGNMENT",
      "uneven: INVALID_REPLICA_ASSIGNMENT",
      "numbers: INVALID_REQUEST",
      "factor: INVALID_REQUEST",
    ],
  );
});

test("invalid configs are rejected", () => {
  const configured = (name: string, key: string, value: string | null): CreatableTopic => ({
    name,
    configs: [{ name: key, value }],
  });
  assertEquals(
    codes([
      configured("a", "no.such.key", "1"),
      configured("b", "retention.ms", "x"),
      configured("c", "retention.ms", null),
      configured("d", "cleanup.policy", "shrink"),
      configured("e", "cleanup.policy", "delete"),
    ]),
    [
      "a: INVALID_CONFIG",
      "b: INVALID_CONFIG",
      "c: INVALID_CONFIG",
      "d: INVALID_CONFIG",
      "e: NONE",
    ],
  );
});

test("decideDeleteTopics() deletes by name and by id", () => {
  const image = imageOf(topic("events", EVENTS), topic("chat", CHAT));
  const decision = decideDeleteTopics([{ name: "events" }, { name: null, topicId: CHAT }], {
    image,
    config: new BrokerConfig(),
  });
  assertEquals(decision.records, [
    { name: "RemoveTopicRecord", value: { topicId: EVENTS } },
    { name: "RemoveTopicRecord", value: { topicId: CHAT } },
  ]);
  assertEquals(
    decision.results.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]),
    [["events", EVENTS, ErrorCode.NONE], ["chat", CHAT, ErrorCode.NONE]],
  );
});

test("decideDeleteTopics() has distinct errors for invalid references", () => {
  const image = imageOf(topic("events", EVENTS));
  const codesOf = (
    settings: Record<string, string>,
    ...asked: { name?: string; topicId?: string }[]
  ) => outcomes(decideDeleteTopics(asked, { image, config: new BrokerConfig(settings) }).results);
  assertEquals(
    codesOf(
      {},
      { name: "chat" },
      { topicId: CHAT },
      { name: "events", topicId: EVENTS },
      {},
      { topicId: ZERO_UUID },
    ),
    [
      "chat: UNKNOWN_TOPIC_OR_PARTITION",
      "null: UNKNOWN_TOPIC_ID",
      "events: INVALID_REQUEST",
      "null: INVALID_REQUEST",
      "null: INVALID_REQUEST",
    ],
  );
  assertEquals(codesOf({ "delete.topic.enable": "false" }, { name: "events" }), [
    "events: TOPIC_DELETION_DISABLED",
  ]);
});

test("decideDeleteTopics() rejects topics named more than once, like Apache Kafka", () => {
  const image = imageOf(topic("events", EVENTS), topic("chat", CHAT));
  const name = { name: "events", topicId: ZERO_UUID };
  const id = { name: null, topicId: EVENTS };
  const both = { name: "events", topicId: EVENTS };
  const missing = { name: "missing", topicId: ZERO_UUID };
  const unknown = { name: null, topicId: "AAAAAAAAAAAAAAAAAAAAEA" };
  const decide = (...asked: TopicReference[]) => {
    const { results, records } = decideDeleteTopics(asked, { image, config: new BrokerConfig() });
    return [
      results.map(({ name, topicId, errorCode }) => [name, topicId, errorName(errorCode)]),
      records.length,
    ];
  };
  const refused = "INVALID_REQUEST";
  assertEquals(decide(name, name, name), [[["events", ZERO_UUID, refused]], 0]);
  assertEquals(decide(id, id), [[[null, EVENTS, refused]], 0]);
  assertEquals(decide(name, id), [[["events", EVENTS, refused]], 0]);
  assertEquals(decide(id, name), [[["events", EVENTS, refused]], 0]);
  assertEquals(decide(missing, missing), [[["missing", ZERO_UUID, refused]], 0]);
  assertEquals(decide(unknown, unknown), [[[null, unknown.topicId, refused]], 0]);
  assertEquals(
    decide(name, both),
    [[["events", EVENTS, "NONE"], ["events", EVENTS, refused]], 1],
  );
  assertEquals(
    decide(name, name, id),
    [[["events", ZERO_UUID, refused], ["events", EVENTS, "NONE"]], 1],
  );
  // A topic may be named like another topic's id.
  const named = imageOf(topic(EVENTS, CHAT), topic("events", EVENTS));
  const asked = [{ name: EVENTS }, id];
  const decision = decideDeleteTopics(asked, { image: named, config: new BrokerConfig() });
  assertEquals(decision.records.length, 2);
});

test("a topic with contradictory configs is rejected", () => {
  const lags = (least: string, most: string) => [{
    name: "events",
    numPartitions: 1,
    replicationFactor: 1,
    configs: [
      { name: "min.compaction.lag.ms", value: least },
      { name: "max.compaction.lag.ms", value: most },
    ],
  }];
  assertEquals(codes(lags("5", "5")), ["events: NONE"]);
  assertEquals(codes(lags("6", "5")), ["events: INVALID_CONFIG"]);
});

test("more replicas than the nodes keep are rejected, or reduced on request", () => {
  const image = imageOf(broker(1), broker(2), broker(3));
  const context = { image, maxReplicas: 1 };
  const topics = [
    { name: "a", replicationFactor: 2 },
    { name: "b", replicationFactor: 1 },
    { name: "c", assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] },
  ];
  const { results } = decide(topics, context);
  assertEquals(outcomes(results), [
    "a: INVALID_REPLICATION_FACTOR",
    "b: NONE",
    "c: INVALID_REPLICATION_FACTOR",
  ]);
  assertEquals(
    results[0]!.errorMessage,
    'Cannot create "a" with replication factor 2: this version keeps at most 1 replica of a ' +
      "partition, request fewer",
  );
  const [lowered] = decide([{ name: "a", replicationFactor: 3 }], {
    ...context,
    lowerReplicationFactor: true,
  }).results;
  assertEquals([lowered!.replicationFactor, lowered!.loweredFrom], [1, 3]);
});
