/**
 * Clients' batches whose validation would block the event loop, such as a few KB that decompress to
 * 64 MB.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  CHECKED_AT_ONCE_BYTES,
  CHECKED_AT_ONCE_RECORDS,
  MAX_DECOMPRESSED_BATCH_BYTES,
  RECOMPRESSED_AT_ONCE_BYTES,
} from "../../../src/limits.ts";
import type { LogConfig } from "../../../src/log/log_config.ts";
import type { AppendOptions, PartitionLog } from "../../../src/log/partition_log.ts";
import { returnArena, takeArena } from "../../../src/log/segments/scratch.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import {
  BATCH_LENGTH_OFFSET,
  type BatchOptions,
  type CompressionType,
  encodeBatch,
  RECORD_COUNT_OFFSET,
  RECORDS_OFFSET,
  writeCrc,
} from "../../../src/protocol/records/batch.ts";
import { compress } from "../../../src/protocol/records/compression/codec.ts";
import { crc32c } from "../../../src/protocol/records/crc32c.ts";
import { test } from "../../harness.ts";
import {
  allBatches,
  appendInSteps,
  batchOf,
  codecs,
  Machine,
  producedBatch,
  refusal,
  refusalOf,
  START_MS,
} from "../fixture.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };
const MB = 1_000_000;
const PACKED: readonly CompressionType[] = ["gzip", "snappy", "lz4", "zstd"];
const ROOM: Partial<LogConfig> = { maxMessageBytes: 100 * MB };

function opened(config: Partial<LogConfig> = {}, machine = new Machine()): PartitionLog {
  return machine.open({ ...ROOM, ...config });
}

/** Creates a batch of one record of zeros, followed by a small one. */
function swelling(
  bytes: number,
  compression: CompressionType,
  options: BatchOptions = {},
): Uint8Array<ArrayBuffer> {
  return encodeBatch([
    { key: Uint8Array.of(1), value: new Uint8Array(bytes), timestamp: START_MS },
    { key: Uint8Array.of(2), value: Uint8Array.of(3), timestamp: START_MS + 1 },
  ], { compression, codecs, ...options });
}

/** Returns the batch with another payload and the compression flag for `compression`. */
function withPayload(
  batch: Uint8Array,
  payload: Uint8Array,
  compression: number,
): Uint8Array<ArrayBuffer> {
  const changed = new Uint8Array(RECORDS_OFFSET + payload.length);
  changed.set(batch.subarray(0, RECORDS_OFFSET));
  changed.set(payload, RECORDS_OFFSET);
  new DataView(changed.buffer).setInt32(BATCH_LENGTH_OFFSET, changed.length - 12);
  changed[22] = compression;
  writeCrc(changed, 0);
  return changed;
}

for (const source of ["none", ...PACKED] as CompressionType[]) {
  test(`a batch of 64 MB in ${source} is checked and recompressed in many steps`, async () => {
    const batch = swelling(64 * MB, source);
    const checksum = crc32c(new Uint8Array(64 * MB));
    for (const target of [null, source === "lz4" ? "snappy" : "lz4"] as const) {
      const log = opened({ recompression: target === null ? null : { type: target } });
      assertEquals(log.appender.appendSmall(batch, client), null);
      assertEquals(log.sizeInBytes, 0);
      let pauses = 0;
      const result = await appendInSteps(log, batch, client, () => {
        pauses++;
        assertEquals(log.logEndOffset, 0, "nothing is visible before all is checked");
        return Promise.resolve();
      });
      assertEquals([result.baseOffset, result.lastOffset], [0, 1]);
      // Steps are at most 1 MiB: those of the checksum are the largest, and twice as many with
      // recompression.
      assert(pauses >= (target === null ? 64 : 1_000), `${pauses} pauses from ${source}`);
      const [stored] = allBatches(log, 100 * MB);
      assertEquals(stored!.compression, target ?? source);
      assertEquals(crc32c(stored!.records[0]!.value!), checksum);
      assertEquals(stored!.records[1]!.value, Uint8Array.of(3));
      log.close();
    }
  });
}

