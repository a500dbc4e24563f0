import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../src/assert.ts";
import { type Agreement, EpochLog, type LogOutline } from "../../../src/raft/core/epoch_log.ts";
import { test } from "../../harness.ts";

/** Records 0 to 9 of epoch 1, 10 to 14 of epoch 3, 15 to 19 of epoch 6. */
const THREE_EPOCHS: LogOutline = {
  startOffset: 0,
  endOffset: 20,
  epochs: [
    { epoch: 1, startOffset: 0 },
    { epoch: 3, startOffset: 10 },
    { epoch: 6, startOffset: 15 },
  ],
  snapshots: [],
};

/** The same log after a cut at 12. */
function cutLog(): EpochLog {
  const log = new EpochLog(THREE_EPOCHS);
  log.addSnapshot({ endOffset: 12, epoch: 3 });
  log.addSnapshot({ endOffset: 17, epoch: 6 });
  log.startAt({ endOffset: 12, epoch: 3 });
  return log;
}

test("compare() accepts every prefix of the log", () => {
  const log = new EpochLog(THREE_EPOCHS);
  for (const [offset, epoch] of [[0, 0], [1, 1], [10, 1], [11, 3], [15, 3], [20, 6]] as const) {
    assertEquals(log.compare(offset, epoch), { type: "valid" }, `${offset}-${epoch}`);
  }
});

test("compare() names the end of the largest epoch that is not above the other log's", () => {
  const log = new EpochLog(THREE_EPOCHS);
  const diverging = (epoch: number, endOffset: number): Agreement => ({
    type: "diverging",
    epoch,
    endOffset,
  });
  assertEquals(log.compare(12, 1), diverging(1, 10));
  assertEquals(log.compare(12, 2), diverging(1, 10));
  assertEquals(log.compare(12, 5), diverging(3, 15));
  assertEquals(log.compare(25, 6), diverging(6, 20));
  assertEquals(log.compare(25, 9), diverging(6, 20));
  assertEquals(log.compare(5, 0), diverging(0, 0));
});

test("compare() names the latest snapshot to a log that ends before this one begins", () => {
  const log = cutLog();
  const snapshot: Agreement = { type: "snapshot", id: { endOffset: 17, epoch: 6 } };
  assertEquals(log.compare(11, 3), snapshot);
  assertEquals(log.compare(15, 1), snapshot, "an epoch before the earliest snapshot's");
  assertEquals(log.compare(12, 4), snapshot, "another epoch at the start of the log");
  assertEquals(log.compare(0, 0), snapshot);
  assertEquals(log.compare(12, 3), { type: "valid" });
  assertEquals(log.compare(14, 3), { type: "valid" });
});

test("compare() sends an empty log to a snapshot although the log has all records", () => {
  const log = new EpochLog(THREE_EPOCHS);
  log.addSnapshot({ endOffset: 12, epoch: 3 });
  assertEquals(log.compare(0, 0), { type: "snapshot", id: { endOffset: 12, epoch: 3 } });
  assertEquals(log.compare(1, 1), { type: "valid" });
});

test("truncateTo() removes records, their epochs and their durability", () => {
  const log = new EpochLog(THREE_EPOCHS);
  log.truncateTo(15);
  assertEquals([log.endOffset, log.durableOffset, log.lastEpoch], [15, 15, 3]);
  log.truncateTo(10);
  assertEquals([log.endOffset, log.lastEpoch], [10, 1]);
  log.append(10, 12, 7);
  assertEquals([log.endOffset, log.durableOffset, log.lastEpoch], [13, 10, 7]);
  log.truncateTo(0);
  assertEquals([log.endOffset, log.lastEpoch], [0, 0]);
});

test("truncateTo() rejects an end outside of the log", () => {
  assertThrows(() => new EpochLog(THREE_EPOCHS).truncateTo(21), AssertionFailure, "21");
  assertThrows(() => cutLog().truncateTo(11), AssertionFailure, "11");
});

