/** Properties of the codec over random values, for every message in every version. */
import { assertEquals } from "@std/assert";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import type { StructShape } from "../../src/protocol/schema.ts";
import { test } from "../harness.ts";
import { forEachVersion, type Message } from "./all_messages.ts";
import { Chance } from "./chance.ts";
import { addUnknownTags, defaultOf, isPresent, randomStruct, type Value } from "./values.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];

test("decoding returns the encoded value, with defaults for fields missing in the version", () => {
  forEachVersion((message, version) => {
    for (const seed of SEEDS) {
      const value = randomStruct(message.fields.shape, version, new Chance(seed));
      assertRoundTrip(message, version, value, seed);
    }
  });
});

test("unknown tagged fields are preserved", () => {
  let kept = 0;
  forEachVersion((message, version) => {
    if (!message.isFlexible(version)) return;
    for (const seed of SEEDS) {
      const chance = new Chance(seed);
      const value = randomStruct(message.fields.shape, version, chance);
      addUnknownTags(value, message.fields.shape, chance);
      // A struct that has only defaults is omitted as a tagged field, including its own tagged
      // fields.
      const bytes = encode(message, version, value);
      const decoded = decode(message, version, bytes);
      assertEquals(encode(message, version, decoded as Value), bytes, `${message.name} ${version}`);
      if (value.unknownTaggedFields !== undefined) {
        const { unknownTaggedFields } = decoded as Value;
        assertEquals(unknownTaggedFields, value.unknownTaggedFields, `${message.name} ${version}`);
        kept++;
      }
    }
  });
  assertEquals(kept > 100, true);
});

test("a field with its default may be omitted when encoding", () => {
  forEachVersion((message, version) => {
    const value = randomStruct(message.fields.shape, version, new Chance(11));
    const sparse = withoutDefaults(value, message.fields.shape, version);
    const where = `${message.name} ${version}`;
    assertEquals(encode(message, version, sparse), encode(message, version, value), where);
  });
});

test("no encoding is shorter than minimumSize", () => {
  forEachVersion((message, version) => {
    const { minimumSize } = message.codec(version);
    for (const seed of SEEDS) {
      const value = randomStruct(message.fields.shape, version, new Chance(seed));
      const { length } = encode(message, version, value);
      assertEquals(length >= minimumSize, true, `${message.name} ${version}`);
    }
  });
});

function assertRoundTrip(message: Message, version: number, value: Value, seed: number): void {
  const where = `${message.name} ${version}, seed ${seed}`;
  const bytes = encode(message, version, value);
  const decoded = decode(message, version, bytes);
  assertEquals(decoded, value, where);
  assertEquals(encode(message, version, decoded as Value), bytes, where);
}

function encode(message: Message, version: number, value: Value): Uint8Array {
  const writer = new ByteWriter(8);
  message.codec(version).write(writer, value);
  return writer.toBytes();
}

function decode(message: Message, version: number, bytes: Uint8Array): unknown {
  // Neither at the start nor up to the end of the memory, as in a receive buffer.
  const around = new Uint8Array(bytes.length + 7).fill(0xee);
  around.set(bytes, 3);
  const reader = new ByteReader(around, 3, bytes.length + 3);
  const decoded = message.codec(version).read(reader);
  assertEquals(reader.remaining, 0, `${message.name} ${version}`);
  return decoded;
}

function withoutDefaults(value: Value, shape: StructShape, version: number): Value {
  const out: Value = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    const item = value[name];
    const { shape: inner } = field;
    if (!isPresent(field, version) || item === defaultOf(field)) continue;
    if (item !== null && inner.kind === "struct") {
      out[name] = withoutDefaults(item as Value, inner, version);
    } else if (item !== null && inner.kind === "array" && inner.element.kind === "struct") {
      const { element } = inner;
      out[name] = (item as Value[]).map((each) => withoutDefaults(each, element, version));
    } else out[name] = item;
  }
  return out;
}
