import { assertEquals } from "@std/assert";
import { isInternalTopic, topicOnFirstUse } from "../../src/controller/internal_topics.ts";
import { checkTopicConfig } from "../../src/config/topic_config.ts";
import { test } from "../harness.ts";
import { broker } from "../metadata/fixture.ts";
import { imageOf } from "./fixture.ts";

const INTERNAL = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

test("isInternalTopic() is true for Kafka's internal topics", () => {
  for (const name of INTERNAL) assertEquals(isInternalTopic(name), true, name);
  for (const name of ["events", "__other", "__cluster_metadata", ""]) {
    assertEquals(isInternalTopic(name), false, name);
  }
});

test("topicOnFirstUse() uses the broker's defaults for other topics", () => {
  assertEquals(topicOnFirstUse("events", imageOf(broker(1))), { name: "events" });
});

test("topicOnFirstUse() uses the configs required by coordinators for internal topics", () => {
  const settings = (name: string, brokers: number): Record<string, unknown> => {
    const ids = Array.from({ length: brokers }, (_, index) => index + 1);
    const { configs, ...topic } = topicOnFirstUse(name, imageOf(...ids.map((id) => broker(id))));
    for (const { name, value } of configs!) checkTopicConfig(name, value!);
    return { ...topic, ...Object.fromEntries(configs!.map(({ name, value }) => [name, value])) };
  };
  // The settings used by Apache Kafka 4.4.0, except for the replication factor.
  assertEquals(settings("__consumer_offsets", 1), {
    name: "__consumer_offsets",
    numPartitions: 50,
    replicationFactor: 1,
    "cleanup.policy": "compact",
    "compression.type": "producer",
    "segment.bytes": "104857600",
  });
  assertEquals(settings("__transaction_state", 2), {
    name: "__transaction_state",
    numPartitions: 50,
    replicationFactor: 2,
    "cleanup.policy": "compact",
    "compression.type": "uncompressed",
    "min.insync.replicas": "2",
    "segment.bytes": "104857600",
    "unclean.leader.election.enable": "false",
  });
  assertEquals(settings("__share_group_state", 1), {
    name: "__share_group_state",
    numPartitions: 50,
    replicationFactor: 1,
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "min.insync.replicas": "1",
    "retention.ms": "-1",
    "segment.bytes": "104857600",
  });
  assertEquals(settings("__share_group_state", 5).replicationFactor, 3);
  const image = imageOf(broker(1), broker(2), broker(3));
  assertEquals(topicOnFirstUse("__consumer_offsets", image, 1).replicationFactor, 1);
});
