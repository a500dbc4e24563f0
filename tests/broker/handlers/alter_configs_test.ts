import { assertEquals } from "@std/assert";
import { alterConfigs } from "../../../src/protocol/messages/alter_configs.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

const TOPIC = 2;
const BROKER = 4;

test("AlterConfigs replaces a topic's configs in every version", () =>
  withBroker(async ({ client, broker, createTopic }) => {
    await createTopic({ name: "events", configs: [{ name: "segment.ms", value: "1" }] });
    for (let version = 0; version <= alterConfigs.maxVersion; version++) {
      const value = String(version + 1);
      const { responses } = await client.request(alterConfigs, version, {
        resources: [{
          resourceType: TOPIC,
          resourceName: "events",
          configs: [{ name: "retention.ms", value }],
        }],
        validateOnly: false,
      });
      assertEquals(responses.map((it) => [it.resourceName, it.errorCode, it.errorMessage]), [
        ["events", ErrorCode.NONE, null],
      ]);
      assertEquals([...broker.image.configs(TOPIC, "events")], [["retention.ms", value]]);
    }
  }));

test("AlterConfigs rejects each resource independently", () =>
  withBroker(async ({ client, broker }) => {
    const { responses } = await client.request(alterConfigs, 2, {
      resources: [
        { resourceType: TOPIC, resourceName: "events", configs: [] },
        {
          resourceType: BROKER,
          resourceName: "1",
          configs: [{ name: "max.connections", value: "100" }],
        },
        { resourceType: 8, resourceName: "1", configs: [{ name: "root", value: "DEBUG" }] },
      ],
      validateOnly: false,
    });
    assertEquals(responses.map(({ resourceType, errorCode }) => [resourceType, errorCode]), [
      [TOPIC, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [BROKER, ErrorCode.NONE],
      [8, ErrorCode.INVALID_REQUEST],
    ]);
    assertEquals(broker.config.maxConnections, 100);
  }));

test("AlterConfigs with validateOnly changes nothing", () =>
  withBroker(async ({ client, broker }) => {
    const { responses } = await client.request(alterConfigs, 2, {
      resources: [{
        resourceType: BROKER,
        resourceName: "",
        configs: [{ name: "max.connections", value: "100" }],
      }],
      validateOnly: true,
    });
    assertEquals(responses[0]!.errorCode, ErrorCode.NONE);
    assertEquals(broker.config.maxConnections, 2_147_483_647);
  }));
