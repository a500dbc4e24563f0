import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import { type ConfigChange, ConfigOperation } from "../../src/controller/configs.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { broker, config, EVENTS, partition, topic } from "../metadata/fixture.ts";
import { decideAlterConfigs, decideIncrementalAlterConfigs } from "./decisions.ts";
import { imageOf } from "./fixture.ts";
import { registeredController } from "./handlers/fixture.ts";

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResourceType;
const { SET, DELETE, APPEND, SUBTRACT } = ConfigOperation;

const IMAGE = imageOf(
  broker(1),
  topic("events", EVENTS),
  partition(EVENTS, 0),
  config(TOPIC, "events", "retention.ms", "1"),
  config(TOPIC, "events", "segment.ms", "2"),
);
const CONTEXT = { image: IMAGE, config: new BrokerConfig() };

/** Like {@linkcode CONTEXT}, with settings given at startup. */
const contextWith = (settings: Record<string, string>) => ({
  image: IMAGE,
  config: new BrokerConfig(settings),
});

function change(name: string, operation: number, value: string | null = null): ConfigChange {
  return { name, operation, value };
}

/** Returns the outcome of changes to one resource and the written records as `key=value`. */
function incremental(resourceType: number, resourceName: string, ...changes: ConfigChange[]) {
  const { records, results } = decideIncrementalAlterConfigs(
    [{ resourceType, resourceName, changes }],
    CONTEXT,
  );
  return [
    errorName(results[0]!.errorCode),
    ...records.map((record) =>
      record.name === "ConfigRecord" ? `${record.value.name}=${record.value.value}` : record.name
    ),
  ];
}

test("decideIncrementalAlterConfigs() sets and removes topic configs", () => {
  assertEquals(
    incremental(TOPIC, "events", change("retention.ms", SET, "5"), change("segment.ms", DELETE)),
    ["NONE", "retention.ms=5", "segment.ms=null"],
  );
});

test("decideIncrementalAlterConfigs() writes no record for an unchanged value", () => {
  assertEquals(incremental(TOPIC, "events", change("retention.ms", SET, "1")), ["NONE"]);
  assertEquals(incremental(TOPIC, "events", change("retention.bytes", DELETE)), ["NONE"]);
  assertEquals(incremental(TOPIC, "events", change("no.such.key", DELETE)), ["NONE"]);
});

test("APPEND and SUBTRACT change a list, starting from its effective value", () => {
  assertEquals(
    incremental(TOPIC, "events", change("cleanup.policy", SUBTRACT, "delete")),
    ["NONE", "cleanup.policy="],
  );
  assertEquals(
    incremental(TOPIC, "events", change("cleanup.policy", APPEND, "delete")),
    ["NONE", "cleanup.policy=delete"],
  );
  assertEquals(
    incremental(BROKER, "", change("log.cleanup.policy", SUBTRACT, "delete")),
    ["NONE", "log.cleanup.policy="],
  );
  assertEquals(
    incremental(TOPIC, "events", change("cleanup.policy", APPEND, "compact")),
    ["NONE", "cleanup.policy=delete,compact"],
  );
  assertEquals(incremental(TOPIC, "events", change("retention.ms", APPEND, "1")), [
    "INVALID_CONFIG",
  ]);
  assertEquals(incremental(TOPIC, "events", change("no.such.key", APPEND, "1")), [
    "INVALID_CONFIG",
  ]);
});

test("one invalid change rejects all changes of its resource", () => {
  assertEquals(
    incremental(TOPIC, "events", change("retention.ms", SET, "5"), change("segment.ms", SET, "x")),
    ["INVALID_CONFIG"],
  );
});

