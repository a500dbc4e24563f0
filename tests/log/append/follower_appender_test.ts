/**
 * Appends to a log as a follower does: batches with the offsets and leader epochs of the leader's log.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { encodeBatch, readBatchSize } from "../../../src/protocol/records/batch.ts";
import type { BatchOptions } from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";
import {
  abortMarker,
  allBatches,
  batchesOf,
  batchOf,
  bytesOf,
  FailingFiles,
  Machine,
  producedBatch,
  refusal,
} from "../fixture.ts";

const LEADER = { leaderEpoch: 9 };

/** A batch of `count` records as the leader of `epoch` stored it at `baseOffset`. */
function stored(
  baseOffset: number,
  count: number,
  epoch = 0,
  options: BatchOptions = {},
): Uint8Array {
  return batchOf(count, { baseOffset, partitionLeaderEpoch: epoch, ...options });
}

function joined(...batches: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(batches.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const batch of batches) {
    bytes.set(batch, at);
    at += batch.length;
  }
  return bytes;
}

/** All bytes of the log from `offset` to its end. */
function bytesFrom(log: PartitionLog, offset: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const endOffset = log.logEndOffset;
  while (offset < endOffset) {
    const source = log.read({
      fetchOffset: offset,
      maxBytes: 1e6,
      endOffset,
      minOneBatch: true,
    });
    parts.push(bytesOf(source));
    offset = batchesOf(source).at(-1)!.lastOffset + 1;
  }
  return joined(...parts);
}

test("appendAsFollower() keeps the bytes, offsets and leader epochs of several batches", () => {
  const log = new Machine().open();
  const batches = joined(stored(0, 2, 3), stored(2, 1, 3), stored(3, 4, 5));
  assertEquals(log.appendAsFollower(batches, LEADER), { baseOffset: 0, lastOffset: 6 });
  assertEquals(bytesFrom(log, 0), batches);
  assertEquals([log.logEndOffset, log.latestEpoch], [7, 5]);
  assertEquals(log.endOffsetForEpoch(3), { leaderEpoch: 3, endOffset: 3 });
  log.close();
});

test("appendAsFollower() accepts gaps before and between batches, and a restart keeps them", async () => {
  const machine = new Machine();
  const log = machine.open({ segmentBytes: 300 });
  const batches = joined(stored(7, 2, 1), stored(20, 1, 1), stored(2_000, 3, 4));
  assertEquals(log.appendAsFollower(batches, LEADER), { baseOffset: 7, lastOffset: 2_002 });
  const bases = (from: PartitionLog) => allBatches(from).map(({ baseOffset }) => baseOffset);
  assertEquals(bases(log), [7, 20, 2_000]);
  assertEquals(log.epochForOffset(2_000), 4);
  await log.flush();
  const again = machine.kill().open({ segmentBytes: 300 });
  assertEquals([again.logEndOffset, again.latestEpoch], [2_003, 4]);
  assertEquals(bases(again), [7, 20, 2_000]);
  again.close();
});

test("appendAsFollower() rolls between batches, writes once for each segment, and accepts any size", () => {
  const machine = new Machine();
  const log = machine.open({ segmentBytes: 350 });
  const batches = [0, 1, 2, 3, 4].map((offset) => stored(offset, 1, 0, {}));
  const large = batchOf(20, { baseOffset: 5, partitionLeaderEpoch: 0, valueBytes: 50 });
  log.appendAsFollower(joined(...batches, large), LEADER);
  assertEquals(log.logEndOffset, 25);
  assertEquals(bytesFrom(log, 0), joined(...batches, large));
  const perSegment = Math.floor(350 / readBatchSize(batches[0]!, 0));
  const starts = [0, perSegment, 2 * perSegment, 5].filter((base) => base <= 5);
  assertEquals(
    machine.segments().map((name) => Number(name.slice(0, 20))),
    [...new Set(starts)].sort((one, other) => one - other),
  );
  log.close();
});

test("appendAsFollower() starts a segment at a batch whose offset is too far for the active one", () => {
  const FAR = 5_000_000_000;
  for (const first of [[], [stored(0, 1)]]) {
    const machine = new Machine();
    const log = machine.open({ compact: true });
    for (const batch of first) log.appendAsFollower(batch, LEADER);
    log.appendAsFollower(stored(FAR, 2), LEADER);
    assertEquals(log.logEndOffset, FAR + 2);
    assertEquals(allBatches(log).at(-1)!.baseOffset, FAR);
    assertEquals(machine.segments().at(-1), `${String(FAR).padStart(20, "0")}.log`);
    log.close();
  }
});

test("appendAsFollower() stops before a batch of a later epoch, and before an incomplete one", () => {
  const log = new Machine().open();
  const first = stored(0, 2, 4);
  assertEquals(
    log.appendAsFollower(joined(first, stored(2, 1, 5), stored(3, 1, 4)), { leaderEpoch: 4 }),
    { baseOffset: 0, lastOffset: 1 },
  );
  assertEquals(log.appendAsFollower(stored(2, 1, 5), { leaderEpoch: 4 }), null);
  assertEquals(log.appendAsFollower(new Uint8Array(0), { leaderEpoch: 4 }), null);
  for (const cut of [1, 30, 61]) {
    const batches = joined(stored(log.logEndOffset, 1, 4), stored(90, 3, 4).subarray(0, cut));
    log.appendAsFollower(batches, { leaderEpoch: 4 });
  }
  assertEquals(log.logEndOffset, 5);
  assertEquals(refusal(() => log.appendAsFollower(first.subarray(0, 40), LEADER)), {
    name: "CORRUPT_MESSAGE",
    message:
      "Cannot append to events-0: the batch at byte 0 is damaged: it is cut off after 40 bytes",
  });
  log.close();
});

