import { assertEquals, assertThrows } from "@std/assert";
import { checkNewTopicName, checkTopicName } from "../../src/controller/topic_names.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

function codeOf(check: () => void): number {
  return assertThrows(check, KafkaError).code;
}

test("checkTopicName() takes what Kafka takes", () => {
  for (const name of ["a", "A.b_c-9", "...", "x".repeat(249), "__consumer_offsets"]) {
    checkTopicName(name);
  }
});

test("checkTopicName() refuses what Kafka refuses", () => {
  for (const name of ["", ".", "..", "a b", "é", "a/b", "a\n", "x".repeat(250)]) {
    assertEquals(codeOf(() => checkTopicName(name)), ErrorCode.INVALID_TOPIC_EXCEPTION, name);
  }
});

test("checkNewTopicName() keeps the cluster's own topic", () => {
  assertEquals(codeOf(() => checkNewTopicName("__cluster_metadata")), ErrorCode.INVALID_REQUEST);
  checkNewTopicName("__consumer_offsets");
});
