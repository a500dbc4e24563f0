import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AppendOptions, PartitionLog } from "../../../src/log/partition_log.ts";
import {
  encodeBatch,
  PRODUCER_ID_OFFSET,
  RECORD_COUNT_OFFSET,
  writeBaseOffset,
  writeCrc,
} from "../../../src/protocol/records/batch.ts";
import { encodeControlRecordKey } from "../../../src/protocol/records/control_record.ts";
import {
  allBatches,
  appendInSteps,
  batchOf,
  Machine,
  producedBatch,
  refusal,
  refusalOf,
  START_MS,
} from "../fixture.ts";
import { test } from "../../harness.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };

function patched(batch: Uint8Array<ArrayBuffer>, change: (bytes: Uint8Array) => void): Uint8Array {
  change(batch);
  writeCrc(batch, 0);
  return batch;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/**
 * Appends to `log` what it must refuse, at once and in steps, and checks that nothing came of it and that
 * both refuse it in the same words.
 */
async function assertRefused(
  log: PartitionLog,
  records: Uint8Array,
  name: string,
  what: string,
): Promise<void> {
  const { logEndOffset, sizeInBytes } = log;
  const before = records.slice();
  const answer = refusal(() => log.append(records, client));
  assertEquals(answer.name, name, `${what}: ${answer.message}`);
  assertStringIncludes(answer.message, "Cannot append to events-0: ", what);
  assertEquals(await refusalOf(appendInSteps(log, records, client)), answer, what);
  assertEquals(log.logEndOffset, logEndOffset, what);
  assertEquals(log.sizeInBytes, sizeInBytes, what);
  assertEquals(records, before, `${what}: the caller's bytes are untouched`);
}

test("PartitionLog gives batches consecutive offsets and the leader's epoch", () => {
  const log = new Machine().open();
  assertEquals(log.append(batchOf(3), client), {
    baseOffset: 0,
    lastOffset: 2,
    logAppendTimeMs: -1,
    duplicate: false,
  });
  assertEquals(log.append(batchOf(2), { ...client, leaderEpoch: 4 }).baseOffset, 3);
  assertEquals(log.logEndOffset, 5);
  assertEquals(log.latestEpoch, 4);
  const [first, second] = allBatches(log);
  assertEquals([first!.baseOffset, first!.partitionLeaderEpoch], [0, 0]);
  assertEquals([second!.baseOffset, second!.partitionLeaderEpoch], [3, 4]);
  assertEquals(second!.records.map((record) => record.offset), [3, 4]);
  assertEquals(log.endOffsetForEpoch(0), { leaderEpoch: 0, endOffset: 3 });
  log.close();
});

test("PartitionLog stores a batch unchanged except for offset and epoch", () => {
  const machine = new Machine();
  const log = machine.open();
  const batch = batchOf(5, { producerId: 3, producerEpoch: 1, baseSequence: 0 });
  log.append(batch, { ...client, leaderEpoch: -1 });
  assertEquals(machine.read("00000000000000000000.log"), batch);
  log.close();
});

test("PartitionLog does not retain the caller's buffer", () => {
  const log = new Machine().open();
  const batch = batchOf(5);
  log.append(batch, client);
  batch.fill(0);
  assertEquals(allBatches(log)[0]!.records.length, 5);
  log.close();
});

test("PartitionLog rejects batches that no client may send, and stores nothing", async () => {
  const log = new Machine().open({ maxMessageBytes: 4_000 });
  log.append(batchOf(2), client);
  const good = batchOf(4);
  const table: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "INVALID_RECORD"],
    ["one byte", new Uint8Array(1), "INVALID_RECORD"],
    ["zeros", new Uint8Array(200), "CORRUPT_MESSAGE"],
    ["a header's part", good.slice(0, 40), "INVALID_RECORD"],
    ["a batch's part", good.slice(0, -1), "INVALID_RECORD"],
    ["two batches", joined(good, good), "INVALID_RECORD"],
    ["a batch and a byte", joined(good, Uint8Array.of(0)), "INVALID_RECORD"],
    ["too large", batchOf(50, { valueBytes: 200 }), "MESSAGE_TOO_LARGE"],
    ["magic 1", patched(batchOf(4), (bytes) => bytes[16] = 1), "INVALID_RECORD"],
    ["magic 3", patched(batchOf(4), (bytes) => bytes[16] = 3), "CORRUPT_MESSAGE"],
    [
      "a base offset",
      patched(batchOf(4), (bytes) => writeBaseOffset(bytes, 0, 7)),
      "INVALID_RECORD",
    ],
    [
      "another count",
      patched(batchOf(4), (bytes) => bytes[RECORD_COUNT_OFFSET + 3] = 5),
      "INVALID_RECORD",
    ],
    ["an id without a sequence", batchOf(4, { producerId: 5, producerEpoch: 0 }), "INVALID_RECORD"],
    [
      "an id beyond 2^53 without a sequence",
      patched(batchOf(4), (bytes) => bytes.fill(0x7f, PRODUCER_ID_OFFSET, PRODUCER_ID_OFFSET + 8)),
      "INVALID_RECORD",
    ],
    [
      "an unknown compression",
      patched(batchOf(4), (bytes) => bytes[22] = 5),
      "UNSUPPORTED_COMPRESSION_TYPE",
    ],
    ["a record that lies", patched(batchOf(4), (bytes) => bytes[61] = 0x7e), "INVALID_RECORD"],
    [
      "a control batch",
      encodeBatch(
        [{ key: encodeControlRecordKey("commit"), value: new Uint8Array(6), timestamp: START_MS }],
        { isControl: true, producerId: 1, producerEpoch: 0, baseSequence: 0 },
      ),
      "INVALID_RECORD",
    ],
    [
      "a transaction that is not open",
      batchOf(1, { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      "INVALID_TXN_STATE",
    ],
    ["a transaction of nobody", batchOf(1, { isTransactional: true }), "INVALID_TXN_STATE"],
    [
      "gzip that is none",
      patched(batchOf(4), (bytes) => bytes[22] = 1),
      "INVALID_RECORD",
    ],
    [
      "the broker's timestamps",
      batchOf(1, { timestampType: "LogAppendTime", maxTimestamp: -1 }),
      "INVALID_TIMESTAMP",
    ],
  ];
  for (const [what, records, name] of table) await assertRefused(log, records, name, what);
  assertEquals(log.append(good, client).baseOffset, 2);
  log.close();
});

test("PartitionLog detects every changed byte in the checksummed part of a batch", async () => {
  const log = new Machine().open();
  const batch = batchOf(2);
  for (let at = 17; at < batch.length; at++) {
    const damaged = batch.slice();
    damaged[at]! ^= 1 << at % 8;
    const answer = refusal(() => log.append(damaged, client));
    assert(answer.name !== "NONE", `byte ${at}`);
    assertEquals(await refusalOf(appendInSteps(log, damaged, client)), answer, `byte ${at}`);
  }
  assertEquals(log.logEndOffset, 0);
  assertEquals(log.sizeInBytes, 0);
  log.close();
});

test("PartitionLog checks timestamps against the broker's clock", async () => {
  const log = new Machine().open({
    messageTimestampBeforeMaxMs: 1_000,
    messageTimestampAfterMaxMs: 500,
  });
  const table: [number, string][] = [
    [START_MS, "NONE"],
    [START_MS - 1_000, "NONE"],
    [START_MS - 1_001, "INVALID_TIMESTAMP"],
    [START_MS + 500, "NONE"],
    [START_MS + 501, "INVALID_TIMESTAMP"],
    [-1, "NONE"],
  ];
  for (const [timestamp, name] of table) {
    const batch = batchOf(1, { timestamp });
    assertEquals(refusal(() => log.append(batch, client)).name, name);
    assertEquals((await refusalOf(appendInSteps(log, batch, client))).name, name);
  }
  // The second record is one millisecond later.
  await assertRefused(
    log,
    batchOf(2, { timestamp: START_MS + 500 }),
    "INVALID_TIMESTAMP",
    "the second",
  );
  log.close();
});

test("PartitionLog corrects a wrong largest timestamp", () => {
  const log = new Machine().open();
  log.append(batchOf(3, { maxTimestamp: START_MS + 77 }), client);
  assertEquals(allBatches(log)[0]!.maxTimestamp, START_MS + 2);
  log.close();
});

test("PartitionLog sets the append time if the topic requires it", () => {
  const machine = new Machine();
  const log = machine.open({ messageTimestampType: "LogAppendTime" });
  machine.nowMs += 5;
  const result = log.append(batchOf(3, { compression: "gzip" }), client);
  assertEquals(result.logAppendTimeMs, START_MS + 5);
  const [batch] = allBatches(log);
  assertEquals(batch!.timestampType, "LogAppendTime");
  assertEquals(batch!.records.map((record) => record.timestamp), Array(3).fill(START_MS + 5));
  log.close();
});

test("PartitionLog requires keys if the topic is compacted", async () => {
  const log = new Machine().open({ compact: true });
  const keyless = encodeBatch([{ value: Uint8Array.of(1), timestamp: START_MS }]);
  await assertRefused(log, keyless, "INVALID_RECORD", "no key");
  assertEquals(log.append(batchOf(1), client).baseOffset, 0);
  log.close();
});

test("PartitionLog rejects zstd in old versions of Produce", () => {
  const log = new Machine().open();
  const batch = patched(batchOf(1), (bytes) => bytes[22] = 4);
  const { name } = refusal(() => log.append(batch, { ...client, allowZstd: false }));
  assertEquals(name, "UNSUPPORTED_COMPRESSION_TYPE");
  log.close();
});

test("PartitionLog returns the original offsets for a duplicate batch", async () => {
  const log = new Machine().open();
  const results = [0, 3, 6].map((sequence) => log.append(producedBatch(7, 0, sequence, 3), client));
  assertEquals(results.map((result) => result.baseOffset), [0, 3, 6]);
  const size = log.sizeInBytes;
  for (const [i, sequence] of [0, 3, 6].entries()) {
    assertEquals(log.append(producedBatch(7, 0, sequence, 3), client), {
      ...results[i]!,
      duplicate: true,
    });
  }
  assertEquals(log.sizeInBytes, size);
  await assertRefused(log, producedBatch(7, 0, 10), "OUT_OF_ORDER_SEQUENCE_NUMBER", "a gap");
  await assertRefused(log, producedBatch(7, 0, 0, 2), "OUT_OF_ORDER_SEQUENCE_NUMBER", "a part");
  assertEquals(log.append(producedBatch(7, 1, 0), client).baseOffset, 9);
  await assertRefused(log, producedBatch(7, 0, 9), "INVALID_PRODUCER_EPOCH", "an old epoch");
  assertEquals(
    log.activeProducers().map(({ producerId, producerEpoch, lastSequence }) => [
      producerId,
      producerEpoch,
      lastSequence,
    ]),
    [[7, 1, 0]],
  );
  log.close();
});

test("PartitionLog restores its producers after a restart and a truncation", async () => {
  let machine = new Machine();
  let log = machine.open();
  for (const sequence of [0, 1, 2]) log.append(producedBatch(7, 0, sequence), client);
  machine = machine.kill();
  log = machine.open();
  assertEquals(log.append(producedBatch(7, 0, 1), client).duplicate, true);
  assertEquals(log.append(producedBatch(7, 0, 3), client).baseOffset, 3);
  await log.truncateTo(2);
  await assertRefused(log, producedBatch(7, 0, 3), "OUT_OF_ORDER_SEQUENCE_NUMBER", "after the cut");
  assertEquals(log.append(producedBatch(7, 0, 2), client).baseOffset, 2);
  log.close();
});

test("PartitionLog accepts several batches of coordinators, and control batches", () => {
  const log = new Machine().open();
  const marker = encodeBatch(
    [{ key: encodeControlRecordKey("commit"), value: new Uint8Array(6), timestamp: START_MS }],
    { isControl: true, isTransactional: true, producerId: 1, producerEpoch: 0 },
  );
  const records = joined(batchOf(2), batchOf(3, { compression: "gzip" }), marker);
  const result = log.append(records, { leaderEpoch: 2, origin: "coordinator" });
  assertEquals([result.baseOffset, result.lastOffset], [0, 5]);
  assertEquals(allBatches(log).map((batch) => batch.baseOffset), [0, 2, 5]);
  const damaged = records.slice();
  damaged[records.length - 1]! ^= 1;
  for (const bytes of [damaged, records.slice(0, -1)]) {
    const { name } = refusal(() => log.append(bytes, { leaderEpoch: 2, origin: "raft" }));
    assertEquals(name, "CORRUPT_MESSAGE");
  }
  assertEquals(log.logEndOffset, 6);
  log.close();
});

test("PartitionLog rejects batches larger than a segment", async () => {
  const log = new Machine().open({ segmentBytes: 200 });
  await assertRefused(log, batchOf(20), "RECORD_LIST_TOO_LARGE", "20 records");
  log.close();
});

test("append() rejects a batch whose first record is too old and whose newest is not", async () => {
  const log = new Machine().open({ messageTimestampBeforeMaxMs: 1_000 });
  // The second of the two records is one millisecond newer.
  await assertRefused(
    log,
    batchOf(2, { timestamp: START_MS - 1_001 }),
    "INVALID_TIMESTAMP",
    "the first",
  );
  assertEquals(log.append(batchOf(2, { timestamp: START_MS - 1_000 }), client).baseOffset, 0);
  log.close();
});
