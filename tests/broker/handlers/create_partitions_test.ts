import { assertEquals } from "@std/assert";
import { createPartitions } from "../../../src/protocol/messages/create_partitions.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

const timeoutMs = 5_000;

test("CreatePartitions adds partitions in every version, ready for records", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    for (let version = 0; version <= createPartitions.maxVersion; version++) {
      const count = version + 2;
      const { results } = await client.request(createPartitions, version, {
        topics: [{ name: "events", count, assignments: null }],
        timeoutMs,
        validateOnly: false,
      });
      assertEquals(
        results.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage]),
        [
          ["events", ErrorCode.NONE, null],
        ],
      );
      const { errorCode } = await produceTo(client, "events", count - 1, batchOf(["a"]));
      assertEquals(errorCode, 0);
    }
  }));

test("CreatePartitions rejects each topic independently, with a message", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 3 });
    await createTopic({ name: "chat" });
    const { results } = await client.request(createPartitions, 3, {
      topics: [
        { name: "events", count: 3, assignments: null },
        { name: "chat", count: 2, assignments: [{ brokerIds: [1] }] },
        { name: "nothing", count: 2, assignments: null },
      ],
      timeoutMs,
      validateOnly: false,
    });
    assertEquals(results.map(({ errorCode }) => errorCode), [
      ErrorCode.INVALID_PARTITIONS,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    assertEquals(
      results[0]!.errorMessage,
      'Cannot add partitions to "events": it already has 3, and 3 is not more',
    );
  }));

test("CreatePartitions with validateOnly creates nothing", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    await createTopic({ name: "events" });
    const { results } = await client.request(createPartitions, 3, {
      topics: [{ name: "events", count: 9, assignments: null }],
      timeoutMs,
      validateOnly: true,
    });
    assertEquals(results[0]!.errorCode, ErrorCode.NONE);
    assertEquals(broker.image.topicByName("events")?.partitions.length, 1);
  }));
