import { assertEquals, assertThrows } from "@std/assert";
import { checkNewTopicName, checkTopicName } from "../../src/controller/topic_names.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";

function codeOf(check: () => void): number {
  return assertThrows(check, KafkaError).code;
}

test("checkTopicName() accepts the names that Kafka accepts", () => {
  for (const name of ["a", "A.b_c-9", "...", "x".repeat(249), "__consumer_offsets"]) {
    checkTopicName(name);
  }
});

test("checkTopicName() rejects the names that Kafka rejects", () => {
  for (const name of ["", ".", "..", "a b", "é", "a/b", "a\n", "x".repeat(250)]) {
    assertEquals(codeOf(() => checkTopicName(name)), ErrorCode.INVALID_TOPIC_EXCEPTION, name);
  }
});

test("checkNewTopicName() rejects the metadata topic", () => {
  assertEquals(codeOf(() => checkNewTopicName("__cluster_metadata")), ErrorCode.INVALID_REQUEST);
  checkNewTopicName("__consumer_offsets");
});
