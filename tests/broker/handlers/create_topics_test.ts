import { assertEquals, assertNotEquals } from "@std/assert";
import { createTopics } from "../../../src/protocol/messages/create_topics.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

function asked(name: string, more: { replicationFactor?: number; numPartitions?: number } = {}) {
  return { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [], ...more };
}

test("CreateTopics returns the fields of each version", () =>
  withBroker(async ({ client, broker }) => {
    for (let version = createTopics.minVersion; version <= createTopics.maxVersion; version++) {
      const { topics } = await client.request(createTopics, version, {
        topics: [{ ...asked(`t${version}`), configs: [{ name: "retention.ms", value: "5" }] }],
      });
      const topic = topics[0]!;
      assertEquals([topic.name, topic.errorCode], [`t${version}`, 0]);
      const image = broker.image.topicByName(topic.name)!;
      assertEquals(image.partitions.length, 2);
      assertEquals(topic.topicId, version >= 7 ? image.id : ZERO_UUID);
      assertEquals(topic.numPartitions, version >= 5 ? 2 : -1);
      assertEquals(topic.replicationFactor, version >= 5 ? 1 : -1);
      if (version < 5) continue;
      assertEquals(topic.configs?.length, 33);
      assertEquals(topic.configs?.find(({ name }) => name === "retention.ms"), {
        name: "retention.ms",
        value: "5",
        readOnly: false,
        configSource: 1,
        isSensitive: false,
      });
    }
  }));

test("a created topic is ready for records", () =>
  withBroker(async ({ client }) => {
    await client.request(createTopics, 7, { topics: [asked("events")] });
    const { errorCode, baseOffset } = await produceTo(client, "events", 1, batchOf(["a"]));
    assertEquals([errorCode, baseOffset], [0, 0]);
  }));

test("CreateTopics rejects each topic independently, with a message", () =>
  withBroker(async ({ client }) => {
    const { topics } = await client.request(createTopics, 7, {
      topics: [
        asked("a b"),
        asked("events", { replicationFactor: 3 }),
        asked("good"),
        asked("empty", { numPartitions: 0 }),
        asked("twice"),
        asked("twice"),
      ],
    });
    assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [
      ["a b", ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["events", ErrorCode.INVALID_REPLICATION_FACTOR],
      ["good", ErrorCode.NONE],
      ["empty", ErrorCode.INVALID_PARTITIONS],
      ["twice", ErrorCode.INVALID_REQUEST],
    ]);
    assertEquals(
      topics[1]!.errorMessage,
      'Cannot create "events" with replication factor 3: the cluster has 1 broker',
    );
    assertEquals(topics[2]!.errorMessage, null);
  }));

test("CreateTopics with validateOnly creates nothing", () =>
  withBroker(async ({ client, broker }) => {
    const request = { topics: [asked("events")], validateOnly: true };
    const { topics } = await client.request(createTopics, 7, request);
    assertEquals([topics[0]!.errorCode, topics[0]!.numPartitions], [0, 2]);
    assertEquals(broker.image.topicCount, 0);
  }));

test("CreateTopics accepts assignments of partitions to brokers", () =>
  withBroker(async ({ client, broker }) => {
    const assign = (name: string, brokerId: number) => ({
      ...asked(name, { numPartitions: -1, replicationFactor: -1 }),
      assignments: [
        { partitionIndex: 1, brokerIds: [brokerId] },
        { partitionIndex: 0, brokerIds: [brokerId] },
      ],
    });
    const { topics } = await client.request(createTopics, 7, {
      topics: [assign("events", 1), assign("elsewhere", 9)],
    });
    assertEquals(topics.map(({ errorCode }) => errorCode), [
      ErrorCode.NONE,
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ]);
    assertEquals(broker.image.topicByName("events")?.partitions.length, 2);
  }));

test("two topics get different ids", () =>
  withBroker(async ({ createTopic }) => {
    assertNotEquals(await createTopic({ name: "events" }), await createTopic({ name: "chat" }));
  }));