test("append() rejects a gap, an overlap and an earlier epoch", () => {
  const log = new EpochLog(THREE_EPOCHS);
  assertThrows(() => log.append(21, 22, 6), AssertionFailure, "after 20");
  assertThrows(() => log.append(19, 22, 6), AssertionFailure, "after 20");
  assertThrows(() => log.append(20, 20, 5), AssertionFailure, "epoch 5 after 6");
});

test("setDurable() neither goes back nor beyond the end", () => {
  const log = new EpochLog(THREE_EPOCHS);
  log.append(20, 24, 6);
  assertEquals(log.durableOffset, 20);
  log.setDurable(10);
  assertEquals(log.durableOffset, 20);
  log.setDurable(22);
  assertEquals(log.durableOffset, 22);
  log.setDurable(99);
  assertEquals(log.durableOffset, 25);
});

test("startAt() keeps the epochs of the records that remain", () => {
  const log = cutLog();
  assertEquals([log.startOffset, log.endOffset, log.lastEpoch], [12, 20, 6]);
  assertEquals(log.endOfEpoch(3), { epoch: 3, endOffset: 15 });
  assertEquals(log.epochAt(11), 3);
  assertEquals(log.epochAt(16), 6);
  assertEquals(log.earliestSnapshot, { endOffset: 12, epoch: 3 });
});

test("startAt() the end of the log leaves its last epoch to the snapshot", () => {
  const log = new EpochLog(THREE_EPOCHS);
  log.addSnapshot({ endOffset: 20, epoch: 6 });
  log.startAt({ endOffset: 20, epoch: 6 });
  assertEquals([log.startOffset, log.endOffset, log.lastEpoch], [20, 20, 6]);
  assertEquals(log.compare(20, 6), { type: "valid" });
  log.append(20, 20, 8);
  assertEquals(log.compare(20, 6), { type: "valid" });
  assertEquals(log.compare(21, 7), { type: "diverging", epoch: 6, endOffset: 20 });
});

test("startAt() rejects a snapshot that does not exist", () => {
  const log = new EpochLog(THREE_EPOCHS);
  assertThrows(() => log.startAt({ endOffset: 12, epoch: 3 }), AssertionFailure, "12-3");
});

test("truncateFully() begins anew at a durable snapshot", () => {
  const log = new EpochLog(THREE_EPOCHS);
  log.truncateFully({ endOffset: 40, epoch: 9 });
  assertEquals(
    [log.startOffset, log.endOffset, log.durableOffset, log.lastEpoch],
    [40, 40, 40, 9],
  );
  assertEquals(log.latestSnapshot, { endOffset: 40, epoch: 9 });
});

test("addSnapshot() rejects one beyond the end or before the latest", () => {
  const log = new EpochLog(THREE_EPOCHS);
  assertThrows(() => log.addSnapshot({ endOffset: 21, epoch: 6 }), AssertionFailure, "21-6");
  log.addSnapshot({ endOffset: 12, epoch: 3 });
  assertThrows(() => log.addSnapshot({ endOffset: 11, epoch: 3 }), AssertionFailure, "11-3");
});

test("a log that begins after 0 without a snapshot, or ends before one, is rejected", () => {
  const outline = { ...THREE_EPOCHS, startOffset: 5 };
  assertThrows(() => new EpochLog(outline), AssertionFailure, "without a snapshot");
  const snapshots = [{ endOffset: 30, epoch: 6 }];
  assertThrows(() => new EpochLog({ ...outline, snapshots }), AssertionFailure, "ends at 20");
});

test("a log with other records than its latest snapshot is rejected", () => {
  const outline = { ...THREE_EPOCHS, snapshots: [{ endOffset: 12, epoch: 4 }] };
  assertThrows(
    () => new EpochLog(outline),
    AssertionFailure,
    "other records than the snapshot 12-4",
  );
});
