/** Every broker key of Apache Kafka takes effect, is accepted with a notice, or is rejected with a reason. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { BROKER_KEYS } from "../../src/config/broker_keys.ts";
import { type ConfigDefinition, parseConfig } from "../../src/config/definition.ts";
import { UNUSED_KEYS } from "../../src/config/unused_keys.ts";
import { SINGLE_VALUE_KEYS } from "../../src/config/single_value_keys.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { KAFKA_BROKER_KEYS } from "./kafka_broker_keys.ts";

/** Our defaults that differ from Kafka's: this version is a single node and loads no classes. */
const OTHER_DEFAULTS: Readonly<Record<string, string | null>> = {
  "node.id": "1",
  "broker.id": null,
  "process.roles": "broker,controller",
  "listeners": "PLAINTEXT://127.0.0.1:9092",
  "listener.security.protocol.map": null,
  "controller.quorum.voters": null,
  "controller.quorum.bootstrap.servers": null,
  "broker.heartbeat.interval.ms": "500",
  "broker.session.timeout.ms": "3000",
  "metadata.max.idle.interval.ms": "2000",
  "log.dirs": "data",
  "log.dir": null,
  "offsets.topic.replication.factor": "1",
  "transaction.state.log.replication.factor": "1",
  "transaction.state.log.min.isr": "1",
  "share.coordinator.state.topic.replication.factor": "1",
  "share.coordinator.state.topic.min.isr": "1",
  "group.coordinator.rebalance.protocols": "classic",
  "metric.reporters": "",
};

test("every broker key of Apache Kafka takes effect, has a notice, or is rejected with a reason", () => {
  assertEquals(KAFKA_BROKER_KEYS.size, 379);
  for (const name of KAFKA_BROKER_KEYS.keys()) {
    if (BROKER_KEYS.has(name) || UNUSED_KEYS.has(name)) continue;
    const { message } = assertThrows(() => new BrokerConfig({ [name]: "1" }), KafkaError);
    const reason = message.slice(`Cannot set "${name}": `.length);
    assert(!/there is no such broker key|did you mean/.test(reason), `${name}: ${reason}`);
  }
});

test("no broker key is both effective and without effect", () => {
  for (const name of UNUSED_KEYS.keys()) assert(!BROKER_KEYS.has(name), name);
});

test("broker keys have the types, defaults and update modes of Apache Kafka", () => {
  for (const { name, type, default: value, dynamic } of BROKER_KEYS.values()) {
    const kafka = KAFKA_BROKER_KEYS.get(name);
    assert(kafka !== undefined, `${name} is no key of Apache Kafka`);
    assertEquals([name, type], [name, kafka.type === "short" ? "int" : kafka.type]);
    assertEquals([name, value], [
      name,
      name in OTHER_DEFAULTS ? OTHER_DEFAULTS[name] : kafka.default,
    ]);
    assertEquals([name, dynamic], [name, kafka.update === "cluster-wide"]);
  }
});

test("keys without effect have the types and accept the defaults of Apache Kafka", () => {
  for (const [name, { definition }] of UNUSED_KEYS) {
    const kafka = KAFKA_BROKER_KEYS.get(name);
    assert(kafka !== undefined, `${name} is no key of Apache Kafka`);
    assertEquals([name, definition.type], [name, kafka.type]);
    if (kafka.default !== null) parseConfig(definition, kafka.default);
  }
});

test("a key without effect is accepted and named in a notice", () => {
  for (const [name, { definition, reason }] of UNUSED_KEYS) {
    const text = definition.default ??
      (KAFKA_BROKER_KEYS.get(name)!.default || sampleOf(definition));
    assertEquals(new BrokerConfig({ [name]: text }).notices, [
      `These settings have no effect: ${name} (${reason})`,
    ]);
  }
});

test("a key with one supported value accepts only that value", () => {
  for (const definition of SINGLE_VALUE_KEYS) {
    const { name, supported } = definition;
    for (const text of supported ?? [definition.default!]) {
      assertEquals(new BrokerConfig({ [name]: text }).notices, [], name);
    }
    assertThrows(
      () => new BrokerConfig({ [name]: otherThan(definition) }),
      KafkaError,
      `Cannot set "${name}" to "${otherThan(definition)}": this needs ${definition.needs}`,
    );
  }
});

/** Returns a valid value of the key. */
function sampleOf({ type }: ConfigDefinition): string {
  return type === "boolean" ? "true" : "1";
}

/** Returns a value of the key's type that is not its default. */
function otherThan({ type, default: value }: ConfigDefinition): string {
  if (type === "boolean") return value === "true" ? "false" : "true";
  return type === "int" || type === "long" ? "17" : "other";
}
