import { assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_INT64, MIN_INT64, toInt64 } from "../../../src/protocol/int64.ts";
import * as batch from "../../../src/protocol/records/batch.ts";
import { createCrc32cArena } from "../../../src/protocol/records/crc32c.ts";
import { test } from "../../harness.ts";
import { EXTREME_INT64S } from "../extreme_int64s.ts";
import { randomBytes, randomSource, reasonOf, utf8 } from "./record_helpers.ts";

const LIMITS = { maxBatchBytes: 1_048_588, allowZstd: true };
const DEEP = { maxDecompressedBytes: 1_000_000 };

function threeRecords(options: batch.BatchOptions = {}): Uint8Array {
  return batch.encodeBatch([
    { key: utf8("k1"), value: utf8("first"), timestamp: 1_700_000_000_000 },
    {
      key: null,
      value: utf8("second"),
      headers: [{ key: "trace", value: utf8("abc") }, { key: "empty", value: null }],
      timestamp: 1_700_000_000_500,
    },
    { key: new Uint8Array(0), value: null, timestamp: 1_699_999_999_000 },
  ], options);
}

/** Changes a copy of the bytes and updates its checksum. */
function altered(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy);
  batch.writeCrc(copy, 0);
  return copy;
}

function checkAll(bytes: Uint8Array, start = 0, end = bytes.length): batch.RecordScan {
  const scan = batch.createRecordScan();
  batch.checkProducedHeader(bytes, start, end, LIMITS);
  batch.checkBatchCrc(bytes, start);
  batch.checkRecords(bytes, start, end, scan, DEEP);
  return scan;
}

test("decodeBatch() returns every field given to encodeBatch()", () => {
  const bytes = threeRecords({
    baseOffset: 5_000_000_000,
    partitionLeaderEpoch: 7,
    producerId: 9_007_199_254_740_991,
    producerEpoch: 3,
    baseSequence: 41,
    isTransactional: true,
  });
  const decoded = batch.decodeBatch(bytes);
  assertEquals({ ...decoded, records: decoded.records.length }, {
    baseOffset: 5_000_000_000,
    lastOffset: 5_000_000_002,
    sizeInBytes: bytes.length,
    partitionLeaderEpoch: 7,
    compression: "none",
    timestampType: "CreateTime",
    isTransactional: true,
    isControl: false,
    deleteHorizonMs: null,
    baseTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_500,
    producerId: 9_007_199_254_740_991,
    producerEpoch: 3,
    baseSequence: 41,
    records: 3,
  });
  assertEquals([...decoded.records], [
    {
      offset: 5_000_000_000,
      timestamp: 1_700_000_000_000,
      key: utf8("k1"),
      value: utf8("first"),
      headers: [],
    },
    {
      offset: 5_000_000_001,
      timestamp: 1_700_000_000_500,
      key: null,
      value: utf8("second"),
      headers: [{ key: "trace", value: utf8("abc") }, { key: "empty", value: null }],
    },
    {
      offset: 5_000_000_002,
      timestamp: 1_699_999_999_000,
      key: new Uint8Array(0),
      value: null,
      headers: [],
    },
  ]);
  assertEquals([...batch.readRecords(bytes)], [...decoded.records]);
});

