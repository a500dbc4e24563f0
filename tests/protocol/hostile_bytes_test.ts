/**
 * Malformed bytes for every message in every version: a decoder returns a value or throws a
 * ProtocolError, in bounded memory.
 */
import process from "node:process";
import { assertEquals, assertThrows } from "@std/assert";
import { codecOf, int32, string, struct } from "../../src/protocol/schema.ts";
import { array, bytes as bytesField, int8 } from "../../src/protocol/schema.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../../src/protocol/wire.ts";
import { describeGroups } from "../../src/protocol/messages/describe_groups.ts";
import { joinGroup } from "../../src/protocol/messages/join_group.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { test } from "../harness.ts";
import { forEachVersion, type Message } from "./all_messages.ts";
import { Chance } from "./chance.ts";
import { addUnknownTags, randomStruct } from "./values.ts";

const MIB = 1024 * 1024;

/** Counts the copied bytes. */
class CountingReader extends ByteReader {
  copied = 0;
  override copy(length: number): Uint8Array {
    const copy = super.copy(length);
    this.copied += copy.length;
    return copy;
  }
}

function encodeRandom(message: Message, version: number, seed: number): Uint8Array {
  const chance = new Chance(seed);
  const value = randomStruct(message.fields.shape, version, chance);
  if (message.isFlexible(version)) addUnknownTags(value, message.fields.shape, chance);
  const writer = new ByteWriter();
  message.codec(version).write(writer, value);
  return writer.toBytes();
}

/**
 * Decodes a message. Returns true for a value and false for a ProtocolError; rethrows other errors.
 */
function tryDecode(message: Message, version: number, bytes: Uint8Array, where: string): boolean {
  const reader = new CountingReader(bytes);
  const allowance = reader.memory;
  try {
    message.codec(version).read(reader);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw new Error(`${where}: no ProtocolError`, { cause: error });
  } finally {
    assertEquals(reader.copied <= bytes.length, true, `${where}: copies ${reader.copied}`);
    assertEquals(allowance, 4 * bytes.length + 16 * MIB);
    assertEquals(reader.offset <= bytes.length, true, where);
  }
}

test("a message truncated at any byte throws a ProtocolError", () => {
  forEachVersion((message, version) => {
    // Random messages differ in length: take the first that is neither trivial nor huge.
    const bytes = [1, 2, 3, 4, 5].map((seed) => encodeRandom(message, version, seed))
      .reduce((best, next) =>
        Math.abs(next.length - 300) < Math.abs(best.length - 300) ? next : best
      );
    for (let length = 0; length < Math.min(bytes.length, 2000); length++) {
      const where = `${message.name} ${version} cut at ${length} of ${bytes.length}`;
      assertEquals(tryDecode(message, version, bytes.subarray(0, length), where), false, where);
    }
  });
});

test("a message with flipped bits decodes or throws a ProtocolError", () => {
  let refused = 0;
  let accepted = 0;
  forEachVersion((message, version) => {
    for (let seed = 1; seed <= 4; seed++) {
      const bytes = encodeRandom(message, version, seed);
      const chance = new Chance(seed);
      for (let i = 0; i < 40 && bytes.length > 0; i++) {
        const flipped = bytes.slice();
        for (let flips = 1 + chance.below(3); flips > 0; flips--) {
          flipped[chance.below(flipped.length)]! ^= 1 << chance.below(8);
        }
        const where = `${message.name} ${version} seed ${seed} try ${i}`;
        if (tryDecode(message, version, flipped, where)) accepted++;
        else refused++;
      }
    }
  });
  assertEquals(refused > 1000 && accepted > 1000, true, `${refused} refused, ${accepted} accepted`);
});

test("random bytes decode or throw a ProtocolError", () => {
  forEachVersion((message, version) => {
    for (let seed = 1; seed <= 20; seed++) {
      const chance = new Chance(seed * 31 + version);
      const bytes = chance.bytes(chance.below(200));
      // Small numbers get further into the fields than uniform noise.
      if (seed % 2 === 0) { for (let i = 0; i < bytes.length; i++) bytes[i]! %= 4; }
      tryDecode(message, version, bytes, `${message.name} ${version} seed ${seed}`);
    }
  });
});

test("lengths and counts beyond the available bytes are rejected before allocation", () => {
  const huge = struct({ items: array(int32()), text: string(), blob: bytesField() });
  const cases: [flexible: boolean, bytes: number[], message: string][] = [
    [
      false,
      [127, 255, 255, 255, 0, 0],
      '"items" announces 2147483647 elements, but only 2 bytes are left',
    ],
    [false, [128, 0, 0, 0], '"items" cannot be null but has length -2147483648'],
    [
      true,
      [255, 255, 255, 255, 15],
      '"items" announces 4294967294 elements, but only 0 bytes are left',
    ],
    [true, [255, 255, 255, 255, 31], "has more than 32 bits"],
    [true, [0], '"items" cannot be null but has length -1'],
    [false, [0, 0, 0, 0, 127, 255], "Cannot read 32767 bytes at 6: the data ends at 6"],
    [true, [1, 129, 128, 2], '"text" has 32768 bytes, the maximum is 32767'],
    [false, [0, 0, 0, 0, 0, 0, 127, 255, 255, 255], "Cannot read 2147483647 bytes"],
    [true, [1, 1, 255, 255, 255, 255, 15], "Cannot read 4294967294 bytes"],
    [true, [1, 1, 1, 1, 5, 255, 255, 255, 255, 15], "Cannot read 4294967295 bytes"],
    [true, [1, 1, 1, 255, 255, 255, 255, 15], "the data ends at 8"],
  ];
  for (const [flexible, bytes, message] of cases) {
    const codec = codecOf(huge, 0, flexible);
    const reader = new ByteReader(Uint8Array.from(bytes));
    assertThrows(() => codec.read(reader), ProtocolError, message);
  }
  // The number of empty elements is limited too.
  const empty = codecOf(struct({ items: array(struct({})) }), 0, false);
  const reader = new ByteReader(Uint8Array.of(0, 0, 0, 200));
  assertThrows(() => empty.read(reader), ProtocolError, "announces 200 elements, but only 0 bytes");
});