test("appendAsFollower() rejects batches that do not follow the log end, and stores nothing", () => {
  const machine = new Machine();
  const log = machine.open();
  log.appendAsFollower(stored(0, 5, 3), LEADER);
  const damaged = stored(5, 1, 3);
  damaged[damaged.length - 1]! ^= 1;
  const oldMagic = stored(5, 1, 3);
  oldMagic[16] = 1;
  const marker = encodeBatch([{ key: new Uint8Array(1), value: null, timestamp: 0 }], {
    baseOffset: 6,
    partitionLeaderEpoch: 3,
    isControl: true,
    isTransactional: true,
    producerId: 1,
    producerEpoch: 0,
  });
  const table: readonly (readonly [string, Uint8Array, string])[] = [
    ["OFFSET_OUT_OF_RANGE", stored(4, 1, 3), "begins at offset 4, and the log ends at 5"],
    ["OFFSET_OUT_OF_RANGE", joined(stored(0, 5, 3), stored(5, 1, 3)), "begins at offset 0"],
    ["FENCED_LEADER_EPOCH", stored(5, 1, 2), "is of leader epoch 2, behind records of 3"],
    ["FENCED_LEADER_EPOCH", joined(stored(5, 1, 4), stored(6, 1, 3)), "behind records of 4"],
    ["CORRUPT_MESSAGE", joined(stored(5, 3, 3), stored(7, 1, 3)), "begins at offset 7, behind"],
    ["CORRUPT_MESSAGE", damaged, "CRC-32C"],
    ["CORRUPT_MESSAGE", joined(stored(5, 1, 3), damaged.with(7, 6)), "CRC-32C"],
    ["CORRUPT_MESSAGE", oldMagic, "magic"],
    ["INVALID_RECORD", joined(stored(5, 1, 3), marker), ""],
  ];
  for (const [name, batches, why] of table) {
    const refused = refusal(() => log.appendAsFollower(batches, LEADER));
    assertEquals(refused.name, name, why);
    assertStringIncludes(refused.message, "Cannot append to events-0: ");
    assertStringIncludes(refused.message, why);
    assertEquals([log.logEndOffset, log.latestEpoch], [5, 3]);
  }
  log.close();
});

test("appendAsFollower() tracks producers and transactions, without detecting duplicates", () => {
  const log = new Machine().open();
  const producer = { producerId: 7, producerEpoch: 0, isTransactional: true };
  const data = (baseOffset: number, baseSequence: number) =>
    stored(baseOffset, 1, 0, { ...producer, baseSequence });
  log.appendAsFollower(joined(data(0, 0), data(1, 1), stored(2, 1)), LEADER);
  assertEquals(log.lastStableOffset(log.logEndOffset), 0);
  const marker = abortMarker(producer);
  const view = new DataView(marker.buffer);
  view.setBigInt64(0, 3n);
  view.setInt32(12, 0);
  log.appendAsFollower(marker, LEADER);
  assertEquals(log.lastStableOffset(log.logEndOffset), 4);
  assertEquals(
    log.abortedTransactions(0, 4).map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset]),
    [[0, 3]],
  );
  // The leader had forgotten the producer, or compaction has removed a batch.
  log.appendAsFollower(data(4, 1), LEADER);
  log.appendAsFollower(data(5, 9), LEADER);
  assertEquals(log.activeProducers().map(({ lastSequence }) => lastSequence), [9]);
  log.close();
});

test("appendAsFollower() replaces leader epochs that have no records", () => {
  const log = new Machine().open();
  log.appendAsFollower(stored(0, 2, 3), LEADER);
  log.assignEpoch(8);
  log.appendAsFollower(joined(stored(2, 1, 3), stored(3, 1, 5)), LEADER);
  assertEquals([log.latestEpoch, log.epochForOffset(2), log.epochForOffset(3)], [5, 3, 5]);
  assertEquals(log.endOffsetForEpoch(3), { leaderEpoch: 3, endOffset: 3 });
  log.close();
});

test("appendAsFollower() stores no part of a segment's batches when the write fails", () => {
  const machine = new Machine();
  const files = new FailingFiles(machine.memory);
  machine.files = files;
  const log = machine.open({ segmentBytes: 250 });
  const batches = joined(...[0, 1, 2, 3].map((offset) => stored(offset, 1)));
  files.failing.add("write");
  files.failsAt = "00000000000000000002.log";
  files.bytesBeforeFailure = 70;
  assertEquals(refusal(() => log.appendAsFollower(batches, LEADER)).name, "KAFKA_STORAGE_ERROR");
  // The first two went to a segment of their own.
  assertEquals([log.logEndOffset, log.failure], [2, null]);
  files.failing.clear();
  log.appendAsFollower(joined(stored(2, 1), stored(3, 1)), LEADER);
  assertEquals(bytesFrom(log, 0), batches);
  log.close();
});

test("a leader appends after the batches it appended as a follower", () => {
  const log = new Machine().open();
  log.appendAsFollower(
    stored(0, 3, 2, { producerId: 7, producerEpoch: 0, baseSequence: 0 }),
    LEADER,
  );
  const result = log.append(producedBatch(7, 0, 3), { leaderEpoch: 4, origin: "client" });
  assertEquals([result.baseOffset, result.duplicate, log.latestEpoch], [3, false, 4]);
  const again = log.append(producedBatch(7, 0, 0, 3), { leaderEpoch: 4, origin: "client" });
  assertEquals([again.baseOffset, again.duplicate], [0, true]);
  log.close();
});