test("decodeBatch() returns random records unchanged, at any position", () => {
  const random = randomSource(1);
  for (let round = 0; round < 40; round++) {
    const maybe = (bound: number) => random(4) === 0 ? null : randomBytes(random, random(bound));
    const base = round % 2 === 0 ? 1_700_000_000_000 : 0;
    const records = Array.from({ length: 1 + random(150) }, () => ({
      key: maybe(40),
      value: maybe(400),
      headers: Array.from({ length: random(3) }, (_, n) => ({ key: `h${n}é`, value: maybe(300) })),
      timestamp: base + random(2_000_000_000) - 1_000_000_000 * random(2),
    }));
    const bytes = batch.encodeBatch(records);
    const shifted = new Uint8Array(bytes.length + 40);
    shifted.set(bytes, 13);
    const decoded = batch.decodeBatch(shifted, 13);
    assertEquals(
      decoded.records.map(({ key, value, headers, timestamp }) => ({
        key: key?.slice() ?? null,
        value: value?.slice() ?? null,
        headers: headers.map((header) => ({ ...header, value: header.value?.slice() ?? null })),
        timestamp: Number(timestamp),
      })),
      records,
    );
    const scan = checkAll(shifted, 13, 13 + bytes.length);
    const timestamps = records.map((record) => record.timestamp);
    const largest = Math.max(...timestamps);
    assertEquals(decoded.maxTimestamp, largest);
    assertEquals(Number(decoded.baseTimestamp) + scan.maxTimestampDelta, largest);
    assertEquals(
      Number(decoded.baseTimestamp) + scan.minTimestampDelta,
      Math.min(...timestamps),
    );
    assertEquals(scan.offsetDeltaOfMaxTimestamp, timestamps.indexOf(largest));
    assertEquals(scan.firstWithoutKey, records.findIndex((record) => record.key === null));
  }
});

test("scanRecords() finds the first record with the largest timestamp", () => {
  const bytes = batch.encodeBatch([3, 9, 9, 4].map((timestamp) => ({ timestamp })));
  assertEquals(checkAll(bytes, 0, bytes.length).offsetDeltaOfMaxTimestamp, 1);
});

test("timestamp deltas of every size are preserved", () => {
  for (let power = 0n; power <= 63n; power++) {
    for (const off of [-1n, 0n]) {
      const later = toInt64(2n ** power + off);
      const earlier = toInt64(-(2n ** power + off));
      const bytes = batch.encodeBatch(
        [{ timestamp: 0 }, { timestamp: later }, { timestamp: earlier }],
      );
      assertEquals(
        batch.decodeBatch(bytes).records.map((record) => record.timestamp),
        [0, later, earlier],
      );
      const { maxTimestampDelta } = checkAll(bytes);
      assertEquals(maxTimestampDelta, Math.max(0, Number(later), Number(earlier)));
    }
  }
  for (const timestamp of [2 ** 53, 0.5, NaN, 2n ** 63n, 5n]) {
    assertEquals(reasonOf(() => batch.encodeBatch([{ timestamp }])), "invalid", `${timestamp}`);
  }
});

test("BatchBuilder reports its size and keeps offset gaps", () => {
  const builder = new batch.BatchBuilder({ baseOffset: 100, lastOffsetDelta: 9 });
  builder.append({ value: utf8("a"), timestamp: 5, offsetDelta: 2 });
  builder.append({ value: utf8("b"), timestamp: 6 });
  assertEquals(reasonOf(() => builder.append({ timestamp: 7, offsetDelta: 3 })), "invalid");
  const bytes = builder.build();
  assertEquals(builder.sizeInBytes, bytes.length);
  assertEquals(builder.recordCount, 2);
  const decoded = batch.decodeBatch(bytes);
  assertEquals(decoded.records.map((record) => record.offset), [102, 103]);
  assertEquals(decoded.lastOffset, 109);
});

test("an empty batch and a delete horizon are preserved", () => {
  const empty = batch.encodeBatch([], { compression: "gzip", lastOffsetDelta: 4, producerId: 8 });
  assertEquals(empty.length, batch.RECORDS_OFFSET);
  assertEquals(batch.decodeBatch(empty).records.length, 0);
  assertEquals(batch.decodeBatch(empty).lastOffset, 4);
  const horizon = batch.encodeBatch([{ key: utf8("k"), timestamp: 50 }], { deleteHorizonMs: 900 });
  assertEquals(batch.decodeBatch(horizon).deleteHorizonMs, 900);
  assertEquals(batch.decodeBatch(horizon).records[0]!.timestamp, 50);
});

