import { assertEquals } from "@std/assert";
import { deleteTopics } from "../../../src/protocol/messages/delete_topics.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

const timeoutMs = 5_000;
const named = (name: string) => ({ name, topicId: ZERO_UUID });

test("DeleteTopics deletes topics by name in every version", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    for (let version = deleteTopics.minVersion; version <= deleteTopics.maxVersion; version++) {
      const topicId = await createTopic({ name: "events" });
      const { responses } = await client.request(deleteTopics, version, {
        topicNames: ["events", "chat"],
        topics: [named("events"), named("chat")],
        timeoutMs,
      });
      assertEquals(responses.map(({ name, errorCode }) => [name, errorCode]), [
        ["events", ErrorCode.NONE],
        ["chat", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ]);
      assertEquals(responses[0]!.topicId, version >= 6 ? topicId : ZERO_UUID);
      assertEquals(
        responses[1]!.errorMessage,
        version >= 5 ? 'Cannot delete "chat": no such topic exists' : null,
      );
      assertEquals(broker.image.topicCount, 0);
    }
  }));

test("DeleteTopics deletes topics by id", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    const { responses } = await client.request(deleteTopics, 6, {
      topics: [{ topicId }, { topicId: "aaaaaaaaaaaaaaaaaaaaaA" }],
      timeoutMs,
    });
    assertEquals(responses.map(({ name, errorCode }) => [name, errorCode]), [
      ["events", ErrorCode.NONE],
      [null, ErrorCode.UNKNOWN_TOPIC_ID],
    ]);
    assertEquals(broker.image.topicById(topicId), undefined);
  }));

test("a topic that is created again after its deletion is empty", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a", "b"]));
    await client.request(deleteTopics, 6, { topics: [named("events")], timeoutMs });
    const gone = await produceTo(client, "events", 0, batchOf(["c"]));
    assertEquals(gone.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await createTopic({ name: "events" });
    const { errorCode, baseOffset } = await produceTo(client, "events", 0, batchOf(["d"]));
    assertEquals([errorCode, baseOffset], [0, 0]);
  }));

test("DeleteTopics keeps topics when delete.topic.enable is false", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    await createTopic({ name: "events" });
    const { responses } = await client.request(deleteTopics, 6, {
      topics: [named("events")],
      timeoutMs,
    });
    assertEquals(responses[0]!.errorCode, ErrorCode.TOPIC_DELETION_DISABLED);
    assertEquals(broker.image.topicCount, 1);
  }, { "delete.topic.enable": "false" }));
