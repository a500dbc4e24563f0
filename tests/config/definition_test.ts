import { assertEquals, assertThrows } from "@std/assert";
import {
  type ConfigDefinition,
  MAX_LONG_TEXT,
  normalizeConfig,
  parseConfig,
  requireSupported,
} from "../../src/config/definition.ts";
import { BROKER_KEYS } from "../../src/config/broker_keys.ts";
import { TOPIC_KEYS } from "../../src/config/topic_keys.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { NO_LIMIT } from "../../src/log/log_config.ts";
import { test } from "../harness.ts";

function key(definition: Partial<ConfigDefinition>): ConfigDefinition {
  return {
    name: "a.key",
    type: "string",
    default: null,
    dynamic: true,
    documentation: "",
    ...definition,
  };
}

function rejection(definition: Partial<ConfigDefinition>, text: string): string {
  const error = assertThrows(() => parseConfig(key(definition), text), KafkaError);
  assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  return error.message;
}

test("parseConfig() parses each type", () => {
  assertEquals(parseConfig(key({ type: "boolean" }), " TRUE "), true);
  assertEquals(parseConfig(key({ type: "int" }), " 77 "), 77);
  assertEquals(parseConfig(key({ type: "int" }), "+7"), 7);
  assertEquals(parseConfig(key({ type: "long" }), "-1"), -1);
  assertEquals(parseConfig(key({ type: "double" }), "0.5"), 0.5);
  assertEquals(parseConfig(key({ type: "string" }), " x "), "x");
  assertEquals(parseConfig(key({ type: "list" }), "a , b"), ["a", "b"]);
  assertEquals(parseConfig(key({ type: "list" }), ""), []);
});

test("parseConfig() parses the largest long as no limit", () => {
  assertEquals(parseConfig(key({ type: "long" }), MAX_LONG_TEXT), NO_LIMIT);
  assertEquals(parseConfig(key({ type: "long" }), "100000000000000001"), 1e17);
});

test("parseConfig() rejects a value that does not fit the type, naming key and value", () => {
  assertEquals(
    rejection({ type: "int" }, "3000000000"),
    'Cannot set "a.key" to "3000000000": it takes a whole number of 32 bits',
  );
  rejection({ type: "long" }, "9223372036854775808");
  rejection({ type: "long" }, "1.5");
  rejection({ type: "int" }, "");
  rejection({ type: "int" }, "0x10");
  rejection({ type: "double" }, "NaN");
  rejection({ type: "boolean" }, "yes");
});

test("parseConfig() rejects values outside the range or the choices", () => {
  rejection({ type: "int", min: 1 }, "0");
  rejection({ type: "int", max: 5 }, "6");
  rejection({ type: "string", oneOf: ["a", "b"] }, "c");
  rejection({ type: "list", oneOf: ["a", "b"] }, "a,c");
  rejection({ type: "list", oneOf: ["a", "b"] }, "a,a");
  assertEquals(parseConfig(key({ type: "list", oneOf: ["a", "b"] }), "b,a"), ["b", "a"]);
});

test("normalizeConfig() formats a value as Kafka does", () => {
  assertEquals(normalizeConfig(key({ type: "int" }), " +07 "), "7");
  assertEquals(normalizeConfig(key({ type: "long" }), MAX_LONG_TEXT), MAX_LONG_TEXT);
  assertEquals(normalizeConfig(key({ type: "boolean" }), "True"), "true");
  assertEquals(normalizeConfig(key({ type: "list" }), "a, b"), "a,b");
  assertEquals(normalizeConfig(key({ type: "double" }), "0.50"), "0.5");
});

test("requireSupported() names the missing feature", () => {
  const definition = key({ type: "boolean", default: "false", needs: "remote storage" });
  requireSupported(definition, "FALSE");
  assertEquals(
    assertThrows(() => requireSupported(definition, "true"), KafkaError).message,
    'Cannot set "a.key" to "true": this needs remote storage, which this version does not support; ' +
      'leave it at "false"',
  );
});

test("every declared default is valid, in canonical form, and supported", () => {
  for (const definition of [...BROKER_KEYS.values(), ...TOPIC_KEYS.values()]) {
    if (definition.default === null) continue;
    parseConfig(definition, definition.default);
    assertEquals(normalizeConfig(definition, definition.default), definition.default);
    requireSupported(definition, definition.default);
  }
});

test("every key has documentation", () => {
  for (const { name, documentation } of [...BROKER_KEYS.values(), ...TOPIC_KEYS.values()]) {
    assertEquals(/^[A-Z].*\.$/s.test(documentation), true, name);
  }
});