test("header fields are read and patched in place", () => {
  const arena = createCrc32cArena(256);
  const bytes = threeRecords();
  arena.memory.set(bytes, 32);
  const memory = arena.memory;
  batch.checkBatchCrc(memory, 32, arena);
  batch.writeBaseOffset(memory, 32, 2 ** 53 - 1);
  batch.writePartitionLeaderEpoch(memory, 32, 12);
  assertEquals(batch.readBaseOffset(memory, 32), 2 ** 53 - 1);
  assertEquals(batch.readPartitionLeaderEpoch(memory, 32), 12);
  batch.checkBatchCrc(memory, 32, arena);
  assertEquals(batch.writeMaxTimestamp(memory, 32, "CreateTime", 1_700_000_000_500, arena), false);
  assertEquals(batch.writeMaxTimestamp(memory, 32, "LogAppendTime", 77, arena), true);
  batch.checkBatchCrc(memory, 32, arena);
  const stamped = batch.decodeBatch(memory.slice(32, 32 + bytes.length));
  assertEquals(stamped.records.map((record) => record.timestamp), [77, 77, 77]);
  assertEquals(batch.writeMaxTimestamp(memory, 32, "CreateTime", -1, arena), true);
  assertEquals(batch.readMaxTimestamp(memory, 32), -1);
  assertEquals(batch.timestampTypeOf(batch.readAttributes(memory, 32)), "CreateTime");
  assertEquals(batch.readBatchSize(memory, 32), bytes.length);
  assertEquals(batch.readProducerId(memory, 32), -1);
  assertEquals(batch.readProducerEpoch(memory, 32), -1);
  assertEquals(batch.readLastOffset(memory, 32), 2 ** 53 + 1);
});

test("a base offset above 2^53 is rejected, not rounded", () => {
  const bytes = threeRecords();
  bytes.set([0x00, 0x20, 0, 0, 0, 0, 0, 0], batch.BASE_OFFSET_OFFSET);
  assertEquals(reasonOf(() => batch.readBaseOffset(bytes, 0)), "invalid");
  assertEquals(reasonOf(() => batch.writeBaseOffset(bytes, 0, 2 ** 53)), "invalid");
  assertEquals(reasonOf(() => batch.writeBaseOffset(bytes, 0, 0.5)), "invalid");
});

test("headerProblem() rejects a batch whose last offset is above 2^53", () => {
  const bytes = threeRecords();
  batch.writeBaseOffset(bytes, 0, 2 ** 53 - 4);
  assertEquals(batch.headerProblem(bytes, 0, bytes.length), null);
  batch.writeBaseOffset(bytes, 0, 2 ** 53 - 3);
  assertStringIncludes(batch.headerProblem(bytes, 0, bytes.length)!, "its last offset is");
});

test("timestamps and producer ids of every size are read and written without loss", () => {
  for (const value of EXTREME_INT64S) {
    const bytes = batch.encodeBatch([{ timestamp: value }, { timestamp: value }], {
      maxTimestamp: value,
      producerId: value,
    });
    assertEquals(batch.readBaseTimestamp(bytes, 0), value);
    assertEquals(batch.readMaxTimestamp(bytes, 0), value);
    assertEquals(batch.readProducerId(bytes, 0), value);
    const view = new DataView(bytes.buffer);
    for (
      const at of [
        batch.BASE_TIMESTAMP_OFFSET,
        batch.MAX_TIMESTAMP_OFFSET,
        batch.PRODUCER_ID_OFFSET,
      ]
    ) assertEquals(view.getBigInt64(at), BigInt(value), `${value} at ${at}`);
    const decoded = batch.decodeBatch(bytes);
    assertEquals(decoded.records.map((record) => record.timestamp), [value, value]);
    batch.writeMaxTimestamp(bytes, 0, "LogAppendTime", value);
    assertEquals(batch.decodeBatch(bytes).records[0]!.timestamp, value);
  }
});

test("a timestamp is base plus delta modulo 2^64", () => {
  const bytes = batch.encodeBatch([{ timestamp: MAX_INT64 }, { timestamp: MIN_INT64 + 4n }]);
  // The delta is 5: one step from the end to the beginning, and four more.
  assertEquals(checkAll(bytes).maxTimestampDelta, 5);
  const { records } = batch.decodeBatch(bytes);
  assertEquals(records.map((record) => record.timestamp), [MAX_INT64, MIN_INT64 + 4n]);
});

