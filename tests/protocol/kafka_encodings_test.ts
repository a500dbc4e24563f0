/**
 * Compares our encoding with the bytes written by Apache Kafka's own classes, for every message in
 * every version. Messages changed or added in 4.4.0, and those between the nodes of a cluster, are
 * compared with that version, the others, whose schemas are unchanged, with 4.3.0. The fixtures
 * describe their layout in `about`.
 */
import { assertEquals } from "@std/assert";
import type { Shape, StructShape } from "../../src/protocol/schema.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";
import { allMessages } from "./all_messages.ts";
import kafka43 from "./fixtures/kafka_4_3_encodings.json" with { type: "json" };
import kafka44 from "./fixtures/kafka_4_4_encodings.json" with { type: "json" };
import { defaultOf, fromBase64, fromJson, isNullable, toBase64, type Value } from "./values.ts";

interface Sample {
  readonly value: Value;
  readonly bytes: Readonly<Record<string, string>>;
}

const samples = { ...kafka43.messages, ...kafka44.messages } as unknown as Readonly<
  Record<string, readonly Sample[]>
>;

test("every message is encoded and decoded as in Apache Kafka", () => {
  let compared = 0;
  for (const message of allMessages) {
    const { shape } = message.fields;
    for (const { value: json, bytes } of samples[message.name] ?? missing(message.name)) {
      let expected = "";
      for (let version = message.minVersion; version <= message.maxVersion; version++) {
        const where = `${message.name} ${version}`;
        expected = bytes[version] ?? expected;
        const value = allowedNulls(fromJson(json, shape, version), shape, version);
        const writer = new ByteWriter();
        const codec = message.codec(version);
        codec.write(writer, value);
        assertEquals(toBase64(writer.toBytes()), expected, where);
        const reader = new ByteReader(fromBase64(expected));
        assertEquals(codec.read(reader), value, where);
        assertEquals(reader.remaining, 0, where);
        compared++;
      }
    }
  }
  assertEquals(compared > 600, true);
});

function missing(name: string): never {
  throw new Error(`The fixture has no sample of ${name}`);
}

/** Replaces nulls that this version does not allow by the zero of the type. */
function allowedNulls(value: Value, shape: StructShape, version: number): Value {
  const out: Value = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    const item = value[name];
    out[name] = item === null && field.options.default !== null && !isNullable(field, version)
      ? defaultOf({ shape: field.shape, options: {} })
      : within(item, field.shape, version);
  }
  return out;
}

function within(item: unknown, shape: Shape, version: number): unknown {
  if (item === null) return null;
  if (shape.kind === "struct") return allowedNulls(item as Value, shape, version);
  if (shape.kind !== "array") return item;
  return (item as unknown[]).map((each) => within(each, shape.element, version));
}
