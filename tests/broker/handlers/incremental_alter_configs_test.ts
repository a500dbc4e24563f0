import { assertEquals } from "@std/assert";
import { incrementalAlterConfigs } from "../../../src/protocol/messages/incremental_alter_configs.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

const TOPIC = 2;
const BROKER = 4;
const SET = 0;
const DELETE = 1;

function change(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
  configOperation = SET,
) {
  return { resourceType, resourceName, configs: [{ name, configOperation, value }] };
}

test("IncrementalAlterConfigs sets and deletes configs in every version", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    await createTopic({ name: "events", configs: [{ name: "segment.ms", value: "1" }] });
    for (let version = 0; version <= incrementalAlterConfigs.maxVersion; version++) {
      const { responses } = await client.request(incrementalAlterConfigs, version, {
        resources: [change(TOPIC, "events", "retention.ms", "5")],
        validateOnly: false,
      });
      assertEquals(responses.map((it) => [it.resourceName, it.errorCode, it.errorMessage]), [
        ["events", ErrorCode.NONE, null],
      ]);
      assertEquals(broker.image.configs(TOPIC, "events").get("retention.ms"), "5");
      await client.request(incrementalAlterConfigs, version, {
        resources: [change(TOPIC, "events", "retention.ms", null, DELETE)],
        validateOnly: false,
      });
      assertEquals([...broker.image.configs(TOPIC, "events")], [["segment.ms", "1"]]);
    }
  }));

test("a topic's config takes effect for the next produce", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const alter = (resource: ReturnType<typeof change>) =>
      client.request(incrementalAlterConfigs, 1, { resources: [resource], validateOnly: false });
    const produce = async () =>
      (await produceTo(client, "events", 0, batchOf(["x".repeat(200)]))).errorCode;
    await alter(change(TOPIC, "events", "max.message.bytes", "100"));
    assertEquals(await produce(), ErrorCode.MESSAGE_TOO_LARGE);
    await alter(change(TOPIC, "events", "max.message.bytes", null, DELETE));
    assertEquals(await produce(), ErrorCode.NONE);
  }));

test("a broker's config takes effect for the next produce", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { responses } = await client.request(incrementalAlterConfigs, 1, {
      resources: [change(BROKER, "", "message.max.bytes", "100")],
      validateOnly: false,
    });
    assertEquals(responses[0]!.errorCode, ErrorCode.NONE);
    const { errorCode } = await produceTo(client, "events", 0, batchOf(["x".repeat(200)]));
    assertEquals(errorCode, ErrorCode.MESSAGE_TOO_LARGE);
  }));

test("IncrementalAlterConfigs rejects each resource independently, with a message", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { responses } = await client.request(incrementalAlterConfigs, 1, {
      resources: [
        change(TOPIC, "chat", "retention.ms", "1"),
        change(TOPIC, "events", "retentoin.ms", "1"),
        change(BROKER, "1", "num.partitions", "1"),
        change(32, "group", "consumer.session.timeout.ms", "1"),
      ],
      validateOnly: false,
    });
    assertEquals(responses.map(({ errorCode }) => errorCode), [
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
    ]);
    assertEquals(
      responses[1]!.errorMessage,
      'Cannot set "retentoin.ms": there is no such topic key, did you mean "retention.ms"?',
    );
  }));

test("IncrementalAlterConfigs with validateOnly changes nothing", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    await createTopic({ name: "events" });
    const { responses } = await client.request(incrementalAlterConfigs, 1, {
      resources: [change(TOPIC, "events", "retention.ms", "5")],
      validateOnly: true,
    });
    assertEquals(responses[0]!.errorCode, ErrorCode.NONE);
    assertEquals(broker.image.configs(TOPIC, "events").size, 0);
  }));
