/** The format of snapshots, compared with one that Apache Kafka 4.4 has written, and damaged ones. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { encodeControlBatch } from "../../../src/raft/storage/control_batches.ts";
import { checkSnapshot, SnapshotReader } from "../../../src/raft/storage/snapshot_reader.ts";
import {
  MAX_SNAPSHOT_RECORD_BYTES,
  type SnapshotHeader,
  SnapshotWriter,
} from "../../../src/raft/storage/snapshot_writer.ts";
import { AssertionFailure } from "../../../src/assert.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { decodeBatch, readBatchSize, writeCrc } from "../../../src/protocol/records/batch.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import type { FileHandle } from "../../../src/runtime/runtime.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { test } from "../../harness.ts";
import { refusal } from "../../log/fixture.ts";
import { KAFKA_HEADER, KAFKA_SNAPSHOT, STATIC_HEADER, writeFile } from "./fixture.ts";

const PATH = "/snapshot";

function fileOf(bytes: Uint8Array): FileHandle {
  const files = new MemoryFileSystem();
  writeFile(files, PATH, bytes);
  return files.open(PATH, "read");
}

function written(
  header: SnapshotHeader,
  values: readonly Uint8Array[],
  { epoch = 0, times = [7] }: { epoch?: number; times?: readonly number[] } = {},
): { bytes: Uint8Array<ArrayBuffer>; batches: Uint8Array[] } {
  const batches: Uint8Array[] = [];
  let calls = 0;
  const writer = new SnapshotWriter({
    header,
    epoch,
    now: () => times[calls++] ?? times.at(-1)!,
    write: (bytes) => batches.push(bytes),
  });
  for (const value of values) writer.append(value);
  writer.finish();
  return { bytes: joined(batches), batches };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Returns the values of all records. */
function valuesOf(reader: SnapshotReader): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let batch = reader.next(); batch !== null; batch = reader.next()) {
    values.push(...decodeBatch(batch).records.map(({ value }) => value!.slice()));
  }
  return values;
}

function problem(bytes: Uint8Array): string {
  const { name, message } = refusal(() => atOnce(checkSnapshot(fileOf(bytes), PATH)));
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(message, `Cannot read the snapshot ${PATH}, at byte `);
  assertStringIncludes(message, "; bring the file back from a copy, or format the directory");
  return message;
}

test("a snapshot of Apache Kafka is read, and written again with the same bytes", () => {
  const reader = new SnapshotReader(fileOf(KAFKA_SNAPSHOT), PATH);
  assertEquals(reader.header, KAFKA_HEADER);
  const values = valuesOf(reader);
  assertEquals(values.length, 6);
  assertEquals(reader.next(), null);
  const times = [1_796_062_460_143, 1_796_062_460_169, 1_796_062_460_172];
  assertEquals(written(KAFKA_HEADER, values, { times }).bytes, KAFKA_SNAPSHOT);
});

test("records are divided into batches of about 64 KiB with the epoch of the snapshot", () => {
  const values = Array.from(
    { length: 3_000 },
    (_, i) => new Uint8Array(i % 100 === 0 ? 3_000 : 30).fill(i),
  );
  const { bytes, batches } = written(STATIC_HEADER, values, { epoch: 9 });
  assert(batches.length > 4);
  let offset = 0;
  for (const batch of batches) {
    assert(batch.length <= 65_600, `a batch of ${batch.length} bytes`);
    const { baseOffset, lastOffset, partitionLeaderEpoch } = decodeBatch(batch);
    assertEquals([baseOffset, partitionLeaderEpoch], [offset, 9]);
    offset = lastOffset + 1;
  }
  assertEquals(offset, values.length + 2);
  const reader = new SnapshotReader(fileOf(bytes), PATH);
  assertEquals(reader.header, STATIC_HEADER);
  assertEquals(valuesOf(reader), values);
});

test("a snapshot without records, one without voters, and a record of 8 MiB are read back", () => {
  const withoutVoters = { ...STATIC_HEADER, kraftVersion: 1 };
  const large = new Uint8Array(MAX_SNAPSHOT_RECORD_BYTES).fill(3);
  for (const [header, values] of [[withoutVoters, []], [KAFKA_HEADER, [large]]] as const) {
    const { bytes, batches } = written(header, values);
    assert(batches.every(({ length }) => length <= 8_388_608));
    const reader = new SnapshotReader(fileOf(bytes), PATH);
    assertEquals(reader.header, header);
    assert(valuesOf(reader).every((value, i) => value.length === values[i]!.length));
  }
});

