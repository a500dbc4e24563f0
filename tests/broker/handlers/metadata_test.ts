import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

const named = (...names: string[]) => ({ topics: names.map((name) => ({ name })) });

test("Metadata returns brokers, controller and all topics in every version", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    const { host, port } = broker.address;
    for (let version = 0; version <= 13; version++) {
      const answer = await client.request(metadata, version, {
        topics: version === 0 ? [] : null,
      });
      assertEquals(answer.brokers, [{ nodeId: 1, host, port, rack: null }]);
      assertEquals(answer.controllerId, version >= 1 ? 1 : -1);
      assertEquals(answer.clusterId, version >= 2 ? broker.clusterId : null);
      assertEquals(answer.topics.map(({ name, errorCode }) => [name, errorCode]), [["events", 0]]);
      assertEquals(
        answer.topics[0]!.partitions.map((partition) => [
          partition.partitionIndex,
          partition.leaderId,
          partition.replicaNodes,
          partition.isrNodes,
          partition.offlineReplicas,
        ]),
        [[0, 1, [1], [1], []], [1, 1, [1], [1], []]],
      );
    }
  }));

test("Metadata for an empty list of topics returns no topic", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    assertEquals((await client.request(metadata, 12, { topics: [] })).topics, []);
  }));

test("Metadata creates a topic if both sides allow it, ready for records", () =>
  withBroker(async ({ client, broker }) => {
    const answer = await client.request(metadata, 12, named("fresh"));
    assertEquals(answer.topics.map(({ errorCode, partitions }) => [errorCode, partitions.length]), [
      [0, 3],
    ]);
    assertEquals(broker.image.topicByName("fresh")?.id, answer.topics[0]!.topicId);
    const refused = await client.request(metadata, 12, {
      ...named("other"),
      allowAutoTopicCreation: false,
    });
    assertEquals(refused.topics[0]!.errorCode, 3);
  }, { "num.partitions": "3" }));

test("Metadata does not create topics if the broker forbids it", () =>
  withBroker(async ({ client }) => {
    const { topics } = await client.request(metadata, 12, named("fresh"));
    assertEquals(topics[0]!.errorCode, 3);
  }, { "auto.create.topics.enable": "false" }));

test("Metadata rejects invalid topic names", () =>
  withBroker(async ({ client }) => {
    const names = ["", ".", "..", "a b", "x".repeat(250)];
    const { topics } = await client.request(metadata, 12, named(...names));
    assertEquals(topics.map(({ errorCode }) => errorCode), names.map(() => 17));
    const longest = await client.request(metadata, 12, named("x".repeat(249)));
    assertEquals(longest.topics[0]!.errorCode, 0);
  }));

test("Metadata returns topics by id", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    const { topics } = await client.request(metadata, 12, {
      topics: [{ topicId, name: null }, { topicId: "AAAAAAAAAAAAAAAAAAAAEA", name: null }],
    });
    assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [["events", 0], [
      null,
      100,
    ]]);
    assertEquals(topics[1]!.topicId !== ZERO_UUID, true);
  }));

const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAAEA";

test("Metadata ignores names if the request contains an id", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    await createTopic({ name: "other" });
    for (const version of [12, 13]) {
      for (const name of [null, "", "events", "other", "missing", "no name!"]) {
        const known = await client.request(metadata, version, { topics: [{ topicId, name }] });
        assertEquals(
          known.topics.map((topic) => [topic.errorCode, topic.name, topic.topicId]),
          [[ErrorCode.NONE, "events", topicId]],
        );
        const unknown = await client.request(metadata, version, {
          topics: [{ topicId: UNKNOWN_ID, name }],
        });
        assertEquals(
          unknown.topics.map((topic) => [topic.errorCode, topic.name, topic.topicId]),
          [[ErrorCode.UNKNOWN_TOPIC_ID, null, UNKNOWN_ID]],
        );
      }
    }
    assertEquals(broker.image.topicByName("missing"), undefined);
  }));

test("Metadata ignores entries without an id if the request contains an id", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    await createTopic({ name: "other" });
    const { topics } = await client.request(metadata, 12, {
      topics: [{ name: "other" }, { topicId, name: "" }, { name: "missing" }, { name: null }],
    });
    assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [["events", 0]]);
    assertEquals(broker.image.topicByName("missing"), undefined);
  }));

test("Metadata returns each topic once", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    const byName = await client.request(metadata, 12, named("events", "events"));
    assertEquals(byName.topics.map(({ name }) => name), ["events"]);
    const asked = [{ topicId, name: null }, { topicId, name: "" }];
    const byId = await client.request(metadata, 12, { topics: asked });
    assertEquals(byId.topics.map(({ name }) => name), ["events"]);
  }));

test("Metadata 10 and 11 reject ids, and names of null", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    for (const version of [10, 11]) {
      for (const topic of [{ topicId, name: "events" }, { topicId, name: null }, { name: null }]) {
        const { topics } = await client.request(metadata, version, {
          topics: [topic, { name: "events" }],
        });
        assertEquals(topics.map(({ errorCode, name }) => [errorCode, name]), [
          [ErrorCode.INVALID_REQUEST, topic.name ?? ""],
          [ErrorCode.INVALID_REQUEST, "events"],
        ]);
      }
    }
  }));

test("Metadata fails for an entry without a name and an id, as in Apache Kafka", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { topics } = await client.request(metadata, 12, {
      topics: [{ name: null }, { name: "events" }],
    });
    assertEquals(topics.map(({ errorCode, name }) => [errorCode, name]), [
      [ErrorCode.UNKNOWN_SERVER_ERROR, ""],
      [ErrorCode.UNKNOWN_SERVER_ERROR, "events"],
    ]);
  }));

test("Metadata returns authorized operations on request", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const asked = await client.request(metadata, 8, {
      ...named("events"),
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    });
    assertEquals(asked.clusterAuthorizedOperations, 8096);
    assertEquals(asked.topics[0]!.topicAuthorizedOperations, 3576);
    const silent = await client.request(metadata, 8, named("events"));
    assertEquals(silent.clusterAuthorizedOperations, -2147483648);
  }));