for (const source of ["none", ...PACKED] as CompressionType[]) {
  test(`a batch of 1 MB in ${source} is checked at once, and compressed again in steps`, async () => {
    const value = new Uint8Array(1_000).map((_, i) => i * 7 % 31);
    const records = Array.from(
      { length: 1_000 },
      (_, i) => ({ value, timestamp: START_MS + i }),
    );
    const batch = encodeBatch(records, { compression: source, codecs });
    const plain = opened();
    assert(plain.appender.appendSmall(batch, client) !== null);
    plain.close();
    const target = source === "lz4" ? "snappy" : "lz4";
    const log = opened({ recompression: { type: target } });
    assertEquals(log.appender.appendSmall(batch, client), null);
    let pauses = 0;
    await appendInSteps(log, batch, client, () => {
      pauses++;
      return Promise.resolve();
    });
    // Steps of 64 KB, each byte in two of them: to decompress and check, and to compress.
    assert(pauses >= 16, `${pauses} pauses`);
    assertEquals(log.logEndOffset, records.length);
    log.close();
  });
}

test("appendSmall() appends batches within the limits and returns larger ones", () => {
  const log = opened();
  const recompressing = opened({ recompression: { type: "zstd" } });
  for (const source of ["none", ...PACKED] as CompressionType[]) {
    const small = swelling(CHECKED_AT_ONCE_BYTES - 1_000, source);
    const large = swelling(CHECKED_AT_ONCE_BYTES, source);
    assert(log.appender.appendSmall(small, client) !== null, source);
    assertEquals(log.appender.appendSmall(large, client), null, source);
    if (source === "zstd") continue;
    assertEquals(recompressing.appender.appendSmall(small, client), null, source);
    const few = swelling(RECOMPRESSED_AT_ONCE_BYTES - 1_000, source);
    assert(recompressing.appender.appendSmall(few, client) !== null, source);
  }
  const records = (count: number) =>
    encodeBatch(Array.from({ length: count }, () => ({ value: null, timestamp: START_MS })));
  assert(log.appender.appendSmall(records(CHECKED_AT_ONCE_RECORDS), client) !== null);
  assertEquals(log.appender.appendSmall(records(CHECKED_AT_ONCE_RECORDS + 1), client), null);
  log.close();
  recompressing.close();
});