test("readTimestampBounds() finds the smallest and largest of any timestamps", () => {
  const bounds = batch.createTimestampBounds();
  for (const base of EXTREME_INT64S) {
    for (const first of EXTREME_INT64S) {
      for (const second of EXTREME_INT64S) {
        const bytes = batch.encodeBatch(
          [{ timestamp: base }, { timestamp: first }, { timestamp: second }],
        );
        const scan = checkAll(bytes);
        batch.readTimestampBounds(bytes, batch.RECORDS_OFFSET, 3, base, scan, bounds);
        const inOrder = [base, first, second].sort((one, other) => one < other ? -1 : 1);
        assertEquals([bounds.oldest, bounds.newest], [inOrder[0], inOrder[2]]);
      }
    }
  }
});

test("splitBatches() yields each batch and honors allowPartial", () => {
  const one = threeRecords();
  const two = batch.encodeBatch([{ value: utf8("x"), timestamp: 1 }], { baseOffset: 3 });
  const both = new Uint8Array([...one, ...two]);
  const spans = [{ start: 0, end: one.length }, { start: one.length, end: both.length }];
  assertEquals([...batch.splitBatches(both)], spans);
  for (let length = 0; length < both.length; length++) {
    const cut = both.subarray(0, length);
    assertEquals(
      [...batch.splitBatches(cut, { allowPartial: true })],
      spans.filter((span) => span.end <= length),
    );
    if (length !== 0 && length !== one.length) {
      assertEquals(reasonOf(() => [...batch.splitBatches(cut)]), "corrupt");
    }
  }
  for (const length of [-1, 0, 13, 48, -2_147_483_648]) {
    const lying = both.slice();
    new DataView(lying.buffer).setInt32(batch.BATCH_LENGTH_OFFSET, length);
    assertEquals(reasonOf(() => [...batch.splitBatches(lying, { allowPartial: true })]), "corrupt");
  }
  both[batch.MAGIC_OFFSET] = 3;
  assertEquals(reasonOf(() => [...batch.splitBatches(both)]), "corrupt");
});

test("the produce checks report the inconsistent header field", () => {
  const bytes = threeRecords();
  const headerReason = (copy: Uint8Array, limits = LIMITS) =>
    reasonOf(() => batch.checkProducedHeader(copy, 0, copy.length, limits));
  const view = (copy: Uint8Array) => new DataView(copy.buffer, copy.byteOffset);
  checkAll(bytes);
  assertEquals(headerReason(new Uint8Array(0)), "invalid");
  assertEquals(headerReason(bytes.subarray(0, bytes.length - 1)), "invalid");
  assertEquals(headerReason(new Uint8Array([...bytes, ...bytes])), "invalid");
  assertEquals(headerReason(new Uint8Array([...bytes, 0])), "invalid");
  assertEquals(headerReason(bytes, { ...LIMITS, maxBatchBytes: bytes.length - 1 }), "too-large");
  for (const magic of [0, 1]) {
    assertEquals(headerReason(altered(bytes, (copy) => copy[16] = magic)), "invalid");
  }
  assertEquals(headerReason(altered(bytes, (copy) => copy[16] = 9)), "corrupt");
  assertEquals(headerReason(altered(bytes, (copy) => copy[22] = 5)), "unsupported-compression");
  const zstd = altered(bytes, (copy) => copy[22] = 4);
  assertEquals(headerReason(zstd, { ...LIMITS, allowZstd: false }), "unsupported-compression");
  assertEquals(headerReason(threeRecords({ isControl: true })), "invalid");
  assertEquals(headerReason(threeRecords({ baseOffset: 1 })), "invalid");
  assertEquals(headerReason(threeRecords({ lastOffsetDelta: 3 })), "invalid");
  assertEquals(headerReason(threeRecords({ producerId: 1 })), "invalid");
  for (const count of [0, -1, 2, 4, 2_147_483_647]) {
    const lying = altered(bytes, (copy) => view(copy).setInt32(batch.RECORD_COUNT_OFFSET, count));
    assertEquals(headerReason(lying), "invalid");
  }
  const both = altered(bytes, (copy) => {
    view(copy).setInt32(batch.RECORD_COUNT_OFFSET, 2_147_483_647);
    view(copy).setInt32(batch.LAST_OFFSET_DELTA_OFFSET, 2_147_483_646);
  });
  assertEquals(reasonOf(() => checkAll(both)), "invalid");
  assertEquals(reasonOf(() => batch.decodeBatch(both)), "invalid");
});

