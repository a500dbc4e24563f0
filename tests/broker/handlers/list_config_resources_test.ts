import { assertEquals } from "@std/assert";
import { listConfigResources } from "../../../src/protocol/messages/list_config_resources.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

const TOPIC = 2;
const BROKER = 4;

test("ListConfigResources returns topics and brokers", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const list = async (...resourceTypes: number[]) => {
      const { errorCode, configResources } = await client.request(listConfigResources, 1, {
        resourceTypes,
      });
      assertEquals(errorCode, ErrorCode.NONE);
      return configResources.map(({ resourceType, resourceName }) => [resourceType, resourceName]);
    };
    assertEquals(await list(), [[TOPIC, "events"], [BROKER, "1"]]);
    assertEquals(await list(BROKER, BROKER), [[BROKER, "1"]]);
    assertEquals(await list(8, 16, 32), []);
  }));

test("ListConfigResources 0 returns client metrics only", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { errorCode, configResources } = await client.request(listConfigResources, 0, {});
    assertEquals([errorCode, configResources], [ErrorCode.NONE, []]);
  }));

test("ListConfigResources rejects unknown types", () =>
  withBroker(async ({ client }) => {
    const { errorCode } = await client.request(listConfigResources, 1, { resourceTypes: [99] });
    assertEquals(errorCode, ErrorCode.UNSUPPORTED_VERSION);
  }));