test("decoding tiny elements takes at most a small multiple of the frame's memory", () => {
  // The three worst cases: 3 bytes that decode to an object with a byte array, 1 byte that decodes
  // to a string, and unknown tagged fields. Without a limit each would take 8 to 90 times the frame
  // size.
  const frames: [name: string, read: (reader: ByteReader) => unknown, bytes: Uint8Array][] = [
    ["JoinGroup", (reader) => joinGroup.requestCodec(9).read(reader), hostileJoinGroup(4 * MIB)],
    [
      "DescribeGroups",
      (reader) => describeGroups.requestCodec(6).read(reader),
      hostileGroups(8 * MIB),
    ],
    ["tagged fields", (reader) => metadata.requestCodec(13).read(reader), hostileTags(1_000_000)],
  ];
  for (const [name, read, bytes] of frames) {
    const before = process.memoryUsage();
    const reader = new ByteReader(bytes);
    const error = assertThrows(() => read(reader), ProtocolError, "take too much memory");
    const after = process.memoryUsage();
    assertEquals(reader.memory < 0, true);
    assertEquals(error instanceof ProtocolError, true);
    // Includes garbage: the growth of the process is the upper bound of what decoding held.
    const grown = after.heapUsed - before.heapUsed + after.external - before.external;
    const most = 4 * bytes.length + 16 * MIB;
    assertEquals(grown <= most * 1.3, true, `${name}: ${grown} bytes for ${bytes.length}`);
  }
});

test("a legitimate message of many small elements is decoded", () => {
  const topics = Array.from({ length: 20_000 }, (_, i) => ({
    errorCode: 0,
    name: `topic-${i}`,
    partitions: Array.from({ length: 5 }, (_, partition) => ({
      errorCode: 0,
      partitionIndex: partition,
      leaderId: 1,
      replicaNodes: [1, 2, 3],
      isrNodes: [1, 2, 3],
    })),
  }));
  const writer = new ByteWriter(1 << 20);
  metadata.responseCodec(12).write(writer, { brokers: [], topics });
  const reader = new ByteReader(writer.toBytes());
  assertEquals(metadata.responseCodec(12).read(reader).topics.length, 20_000);
});

test("ByteReader.memory can be raised for a trusted sender", () => {
  const codec = codecOf(struct({ items: array(int8()) }), 0, false);
  const writer = new ByteWriter(8 * MIB);
  writer.int32(5 * MIB);
  writer.reserve(5 * MIB);
  const bytes = writer.toBytes();
  assertThrows(() => codec.read(new ByteReader(bytes)), ProtocolError, "take too much memory");
  const trusting = new ByteReader(bytes);
  trusting.memory = 100 * MIB;
  assertEquals(codec.read(trusting).items.length, 5 * MIB);
});

function hostileJoinGroup(length: number): Uint8Array {
  const writer = new ByteWriter(length + 100);
  joinGroup.requestCodec(9).write(writer, {
    groupId: "g",
    sessionTimeoutMs: 1,
    memberId: "",
    protocolType: "",
    protocols: [],
  });
  // Replaces the empty list, the null reason and the tagged fields by a long list.
  const head = writer.toBytes().slice(0, -3);
  const count = Math.floor(length / 3);
  const out = new ByteWriter(length + 100);
  out.raw(head);
  out.uvarint(count + 1);
  for (let i = 0; i < count; i++) out.raw(Uint8Array.of(1, 1, 0));
  out.raw(Uint8Array.of(0, 0));
  return out.toBytes();
}

function hostileGroups(length: number): Uint8Array {
  const writer = new ByteWriter(length + 100);
  writer.uvarint(length + 1);
  writer.raw(new Uint8Array(length).fill(1));
  writer.raw(Uint8Array.of(0, 0));
  return writer.toBytes();
}

function hostileTags(count: number): Uint8Array {
  const writer = new ByteWriter(count * 4);
  metadata.requestCodec(13).write(writer, { topics: [] });
  const head = writer.toBytes().slice(0, -1);
  writer.reset();
  writer.raw(head);
  writer.uvarint(count);
  for (let tag = 0; tag < count; tag++) {
    writer.uvarint(tag);
    writer.uvarint(0);
  }
  return writer.toBytes();
}
