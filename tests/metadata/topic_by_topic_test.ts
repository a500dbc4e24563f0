import { assertEquals } from "@std/assert";
import { topicByTopic } from "../../src/metadata/topic_by_topic.ts";
import { test } from "../harness.ts";
import { broker, CHAT, config, decoded, EVENTS, partition, topic } from "./fixture.ts";

test("topicByTopic() keeps the records of a topic together, and others with those before", () => {
  const records = decoded(
    broker(1),
    topic("events", EVENTS),
    config(2, "events", "key", "value"),
    partition(EVENTS, 0),
    partition(CHAT, 0),
    broker(2),
  );
  assertEquals([...topicByTopic(records)], [records.slice(0, 4), records.slice(4)]);
  assertEquals([...topicByTopic([])], []);
});

test("topicByTopic() splits many records that are about no topic", () => {
  const configs = Array.from({ length: 150 }, (_, index) => config(2, `t-${index}`, "k", "v"));
  const records = decoded(topic("events", EVENTS), ...configs, topic("chat", CHAT));
  const changes = [...topicByTopic(records)];
  assertEquals(changes.map(({ length }) => length), [65, 64, 23]);
  assertEquals(changes.flat(), records);
});