test("appendSmall() stops at the limit despite a false gzip trailer or zstd header", async () => {
  const log = opened();
  const batch = swelling(4 * MB, "gzip");
  // The last four bytes are the decompressed length.
  batch.fill(0, batch.length - 4);
  writeCrc(batch, 0);
  assertEquals(log.appender.appendSmall(batch, client), null);
  assertEquals((await refusalOf(appendInSteps(log, batch, client))).name, "INVALID_RECORD");
  const zstd = swelling(4 * MB, "zstd");
  const payload = zstd.subarray(RECORDS_OFFSET);
  const descriptor = payload[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const afterHeader = 5 + (isSingleSegment ? 0 : 1) + sizeBytes;
  // A frame without a content size has a window, here of 8 MiB.
  const silent = new Uint8Array([
    ...payload.subarray(0, 4),
    descriptor & 0x04,
    13 << 3,
    ...payload.subarray(afterHeader),
  ]);
  const changed = withPayload(zstd, silent, 4);
  assertEquals(log.appender.appendSmall(changed, client), null);
  assertEquals((await appendInSteps(log, changed, client)).lastOffset, 1);
  log.close();
});

test("a malformed large batch is rejected in steps with the same error as at once", async () => {
  for (const source of PACKED) {
    const batch = swelling(4 * MB, source);
    const id = batch[22]!;
    const payload = batch.subarray(RECORDS_OFFSET);
    const unpacked = swelling(4 * MB, "none").subarray(RECORDS_OFFSET);
    const packed = (bytes: Uint8Array) => compress(source, bytes, undefined, codecs);
    const damaged = payload.slice();
    for (let at = damaged.length >> 1; at < (damaged.length >> 1) + 40; at++) damaged[at]! ^= 0x55;
    const oneMore = batch.slice();
    oneMore[RECORD_COUNT_OFFSET + 3]! += 1;
    oneMore[26]! += 1;
    writeCrc(oneMore, 0);
    const wrongCrc = batch.slice();
    wrongCrc[wrongCrc.length - 1]! ^= 1;
    const table: [string, Uint8Array, string][] = [
      ["truncated", withPayload(batch, payload.subarray(0, -10), id), "INVALID_RECORD"],
      ["damaged", withPayload(batch, damaged, id), "INVALID_RECORD"],
      ["nothing", withPayload(batch, payload.subarray(0, 0), id), "INVALID_RECORD"],
      ["one record more", oneMore, "INVALID_RECORD"],
      [
        "bytes behind the last record",
        withPayload(batch, packed(extended(unpacked)), id),
        "INVALID_RECORD",
      ],
      [
        "a record cut off",
        withPayload(batch, packed(unpacked.subarray(0, -1)), id),
        "INVALID_RECORD",
      ],
      ["another checksum", wrongCrc, "CORRUPT_MESSAGE"],
    ];
    for (const config of [{}, { recompression: { type: source === "lz4" ? "zstd" : "lz4" } }]) {
      const log = opened(config as Partial<LogConfig>);
      for (const [what, records, name] of table) {
        const about = `${source}, ${what}`;
        assertEquals(refusal(() => log.append(records, client)).name, name, about);
        assertEquals((await refusalOf(appendInSteps(log, records, client))).name, name, about);
      }
      assertEquals(log.sizeInBytes, 0);
      assertEquals((await appendInSteps(log, batch, client)).baseOffset, 0, source);
      log.close();
    }
  }
});

function extended(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  return longer;
}

test("a batch that decompresses to more than MAX_DECOMPRESSED_BATCH_BYTES is rejected", async () => {
  const log = opened();
  const batch = swelling(MAX_DECOMPRESSED_BATCH_BYTES, "zstd");
  const { name, message } = await refusalOf(appendInSteps(log, batch, client));
  assertEquals(name, "MESSAGE_TOO_LARGE");
  assertStringIncludes(message, "134,217,728");
  log.close();
});

test("a pause that rejects ends the validation with its error, and the log remains usable", async () => {
  for (const source of PACKED) {
    const log = opened({ recompression: { type: source === "gzip" ? "zstd" : "gzip" } });
    const batch = swelling(4 * MB, source);
    const reason = new KafkaError(6, "Cannot finish");
    let total = 0;
    await appendInSteps(log, batch, client, () => Promise.resolve(void total++));
    for (const last of [1, total >> 1, total]) {
      let pauses = 0;
      const work = appendInSteps(log, batch, client, () => {
        return ++pauses === last ? Promise.reject(reason) : Promise.resolve();
      });
      assertEquals(await work.catch((error) => error), reason, `${source}, pause ${last}`);
    }
    assertEquals(log.logEndOffset, 2);
    log.close();
  }
});

test("closing a log during the validation of a batch ends the validation without an append", async () => {
  const log = opened();
  let pauses = 0;
  const { name, message } = await refusalOf(
    appendInSteps(log, swelling(4 * MB, "lz4"), client, () => {
      if (++pauses === 5) log.close();
      return Promise.resolve();
    }),
  );
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(message, "closed");
  assertEquals(pauses, 5);
});

test("sequence numbers are checked at the time of the append", async () => {
  const log = opened();
  const producer = { producerId: 7, producerEpoch: 0 };
  const large = swelling(2 * MB, "gzip", { ...producer, baseSequence: 3 });
  let hasAppended = false;
  const result = await appendInSteps(log, large, client, () => {
    if (!hasAppended) log.append(producedBatch(7, 0, 0, 3), client);
    hasAppended = true;
    return Promise.resolve();
  });
  assertEquals([result.baseOffset, result.duplicate], [3, false]);
  // The same batch is appended in the meantime: it is a duplicate when its validation ends.
  const next = swelling(2 * MB, "gzip", { ...producer, baseSequence: 5 });
  let first: number | null = null;
  const second = await appendInSteps(log, next, client, () => {
    first ??= log.append(next, client).baseOffset;
    return Promise.resolve();
  });
  assertEquals([second.baseOffset, second.duplicate], [first!, true]);
  const gap = swelling(2 * MB, "gzip", { ...producer, baseSequence: 99 });
  const { name } = await refusalOf(appendInSteps(log, gap, client));
  assertEquals(name, "OUT_OF_ORDER_SEQUENCE_NUMBER");
  log.close();
});

test("the append time of a large batch is the time of its append, not of its arrival", async () => {
  const machine = new Machine();
  const log = opened({ messageTimestampType: "LogAppendTime" }, machine);
  const result = await appendInSteps(log, swelling(2 * MB, "snappy"), client, () => {
    machine.nowMs = START_MS + 77;
    return Promise.resolve();
  });
  assertEquals(result.logAppendTimeMs, START_MS + 77);
  assertEquals(allBatches(log)[0]!.maxTimestamp, START_MS + 77);
  log.close();
});

test("appendInSteps() returns its memory if the append is rejected after the validation", async () => {
  const log = new Machine().open();
  const memory = takeArena(1);
  returnArena(memory);
  const refused = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, "one replica is in sync");
  const error = await assertRejects(() =>
    log.appender.appendInSteps(batchOf(3), {}, () => Promise.resolve(), () => {
      throw refused;
    })
  );
  assertEquals([error, log.logEndOffset], [refused, 0]);
  assertEquals(takeArena(1) === memory, true);
  returnArena(memory);
  log.close();
});
