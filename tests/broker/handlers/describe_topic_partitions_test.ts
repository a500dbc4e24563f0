import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import {
  describeTopicPartitions,
  type DescribeTopicPartitionsResponse,
} from "../../../src/protocol/messages/describe_topic_partitions.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

test("DescribeTopicPartitions returns all partitions in pages", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "b", numPartitions: 3 });
    await createTopic({ name: "a", numPartitions: 2 });
    const seen: [string | null, number][][] = [];
    let cursor: DescribeTopicPartitionsResponse["nextCursor"] = null;
    do {
      const answer: DescribeTopicPartitionsResponse = await client.request(
        describeTopicPartitions,
        0,
        { topics: [], responsePartitionLimit: 2, cursor },
      );
      seen.push(
        answer.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }): [string | null, number] => [name, partitionIndex])
        ),
      );
      cursor = answer.nextCursor;
    } while (cursor !== null);
    assertEquals(seen, [[["a", 0], ["a", 1]], [["b", 0], ["b", 1]], [["b", 2]]]);
  }));

test("DescribeTopicPartitions returns errors for missing topics", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    const { topics } = await client.request(describeTopicPartitions, 0, {
      topics: [{ name: "nothing" }, { name: "events" }, { name: "no name!" }],
    });
    assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [
      ["events", ErrorCode.NONE],
      ["no name!", ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["nothing", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    assertEquals(topics[0]!.topicId, topicId);
  }));

test("DescribeTopicPartitions rejects a cursor with a negative partition", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { topics } = await client.request(describeTopicPartitions, 0, {
      topics: [{ name: "events" }],
      cursor: { topicName: "events", partitionIndex: -1 },
    });
    assertEquals(topics.map(({ errorCode }) => errorCode), [42]);
  }));
