import { assertEquals } from "@std/assert";
import { test } from "../../harness.ts";
import { abortMarker, allBatches, Machine } from "../fixture.ts";
import { batchOf, compactLog, START_MS, TestLog } from "./fixture.ts";

const PRODUCER = { producerId: 7, producerEpoch: 0, isTransactional: true } as const;

function kinds(log: TestLog): string[] {
  return log.batches().map(({ isControl, baseOffset, deleteHorizonMs, records }) =>
    `${isControl ? "marker" : "data"} ${baseOffset}${deleteHorizonMs === null ? "" : " due"}` +
    (records.length === 0 ? " empty" : "")
  );
}

test("records of an aborted transaction are removed and do not supersede committed ones", async () => {
  const log = new TestLog();
  log.write([["a", "1"], ["b", "1"]]);
  log.write([["a", "aborted"], ["c", "aborted"]], { ...PRODUCER, baseSequence: 0 });
  log.mark("abort", 7);
  log.aborted.push({ producerId: 7, firstOffset: 2, lastOffset: 4, lastStableOffset: 5 });
  log.write([["b", "committed"]], { ...PRODUCER, baseSequence: 2 });
  log.mark("commit", 7);
  log.write([["d", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["0:a=1", "5:b=committed", "7:d=1"]);
});

test("a marker is removed delete.retention.ms after the batches of its transaction", async () => {
  const log = new TestLog({ deleteRetentionMs: 1_000 });
  log.write([["a", "aborted"]], { ...PRODUCER, baseSequence: 0 });
  log.mark("abort", 7);
  log.aborted.push({ producerId: 7, firstOffset: 0, lastOffset: 1, lastStableOffset: 2 });
  log.write([["b", "1"]], { ...PRODUCER, baseSequence: 1 });
  log.mark("commit", 7);
  log.write([["b", "2"]]);
  log.roll();
  await log.clean();
  // The data have been removed; their markers are still kept.
  assertEquals(kinds(log), ["marker 1", "marker 3", "data 4"]);
  // The list of aborted transactions is kept as long as the marker.
  const [segment] = log.segments.all;
  assertEquals(segment?.aborted.entries(0, 5)?.map(({ firstOffset }) => firstOffset), [0]);
  log.aborted.length = 0;
  log.write([["c", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(kinds(log), ["marker 1 due", "marker 3 due", "data 4", "data 5"]);
  assertEquals(log.segments.all[0]?.aborted.entries(0, 6), []);
  assertEquals(log.batches()[0]?.deleteHorizonMs, START_MS + 1_000);
  log.machine.nowMs = START_MS + 1_000;
  log.write([["d", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(kinds(log), ["data 4", "data 5", "data 6"]);
});

test("a transaction with batches beyond the compacted part keeps its marker", async () => {
  const log = new TestLog({ segmentBytes: 1 });
  log.write([["a", "1"]], { ...PRODUCER, baseSequence: 0 });
  log.roll();
  log.write([["a", "2"]], { ...PRODUCER, baseSequence: 1 });
  log.mark("commit", 7);
  log.roll();
  await log.clean();
  assertEquals(kinds(log), ["data 0 empty", "data 1", "marker 2"]);
});

test("the marker of a producer without other batches is kept for its epoch", async () => {
  const log = new TestLog({ deleteRetentionMs: 0 });
  log.write([["a", "1"]], { ...PRODUCER, baseSequence: 0 });
  log.mark("commit", 7);
  log.write([["a", "2"]]);
  log.producers.set(7, { lastOffset: -1, producerEpoch: 0 });
  for (let round = 0; round < 3; round++) {
    log.roll();
    await log.clean();
    log.write([[`more ${round}`, "1"]]);
  }
  assertEquals(kinds(log).slice(0, 2), ["marker 1 empty", "data 2"]);
});

test("an abort marker is removed delete.retention.ms after its records", async () => {
  const machine = new Machine();
  const log = machine.open({ compact: true, delete: false, deleteRetentionMs: 1_000 });
  const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;
  log.append(batchOf([["a", "aborted"]], { ...PRODUCER, baseSequence: 0 }), coordinator);
  log.append(abortMarker(PRODUCER), coordinator);
  // Otherwise the producer's last batches would be kept.
  log.expireProducers(machine.nowMs, 0);
  const states: string[] = [];
  for (const round of ["records", "marker", "nothing"]) {
    log.append(batchOf([["b", round]]), coordinator);
    log.roll();
    await compactLog(log, machine);
    const markers = allBatches(log).filter(({ isControl }) => isControl);
    const due = markers.map(({ deleteHorizonMs }) => deleteHorizonMs === null ? "kept" : "due");
    states.push(`${due.join()} ${log.abortedTransactions(0, log.logEndOffset).length}`);
    machine.nowMs += 1_000;
  }
  // The log's list of aborted transactions loses the entry together with the records.
  assertEquals(states, ["kept 1", "due 0", " 0"]);
  log.close();
});

test("compaction distinguishes transactions of producer ids that differ only beyond 2^53", async () => {
  const log = new TestLog();
  const [one, other] = [2n ** 60n, 2n ** 60n + 1n];
  log.write([["a", "aborted"]], { ...PRODUCER, producerId: one, baseSequence: 0 });
  log.write([["b", "committed"]], { ...PRODUCER, producerId: other, baseSequence: 0 });
  log.mark("abort", one);
  log.mark("commit", other);
  log.aborted.push({ producerId: one, firstOffset: 0, lastOffset: 2, lastStableOffset: 1 });
  log.write([["c", "1"]]);
  log.roll();
  await log.clean();
  assertEquals(log.records(), ["1:b=committed", "4:c=1"]);
});