test("invalid resources have distinct errors", () => {
  const set = change("retention.ms", SET, "1");
  const codeOf = (type: number, name: string) => incremental(type, name, set).join();
  assertEquals(codeOf(TOPIC, "chat"), "UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(codeOf(TOPIC, "a b"), "INVALID_TOPIC_EXCEPTION");
  assertEquals(codeOf(TOPIC, ""), "INVALID_REQUEST");
  assertEquals(codeOf(BROKER, "2"), "BROKER_ID_NOT_REGISTERED");
  assertEquals(codeOf(BROKER, "-1"), "INVALID_REQUEST");
  assertEquals(codeOf(BROKER, "abc"), "INVALID_REQUEST");
  assertEquals(codeOf(BROKER_LOGGER, "1"), "INVALID_REQUEST");
  assertEquals(codeOf(CLIENT_METRICS, "m"), "INVALID_REQUEST");
  assertEquals(codeOf(GROUP, "g"), "INVALID_REQUEST");
  assertEquals(codeOf(0, "x"), "INVALID_REQUEST");
});

test("configs of a registered controller can be changed as those of a broker", () => {
  const image = imageOf(broker(1), registeredController(3));
  const outcomeFor = (resourceName: string) => {
    const changes = [change("max.connections", SET, "5")];
    const { records, results } = decideIncrementalAlterConfigs(
      [{ resourceType: BROKER, resourceName, changes }],
      { ...CONTEXT, image },
    );
    return [errorName(results[0]!.errorCode), results[0]!.errorMessage, records.length];
  };
  assertEquals(outcomeFor("3"), ["NONE", null, 1]);
  assertEquals(outcomeFor("2"), [
    "BROKER_ID_NOT_REGISTERED",
    'Cannot alter the configs of "2": no such broker or controller is registered, the cluster has 1, 3; ' +
    'use "" for all of them',
    0,
  ]);
});

test("invalid changes have distinct errors", () => {
  const codeOf = (...changes: ConfigChange[]) => incremental(TOPIC, "events", ...changes).join();
  assertEquals(codeOf(change("retention.ms", SET)), "INVALID_REQUEST");
  assertEquals(codeOf(change("retention.ms", 9, "1")), "INVALID_REQUEST");
  assertEquals(codeOf(change("no.such.key", SET, "1")), "INVALID_CONFIG");
  assertEquals(
    codeOf(change("retention.ms", SET, "1"), change("retention.ms", DELETE)),
    "INVALID_REQUEST",
  );
});

test("configs can be set for one broker and for all brokers", () => {
  assertEquals(incremental(BROKER, "1", change("max.connections", SET, "5")), [
    "NONE",
    "max.connections=5",
  ]);
  assertEquals(incremental(BROKER, "", change("max.connections", SET, "5")), [
    "NONE",
    "max.connections=5",
  ]);
  assertEquals(incremental(BROKER, "1", change("num.partitions", SET, "5")), ["INVALID_REQUEST"]);
  assertEquals(incremental(BROKER, "1", change("max.connections", SET, "x")), ["INVALID_REQUEST"]);
  assertEquals(incremental(BROKER, "1", change("num.io.threads", SET, "5")), ["INVALID_REQUEST"]);
});

test("each resource is decided independently, and a resource named twice is rejected", () => {
  const set = [change("retention.ms", SET, "7")];
  const { records, results } = decideIncrementalAlterConfigs([
    { resourceType: TOPIC, resourceName: "chat", changes: set },
    { resourceType: TOPIC, resourceName: "events", changes: set },
    { resourceType: BROKER, resourceName: "", changes: [] },
    { resourceType: BROKER, resourceName: "", changes: [] },
  ], CONTEXT);
  assertEquals(results.map(({ errorCode }) => errorName(errorCode)), [
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    "INVALID_REQUEST",
    "INVALID_REQUEST",
  ]);
  assertEquals(records, [config(TOPIC, "events", "retention.ms", "7")]);
});

test("decideAlterConfigs() replaces all configs", () => {
  const replace = (configs: { name: string; value: string | null }[]) =>
    decideAlterConfigs([{ resourceType: TOPIC, resourceName: "events", configs }], CONTEXT);
  assertEquals(replace([{ name: "retention.ms", value: "9" }]).records, [
    config(TOPIC, "events", "retention.ms", "9"),
    config(TOPIC, "events", "segment.ms", null),
  ]);
  assertEquals(replace([]).records.length, 2);
  const failed = replace([{ name: "retention.ms", value: null }]);
  assertEquals(errorName(failed.results[0]!.errorCode), "INVALID_REQUEST");
  assertEquals(failed.records, []);
});

test("contradictory values are rejected, even if only one of them is set", () => {
  const lag = (type: number, name: string, key: string, context = CONTEXT) => {
    const changes = [change(key, SET, "6")];
    const [result] = decideIncrementalAlterConfigs(
      [{ resourceType: type, resourceName: name, changes }],
      context,
    ).results;
    return [errorName(result!.errorCode), result!.errorMessage];
  };
  const limited = contextWith({ "log.cleaner.max.compaction.lag.ms": "5" });
  const topicKey = "min.compaction.lag.ms";
  const brokerKey = "log.cleaner.min.compaction.lag.ms";
  assertEquals(lag(TOPIC, "events", topicKey), ["NONE", null]);
  assertEquals(lag(TOPIC, "events", topicKey, limited), [
    "INVALID_CONFIG",
    'Cannot set "min.compaction.lag.ms" to "6": it must not be above max.compaction.lag.ms, which is 5',
  ]);
  for (const name of ["1", ""]) {
    assertEquals(lag(BROKER, name, brokerKey), ["NONE", null]);
    assertEquals(lag(BROKER, name, brokerKey, limited), [
      "INVALID_REQUEST",
      'Cannot set "log.cleaner.min.compaction.lag.ms" to "6": it must not be above ' +
      "log.cleaner.max.compaction.lag.ms, which is 5",
    ]);
  }
  // This broker's own value takes precedence over the one for all brokers.
  const image = imageOf(broker(1), config(BROKER, "1", "log.cleaner.max.compaction.lag.ms", "7"));
  assertEquals(lag(BROKER, "", brokerKey, { ...limited, image }), ["NONE", null]);
  assertEquals(
    decideAlterConfigs([{
      resourceType: TOPIC,
      resourceName: "events",
      configs: [{ name: topicKey, value: "6" }, { name: "max.compaction.lag.ms", value: "5" }],
    }], CONTEXT).records,
    [],
  );
});

test("a read-only key cannot be set at run time", () => {
  assertEquals(incremental(BROKER, "1", change("num.io.threads", SET, "4")), ["INVALID_REQUEST"]);
  assertEquals(incremental(BROKER, "", change("listeners", SET, "PLAINTEXT://:1")), [
    "INVALID_REQUEST",
  ]);
});
