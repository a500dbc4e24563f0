import { assertEquals, assertThrows } from "@std/assert";
import { CommandError } from "../../cli/fail.ts";
import { parseTopics, readTopicsFile } from "../../cli/topics_file.ts";
import { test } from "../harness.ts";

test("parseTopics() parses names, partitions and replication factors", () => {
  const text = `[{"name": "chat", "partitions": 2, "replication_factor": 3}, {"name": "event"}]`;
  assertEquals(parseTopics(text, "topic.json"), [
    { name: "chat", partitions: 2, replicationFactor: 3 },
    { name: "event" },
  ]);
  assertEquals(parseTopics("[]", "topic.json"), []);
});

const WRONG: readonly (readonly [string, string])[] = [
  ["", "it is not JSON"],
  ["[", "it is not JSON"],
  ["{}", "it contains an object instead of a list"],
  ["null", "it contains null instead of a list"],
  [`"chat"`, "it contains a string instead of a list"],
  ["[1]", "topic 1 is a number instead of an object"],
  ["[[]]", "topic 1 is a list instead of an object"],
  [`[{"partitions": 1}]`, `topic 1 needs a "name" that is a string`],
  [`[{"name": 5}]`, `topic 1 needs a "name" that is a string`],
  [`[{"name": ""}]`, `topic 1 cannot be named ""`],
  [`[{"name": ".."}]`, `topic 1 cannot be named ".."`],
  [`[{"name": "a/b"}]`, `topic 1 cannot be named "a/b"`],
  [`[{"name": "a"}, {"name": "a"}]`, `topic 2 has the name "a" of an earlier one`],
  [`[{"name": "a", "partitions": 0}]`, `"partitions" of topic 1 is 0`],
  [`[{"name": "a", "partitions": "2"}]`, `"partitions" of topic 1 is "2"`],
  [`[{"name": "a", "partitions": 1.5}]`, `"partitions" of topic 1 is 1.5`],
  [`[{"name": "a", "replication_factor": -1}]`, `"replication_factor" of topic 1 is -1`],
  [`[{"name": "a", "replicas": 1}]`, `topic 1 has an unknown key "replicas"`],
];

test("parseTopics() names the problem and where it is", () => {
  for (const [text, message] of WRONG) {
    const error = assertThrows(() => parseTopics(text, "my.json"), CommandError, message);
    assertEquals((error as CommandError).message.includes(`"my.json"`), true);
  }
});

test("readTopicsFile() reports a missing file and a directory", () => {
  assertThrows(() => readTopicsFile("no/such.json"), CommandError, "there is no such file");
  assertThrows(() => readTopicsFile("."), CommandError, "it is a directory");
});
