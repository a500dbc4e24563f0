import { assertEquals, assertThrows } from "@std/assert";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { appendTo, DirectBroker, TOPIC_ID } from "../broker/direct_broker.ts";
import { batchOf } from "../broker/fixture.ts";
import { test } from "../harness.ts";

const NEW_ID = "AAAAAAAAAAAAAAAAAAAAEQ";

function errorOf(run: () => unknown): string {
  return errorName((assertThrows(run, KafkaError) as KafkaError).code);
}

test("removeTopic() removes the topic's id, also if its name is used again", () => {
  const broker = new DirectBroker();
  const { partitions } = broker;
  const partition = broker.add();
  assertEquals(partitions.byId(TOPIC_ID, 0), partition);
  partitions.removeTopic("events");
  assertEquals(errorOf(() => partitions.byId(TOPIC_ID, 0)), "UNKNOWN_TOPIC_ID");
  assertEquals(errorOf(() => partitions.byName("events", 0)), "UNKNOWN_TOPIC_OR_PARTITION");
  const log = broker.machine.open({}, { directory: "/data/again" });
  const again = broker.addFollower({ log, topicId: NEW_ID });
  // A client that knows the old topic must not read the new one.
  assertEquals(errorOf(() => partitions.byId(TOPIC_ID, 0)), "UNKNOWN_TOPIC_ID");
  assertEquals([partitions.byId(NEW_ID, 0), partitions.byName("events", 0)], [again, again]);
});

test("removeTopic() leaves a partition that answers everything with UNKNOWN_TOPIC_OR_PARTITION", () => {
  const broker = new DirectBroker();
  const partition = broker.add();
  broker.partitions.removeTopic("events");
  const error = errorOf(() => appendTo(partition, batchOf(["a"])));
  assertEquals([error, [...broker.partitions]], ["UNKNOWN_TOPIC_OR_PARTITION", []]);
});