test("a writer refuses what no snapshot may hold", () => {
  assertThrows(
    () => written({ ...KAFKA_HEADER, kraftVersion: 0 }, []),
    AssertionFailure,
    "kraft.version is 0",
  );
  assertThrows(
    () => written(STATIC_HEADER, [new Uint8Array(MAX_SNAPSHOT_RECORD_BYTES + 1)]),
    AssertionFailure,
  );
});

test("a snapshot that is cut off anywhere is refused", () => {
  for (let length = 0; length < KAFKA_SNAPSHOT.length; length++) {
    problem(KAFKA_SNAPSHOT.subarray(0, length));
  }
  assertStringIncludes(problem(new Uint8Array(0)), "it is empty");
  assertStringIncludes(problem(KAFKA_SNAPSHOT.subarray(0, 419)), "it ends without a footer");
  assertStringIncludes(problem(KAFKA_SNAPSHOT.subarray(0, 430)), "its last 11 bytes are not");
});

test("a changed byte is found by the checksum of its batch, or by the offsets", () => {
  for (let at = 0; at < KAFKA_SNAPSHOT.length; at++) {
    // The epoch of a batch is not covered by its checksum.
    const inBatch = at < 166 ? at : at < 419 ? at - 166 : at - 419;
    if (inBatch >= 12 && inBatch < 16) continue;
    const bytes = KAFKA_SNAPSHOT.slice();
    bytes[at]! ^= 0x10;
    problem(bytes);
  }
});

test("bytes after the footer, a missing batch and misplaced control batches are refused", () => {
  assertStringIncludes(problem(joined([KAFKA_SNAPSHOT, Uint8Array.of(0)])), "1 bytes follow");
  const { batches } = written(STATIC_HEADER, [new Uint8Array(60_000), new Uint8Array(60_000)]);
  const [header, first, second, footer] = batches as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  assertStringIncludes(problem(joined([header, second, footer])), "offset 1 is missing");
  assertStringIncludes(problem(joined([header, first, footer])), "offset 2 is missing");
  assertStringIncludes(problem(joined([header, first, first, footer])), "offset 2 is missing");
  const control = (offset: number, type: "snapshot-footer" | "snapshot-header") =>
    encodeControlBatch(
      [type === "snapshot-footer" ? { type } : { type, lastContainedLogTimestamp: 0 }],
      { baseOffset: offset, leaderEpoch: 0, timestampMs: 0 },
    );
  assertStringIncludes(problem(control(0, "snapshot-footer")), "it has no header");
  assertStringIncludes(
    problem(joined([header, control(1, "snapshot-header")])),
    "its batch of snapshot-header is neither the first nor the last one",
  );
  const data = first.slice();
  data.set(new Uint8Array(8));
  assertStringIncludes(problem(data), "it has no header");
});

test("an unbelievable size is refused before memory is allocated", () => {
  const huge = KAFKA_SNAPSHOT.slice();
  new DataView(huge.buffer).setInt32(8, 100_000_000);
  const file = fileOf(huge);
  const inflated: FileHandle = { ...over(file), size: () => 200_000_000 };
  const { message } = refusal(() => new SnapshotReader(inflated, PATH));
  assertStringIncludes(message, "its size is 100,000,012 bytes");
});

test("a header of a newer version is refused", () => {
  const bytes = KAFKA_SNAPSHOT.slice();
  // The version of the SnapshotHeader record is at bytes 71 and 72.
  bytes[72] = 1;
  writeCrc(bytes, 0);
  assertEquals(readBatchSize(bytes, 0), 166);
  assertStringIncludes(problem(bytes), "snapshot-header record at offset 0: its version is 1");
});

test("a disk that fails is reported with the path", () => {
  const file = { ...over(fileOf(KAFKA_SNAPSHOT)), readAt: () => 0 };
  assertThrows(() => new SnapshotReader(file, PATH), KafkaError, "it became shorter");
});

function over(file: FileHandle): FileHandle {
  return {
    readAt: (target, position) => file.readAt(target, position),
    read: (target, position) => file.read(target, position),
    writeAt: (bytes, position) => file.writeAt(bytes, position),
    size: () => file.size(),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