test("any flipped bit is detected by the checksum or by the header checks", () => {
  const bytes = threeRecords();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const at = bit >> 3;
    // The broker sets the leader epoch; its value in a produced batch is ignored.
    if (at >= batch.PARTITION_LEADER_EPOCH_OFFSET && at < batch.MAGIC_OFFSET) continue;
    const copy = bytes.slice();
    copy[at]! ^= 1 << (bit & 7);
    reasonOf(() => checkAll(copy));
  }
});

test("scan and decoder reject the same inconsistent records", () => {
  const bytes = threeRecords();
  let refused = 0;
  for (let at = batch.RECORDS_OFFSET; at < bytes.length; at++) {
    for (const byte of [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff, bytes[at]! ^ 0x02]) {
      const copy = altered(bytes, (changed) => changed[at] = byte);
      const outcomes = [() => checkAll(copy), () => batch.decodeBatch(copy)].map((run) => {
        try {
          run();
          return "accepted";
        } catch (error) {
          if (!(error instanceof batch.RecordError)) throw error;
          return error.reason;
        }
      });
      assertEquals(outcomes[0], outcomes[1], `byte ${at} set to ${byte}`);
      if (outcomes[0] !== "accepted") refused++;
    }
  }
  assertEquals(refused > 100, true);
});

test("truncated records, repeated records and trailing bytes are rejected", () => {
  const bytes = threeRecords();
  for (let length = batch.RECORDS_OFFSET; length < bytes.length; length++) {
    const cut = altered(bytes.subarray(0, length), (copy) => {
      new DataView(copy.buffer).setInt32(batch.BATCH_LENGTH_OFFSET, length - batch.LOG_OVERHEAD);
    });
    assertEquals(reasonOf(() => checkAll(cut)), "invalid");
    assertEquals(reasonOf(() => batch.decodeBatch(cut)), "invalid");
  }
  const longer = altered(new Uint8Array([...bytes, 0]), (copy) => {
    new DataView(copy.buffer).setInt32(batch.BATCH_LENGTH_OFFSET, copy.length - batch.LOG_OVERHEAD);
  });
  assertEquals(reasonOf(() => checkAll(longer)), "invalid");
  assertEquals(reasonOf(() => batch.decodeBatch(longer)), "invalid");
});

test("overlong varints are rejected", () => {
  const ends = (body: number[]) => {
    const copy = new Uint8Array(batch.RECORDS_OFFSET + body.length);
    copy.set(batch.encodeBatch([{ timestamp: 0 }]).subarray(0, batch.RECORDS_OFFSET));
    copy.set(body, batch.RECORDS_OFFSET);
    return altered(copy, (changed) => {
      new DataView(changed.buffer).setInt32(
        batch.BATCH_LENGTH_OFFSET,
        changed.length - batch.LOG_OVERHEAD,
      );
    });
  };
  const more = (count: number) => new Array<number>(count).fill(0x80);
  const good = ends([12, 0, 0, 0, 1, 1, 0]);
  checkAll(good);
  assertEquals(batch.decodeBatch(good).records.length, 1);
  for (
    const body of [
      [...more(5), 0],
      [0x80, 0x80, 0x80, 0x80, 0x1f, 0, 0, 0, 1, 1, 0],
      [12 + 20, 0, ...more(10), 0, 0, 1, 1, 0],
      [12 + 18, 0, ...more(9), 2, 0, 1, 1, 0],
      [12 + 8, 0, 0, ...more(4), 0x10, 1, 1, 0],
    ]
  ) {
    const bad = ends(body);
    assertEquals(reasonOf(() => checkAll(bad)), "invalid", `${body}`);
    assertEquals(reasonOf(() => batch.decodeBatch(bad)), "invalid", `${body}`);
  }
  // The longest valid encodings.
  const long = ends([12 + 16, 0, ...more(8), 0, 0, 1, 1, 0]);
  checkAll(long);
  assertEquals(batch.decodeBatch(long).records.length, 1);
});
