import { assertEquals } from "@std/assert";
import { describeConfigsHandler } from "../../../src/broker/handlers/describe_configs.ts";
import { describeConfigs } from "../../../src/protocol/messages/describe_configs.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { imageOf } from "../../controller/fixture.ts";
import { REQUESTS_TURN_MS } from "../../../src/limits.ts";
import { steppingClock } from "../../network/server/stepping_clock.ts";
import { withBroker } from "../fixture.ts";
import { manualClock } from "../manual_clock.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { BrokerConfig } from "../../../src/config/broker_config.ts";
import type { RawClient } from "../raw_client.ts";

const TOPIC = 2;
const BROKER = 4;
const CLIENT_METRICS = 16;
const GROUP = 32;

async function describe(
  client: RawClient,
  resourceType: number,
  resourceName: string,
  configurationKeys: string[] | null = null,
) {
  const { results } = await client.request(describeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys }],
  });
  return results[0]!;
}

test("DescribeConfigs returns the configs of a topic in every version", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", configs: [{ name: "retention.ms", value: "5" }] });
    for (let version = 1; version <= describeConfigs.maxVersion; version++) {
      const { results } = await client.request(describeConfigs, version, {
        resources: [{ resourceType: TOPIC, resourceName: "events", configurationKeys: null }],
        includeSynonyms: true,
        includeDocumentation: true,
      });
      const { errorCode, configs } = results[0]!;
      assertEquals([errorCode, configs.length], [0, 33]);
      assertEquals(configs.find(({ name }) => name === "retention.ms"), {
        name: "retention.ms",
        value: "5",
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        synonyms: [
          { name: "retention.ms", value: "5", source: 1 },
          { name: "log.retention.hours", value: "1", source: 4 },
          { name: "log.retention.hours", value: "168", source: 5 },
        ],
        configType: version >= 3 ? 5 : 0,
        documentation: version >= 3 ? "Age at which records may be deleted. -1: never." : "",
      });
    }
  }, { "log.retention.hours": "1" }));

test("DescribeConfigs returns only the requested keys", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { configs } = await describe(client, TOPIC, "events", ["segment.ms", "no.such.key"]);
    assertEquals(
      configs.map(({ name, synonyms, documentation }) => [name, synonyms, documentation]),
      [
        ["segment.ms", [], null],
      ],
    );
    assertEquals((await describe(client, TOPIC, "events", [])).configs.length, 33);
  }));

test("DescribeConfigs returns the configs of the broker and the defaults of all brokers", () =>
  withBroker(async ({ client, broker }) => {
    await broker.controller.incrementalAlterConfigs([{
      resourceType: BROKER,
      resourceName: "",
      changes: [{ name: "max.connections", operation: 0, value: "7" }],
    }]);
    const own = await describe(client, BROKER, "1");
    const byName = new Map(own.configs.map((config) => [config.name, config]));
    const read = (name: string) => {
      const { value, configSource, readOnly } = byName.get(name)!;
      return [value, configSource, readOnly];
    };
    assertEquals(read("num.partitions"), ["4", 4, true]);
    assertEquals(read("log.dirs"), ["/data", 4, true]);
    assertEquals(read("listeners"), [`PLAINTEXT://127.0.0.1:${broker.address.port}`, 4, true]);
    assertEquals(read("max.connections"), ["7", 3, false]);
    assertEquals(read("message.max.bytes"), ["1048588", 5, false]);
    const everyone = await describe(client, BROKER, "");
    assertEquals(everyone.configs.map(({ name, value }) => [name, value]), [
      ["max.connections", "7"],
    ]);
  }, { "num.partitions": "4" }));

test("DescribeConfigs rejects unknown resources, with a message", () =>
  withBroker(async ({ client }) => {
    const codeOf = async (type: number, name: string) =>
      (await describe(client, type, name)).errorCode;
    assertEquals(await codeOf(TOPIC, "events"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    assertEquals(await codeOf(TOPIC, "a b"), ErrorCode.INVALID_TOPIC_EXCEPTION);
    assertEquals(await codeOf(TOPIC, ""), ErrorCode.INVALID_TOPIC_EXCEPTION);
    assertEquals(await codeOf(BROKER, "9"), ErrorCode.INVALID_REQUEST);
    assertEquals(await codeOf(BROKER, "abc"), ErrorCode.INVALID_REQUEST);
    assertEquals(await codeOf(16, ""), ErrorCode.INVALID_REQUEST);
    assertEquals(await codeOf(99, "x"), ErrorCode.INVALID_REQUEST);
    assertEquals(
      (await describe(client, TOPIC, "events")).errorMessage,
      'Cannot describe the configs of topic "events": no such topic exists',
    );
  }));

test("DescribeConfigs returns no configs for loggers, and for client metrics and groups without any", () =>
  withBroker(async ({ client }) => {
    for (const [type, name] of [[8, "1"], [16, "m"], [32, "g"]] as const) {
      const { errorCode, configs } = await describe(client, type, name);
      assertEquals([errorCode, configs], [ErrorCode.NONE, []]);
    }
  }));

test("DescribeConfigs returns the configs of groups and client metrics in the metadata log", async () => {
  const stored = (resourceType: number, resourceName: string, name: string, value: string) => ({
    name: "ConfigRecord" as const,
    value: { resourceType, resourceName, name, value },
  });
  const image = imageOf(
    stored(GROUP, "g", "consumer.session.timeout.ms", "50000"),
    stored(CLIENT_METRICS, "m", "interval.ms", "1000"),
  );
  for (
    const [type, name, key, value, source] of [
      [GROUP, "g", "consumer.session.timeout.ms", "50000", 8],
      [CLIENT_METRICS, "m", "interval.ms", "1000", 7],
    ] as const
  ) {
    const { results } = await askHandler(describeConfigsHandler, describeConfigs, 4, {
      resources: [{ resourceType: type, resourceName: name, configurationKeys: null }],
      includeSynonyms: true,
    }, {
      services: {
        clock: manualClock(),
        nodeId: 1,
        config: new BrokerConfig({}),
        image: () => image,
      },
    });
    assertEquals(results[0]!.configs, [{
      name: key,
      value,
      readOnly: true,
      configSource: source,
      isSensitive: false,
      synonyms: [{ name: key, value, source }],
      configType: 0,
      documentation: null,
    }]);
  }
});

test("DescribeConfigs lets other connections be served between many resources", async () => {
  const clock = steppingClock(REQUESTS_TURN_MS);
  const resources = Array.from({ length: 9 }, (_, id) => ({
    resourceType: BROKER,
    resourceName: String(id),
    configurationKeys: [],
  }));
  const { results } = await askHandler(describeConfigsHandler, describeConfigs, 4, { resources }, {
    services: { clock, nodeId: 1, config: new BrokerConfig({}), image: () => imageOf() },
  });
  assertEquals(
    results.map(({ resourceName, errorCode }) => [resourceName, errorCode === ErrorCode.NONE]),
    resources.map(({ resourceName }) => [resourceName, resourceName === "1"]),
  );
  assertEquals(clock.turns >= 4, true);
});
