/**
 * Compares decoded records with the output of Apache Kafka's own tool for the same bytes. The fixture's
 * layout is described in its `about`.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { groupRecordTypes } from "../../src/groups/records/group_records.ts";
import { dumpLogFile, type DumpOptions } from "../../src/inspect/dump.ts";
import { KafkaReader } from "../../src/inspect/kafka_reader.ts";
import {
  type DecoderName,
  decoderOf,
  UndecodableError,
} from "../../src/inspect/record_decoders.ts";
import { javaDouble, textJson } from "../../src/inspect/record_json.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { test } from "../harness.ts";
import { writeFile } from "./fixture.ts";
import fixture from "./fixtures/kafka_4_4_records.json" with { type: "json" };

type Row = readonly [key: string | null, value: string | null, line: string];

const NAMES: readonly DecoderName[] = [
  "offsets",
  "transaction-log",
  "cluster-metadata",
  "share-group-state",
];
const host = hostRuntime();

function rowsOf(name: DecoderName): readonly Row[] {
  return fixture[name] as unknown as readonly Row[];
}

function bytesOf(digits: string | null): Uint8Array | null {
  if (digits === null) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** Returns the lines printed for a log with the records, without those of its batch. */
async function dump(
  records: readonly { key: Uint8Array | null; value: Uint8Array | null }[],
  options: DumpOptions,
): Promise<{ lines: string[]; problems: string[] }> {
  const files = new MemoryFileSystem();
  const path = "/data/topic-0/00000000000000000000.log";
  writeFile(files, path, encodeBatch(records.map((record) => ({ ...record, timestamp: 1 }))));
  const lines: string[] = [];
  const problems: string[] = [];
  const onProblem = (line: string) => void problems.push(line);
  const printed = dumpLogFile(path, { ...options, runtime: { ...host, files }, onProblem });
  for await (const line of printed) lines.push(line);
  return { lines: lines.slice(3), problems };
}

for (const name of NAMES) {
  test(`--${name}-decoder prints what Apache Kafka's tool prints, of garbled records too`, async () => {
    const rows = rowsOf(name);
    const records = rows.map(([key, value]) => ({ key: bytesOf(key), value: bytesOf(value) }));
    const { lines, problems } = await dump(records, { decoder: name, skipRecordMetadata: true });
    assertEquals(lines, rows.map(([, , line]) => line));
    assertEquals(problems, []);
    assert(lines.some((line) => line.includes("Error at")));
  });
}

test("the fixture has every type of group record, with and without a value", () => {
  for (const { type } of groupRecordTypes) {
    const lines = rowsOf("offsets").map(([, , line]) => line)
      .filter((line) => line.startsWith(`| key: {"type":"${type}",`));
    assert(lines.some((line) => line.includes(` payload: {"version":"`)), `${type} has no value`);
    assert(lines.some((line) => line.endsWith(" payload: <DELETE>")), `${type} has no tombstone`);
  }
});

test("decoded keys and values follow the record's metadata", async () => {
  const [key, value] = rowsOf("transaction-log")[0]!;
  const record = { key: bytesOf(key), value: bytesOf(value) };
  const { lines } = await dump([record], { decoder: "transaction-log" });
  assert(/^\| offset: 0 CreateTime: 1 .* headerKeys: \[\] key: \{"type":"0",/.test(lines[0]!));
});

test("a record without a key is reported, and the next one printed", async () => {
  const [key, value, line] = rowsOf("offsets")[0]!;
  const record = { key: bytesOf(key), value: bytesOf(value) };
  const { lines, problems } = await dump([{ key: null, value: record.value }, record], {
    decoder: "offsets",
    skipRecordMetadata: true,
  });
  assertEquals(lines, ["", line]);
  assertEquals(problems, [
    "Failed to decode message at offset 0 using the specified decoder (message had a missing key)",
  ]);
});

test("decoders throw for no truncated record and no flipped byte", () => {
  for (const name of NAMES) {
    const decode = decoderOf(name);
    for (const [keyDigits, valueDigits] of rowsOf(name)) {
      const record = { offset: 7, timestamp: 1, headers: [] };
      const [key, value] = [bytesOf(keyDigits), bytesOf(valueDigits)];
      for (const bytes of [key, value]) {
        if (bytes === null) continue;
        const garble = (change: (bytes: Uint8Array) => Uint8Array) =>
          decode({
            ...record,
            key: bytes === key ? change(bytes.slice()) : key,
            value: bytes === value ? change(bytes.slice()) : value,
          });
        for (let at = 0; at < bytes.length; at++) {
          garble((copy) => copy.subarray(0, at));
          garble((copy) => {
            copy[at]! ^= 0xff;
            return copy;
          });
        }
      }
    }
  }
  const missing = { offset: 7, timestamp: 1, headers: [], key: null, value: null };
  assertThrows(() => decoderOf("offsets")(missing), UndecodableError, "offset 7");
});

test("textJson() and javaDouble() format as Kafka's tools do", () => {
  assertEquals(textJson('a "\u001b\n\u0000\\u00ab ä'), '"a \\"\\u001B\\n\\u0000\\\\u00ab ä"');
  const doubles = [0, -0, 1, -1024.5, 0.001, 0.00012, 1e7, 12345678.5, 5e-324, NaN, Infinity];
  assertEquals(doubles.map(javaDouble), [
    ...["0.0", "-0.0", "1.0", "-1024.5", "0.001", "1.2E-4", "1.0E7", "1.23456785E7", "5.0E-324"],
    ...['"NaN"', '"Infinity"'],
  ]);
});

test("uvarint() returns a signed integer and limits the fifth byte", () => {
  assertEquals(new KafkaReader(Uint8Array.of(0x80, 0x01)).uvarint(), 128);
  assertEquals(new KafkaReader(Uint8Array.of(255, 255, 255, 255, 15)).uvarint(), -1);
  assertThrows(
    () => new KafkaReader(Uint8Array.of(255, 255, 255, 255, 255)).uvarint(),
    Error,
    "Varint is too long",
  );
});
