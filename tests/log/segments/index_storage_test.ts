/**
 * What a log writes beside its segments, and how it does without what is missing or wrong.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeOffsetIndex, decodeTimeIndex } from "../../../src/log/segments/index_format.ts";
import { decodeProducerSnapshot } from "../../../src/log/producers/producer_snapshot_format.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import type { RecoveryReport } from "../../../src/log/opening/recovery_types.ts";
import {
  allBatches,
  batchOf,
  checkpointsWith,
  Machine,
  offsetForTimestamp,
  offsetOfMaxTimestamp,
  producedBatch,
  refusal,
  START_MS,
} from "../fixture.ts";
import { test } from "../../harness.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;
const config = { segmentBytes: 620, indexIntervalBytes: 150 };

/** Creates a log of `count` batches of two records, one second apart. */
function filled(machine: Machine, count = 20, more = {}): PartitionLog {
  const log = machine.open(config, more);
  for (let i = 0; i < count; i++) {
    log.append(batchOf(2, { timestamp: START_MS + i * 1_000 }), client);
  }
  return log;
}

function names(machine: Machine, suffix: string): string[] {
  return machine.files.list("/data/events-0").map(({ name }) => name)
    .filter((name) => name.endsWith(suffix)).sort();
}

/** Waits for the syncs that a roll has started. */
async function settled(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

/** Shuts down cleanly, like a data directory, and starts again. */
async function restarted(machine: Machine, log: PartitionLog): Promise<Machine> {
  await log.flush();
  log.writeIndexes();
  log.close();
  return machine.kill();
}

test("a roll and a clean shutdown write the indexes in Kafka's format", async () => {
  const machine = new Machine();
  const log = filled(machine);
  assert(log.segmentCount > 3);
  const next = await restarted(machine, log);
  const logs = next.segments();
  assertEquals(names(next, ".index"), logs.map((name) => name.replace(".log", ".index")));
  assertEquals(names(next, ".timeindex"), logs.map((name) => name.replace(".log", ".timeindex")));
  for (const name of logs) {
    const base = Number(name.slice(0, 20));
    const bytes = next.read(name);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const { entries, problem } = decodeOffsetIndex(next.read(name.replace(".log", ".index")));
    assertEquals(problem, null);
    assert(entries.length > 0, name);
    for (let i = 0; i < entries.length; i++) {
      const at = entries.positions[i]!;
      const last = Number(view.getBigInt64(at)) + view.getInt32(at + 23);
      assertEquals(base + entries.relativeOffsets[i]!, last);
    }
    const times = decodeTimeIndex(next.read(name.replace(".log", ".timeindex"))).entries;
    // The last batch has the largest timestamp: the second of its records is a millisecond later.
    const segmentEnd = base + countOf(view);
    assertEquals(
      times.timestamps.at(times.length - 1),
      START_MS + (segmentEnd / 2 - 1) * 1_000 + 1,
    );
  }
});

function countOf(view: DataView): number {
  let count = 0;
  for (let at = 0; at < view.byteLength; at += view.getInt32(at + 8) + 12) {
    count += view.getInt32(at + 23) + 1;
  }
  return count;
}

test("after a clean shutdown only the ends of the segments are read", async () => {
  const machine = new Machine();
  const next = await restarted(machine, filled(machine));
  // Reading every header would detect this damage.
  const [first] = next.segments();
  const bytes = next.read(first!).slice();
  bytes[16] = 9;
  next.write(first!, bytes);
  const log = next.open(config, { wasShutDownCleanly: true, recoveryPoint: 40 });
  assertEquals([log.logEndOffset, log.recoveryPoint], [40, 40]);
  assertEquals(refusal(() => allBatches(log)).name, "KAFKA_STORAGE_ERROR");
  log.close();
});

test("missing, truncated or invalid indexes are rebuilt", async () => {
  const garble = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0xa5);
  const table: [string, string, (bytes: Uint8Array) => Uint8Array | null][] = [
    ["missing", ".index", () => null],
    ["missing", ".timeindex", () => null],
    ["emptied", ".index", () => new Uint8Array(0)],
    ["emptied", ".timeindex", () => new Uint8Array(0)],
    ["short", ".index", (bytes) => bytes.slice(0, -8)],
    ["torn", ".index", (bytes) => bytes.slice(0, -3)],
    ["short", ".timeindex", (bytes) => bytes.slice(0, -12)],
    ["garbled", ".index", garble],
    ["garbled", ".timeindex", garble],
    ["zeroed", ".index", (bytes) => bytes.fill(0)],
    ["zeroed", ".timeindex", (bytes) => bytes.fill(0)],
    ["off by one", ".index", (bytes) => bytes.with(bytes.length - 1, bytes.at(-1)! + 1)],
    ["an offset too low", ".index", (bytes) => bytes.with(3, bytes[3]! - 1)],
    ["an earlier position", ".index", (bytes) => bytes.with(7, bytes[7]! - 1)],
  ];
  for (const [what, suffix, damage] of table) {
    const machine = new Machine();
    const next = await restarted(machine, filled(machine));
    for (const name of names(next, suffix)) {
      const bytes = damage(next.read(name).slice());
      if (bytes === null) next.files.remove(`/data/events-0/${name}`);
      else next.write(name, bytes);
    }
    const log = next.open(config, { wasShutDownCleanly: true, recoveryPoint: 40 });
    const about = `${suffix} ${what}`;
    assertEquals(allBatches(log, 1).map(({ baseOffset }) => baseOffset).length, 20, about);
    for (let i = 0; i < 20; i++) {
      assertEquals(offsetForTimestamp(log, START_MS + i * 1_000)?.offset, i * 2, about);
    }
    assertEquals(offsetOfMaxTimestamp(log)?.offset, 39, about);
    assertEquals(log.append(batchOf(2), client).baseOffset, 40, about);
    log.close();
  }
});

test("the recovery point rises with a roll and a flush, and falls before a truncation", async () => {
  const machine = new Machine();
  const saved: number[] = [];
  const log: PartitionLog = filled(machine, 20, {
    checkpoints: checkpointsWith({
      saveRecoveryPoint: () => void saved.push(log.recoveryPoint),
    }),
  });
  await settled();
  const last = Number(machine.segments().at(-1)!.slice(0, 20));
  assertEquals(log.recoveryPoint, last);
  assertEquals(saved.at(-1), last);
  await log.flush();
  assertEquals(log.recoveryPoint, 40);
  await log.truncateTo(7);
  assertEquals(log.logEndOffset, 6);
  // The resulting log end: 7 is within a batch.
  assertEquals([saved.at(-1), log.recoveryPoint], [6, 6]);
  log.close();
});

test("damage above the recovery point is truncated with everything after it, damage below it is rejected", async () => {
  const made = async () => {
    const machine = new Machine();
    filled(machine);
    await settled();
    const next = machine.kill();
    const second = next.segments()[1]!;
    const bytes = next.read(second).slice();
    bytes[bytes.length - 3]! ^= 1;
    next.write(second, bytes);
    return { next, second, end: Number(next.segments()[2]!.slice(0, 20)) };
  };
  for (const known of ["above", "below"]) {
    const { next, second, end } = await made();
    const recoveryPoint = known === "above" ? Number(second.slice(0, 20)) : end - 1;
    const reports: RecoveryReport[] = [];
    const open = () =>
      next.open(config, { recoveryPoint, onRecovery: (report) => reports.push(report) });
    if (known === "below") {
      const { name, message } = refusal(open);
      assertEquals(name, "KAFKA_STORAGE_ERROR");
      assertStringIncludes(message, second);
      assertStringIncludes(message, `offset ${end - 2} should begin`);
      assertStringIncludes(message, "bring the file back");
      assertEquals(next.segments().length > 3, true);
      continue;
    }
    const log = open();
    assertEquals([log.logEndOffset, log.wasRepaired], [end - 2, true]);
    assertEquals(log.recoveryPoint, recoveryPoint);
    assertEquals(next.segments().at(-1), second);
    assert(reports.length > 2);
    assertEquals(allBatches(log).at(-1)!.lastOffset, end - 3);
    assertEquals(log.append(batchOf(1), client).baseOffset, end - 2);
    log.close();
  }
});

test("a log that ends below its recovery point, or has lost its files, is rejected", async () => {
  const machine = new Machine();
  const next = await restarted(machine, filled(machine, 3));
  for (const wasShutDownCleanly of [true, false]) {
    const { message } = refusal(() => next.open(config, { wasShutDownCleanly, recoveryPoint: 8 }));
    assertStringIncludes(message, "ends at offset 6, and records up to offset 8 were on the disk");
  }
  const only = next.segments()[0]!;
  next.files.remove(`/data/events-0/${only}`);
  const missed = refusal(() => next.open(config, { recoveryPoint: 6 }));
  assertStringIncludes(missed.message, `${only} was there and is missing; bring the file back`);
  assertEquals(missed.message.includes("empty file"), false);
  next.files.remove(`/data/events-0/${only.replace(".log", ".index")}`);
  const { message } = refusal(() => next.open(config, { recoveryPoint: 6 }));
  assertStringIncludes(message, "holds no segment, and records up to offset 6 were on the disk");
  // The directory was removed on purpose.
  next.files.remove("/data/events-0");
  const log = next.open(config, { recoveryPoint: 6 });
  assertEquals(log.logEndOffset, 0);
  log.close();
});

test("producers are restored from the newest intact snapshot, with their age", async () => {
  const machine = new Machine();
  const log = machine.open(config);
  for (let i = 0; i < 30; i++) log.append(producedBatch(7 + i % 2, 0, i >> 1), client);
  const snapshots = names(machine, ".snapshot");
  assertEquals(snapshots.length, log.segmentCount - 1);
  machine.nowMs += 5_000;
  log.append(producedBatch(7, 0, 15), client);
  let next = await restarted(machine, log);
  const last = names(next, ".snapshot").at(-1)!;
  assertEquals(last, "00000000000000000031.snapshot");
  assertEquals(
    decodeProducerSnapshot(next.read(last), last).map(({ producerId, lastSequence }) => [
      producerId,
      lastSequence,
    ]),
    [[7, 15], [8, 14]],
  );
  // The newest snapshot is torn: an older one and the log lead to the same state.
  next.write(last, next.read(last).slice(0, -1));
  let again = next.open(config, { wasShutDownCleanly: true, recoveryPoint: 31 });
  assertEquals(names(next, ".snapshot").includes(last), false);
  assertEquals(again.append(producedBatch(8, 0, 14), client).duplicate, true);
  assertEquals(again.append(producedBatch(8, 0, 15), client).duplicate, false);
  assertEquals(
    refusal(() => again.append(producedBatch(7, 0, 17), client)).name,
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
  );
  next = await restarted(next, again);
  next.nowMs = START_MS + 20_000;
  again = next.open(config, { wasShutDownCleanly: true, recoveryPoint: 32 });
  // Producer 7 was active at 5 s, producer 8 at 6 s, when the process started again.
  assertEquals(again.expireProducers(START_MS + 20_000, 14_500), 1);
  assertEquals(again.activeProducers().map(({ producerId }) => producerId), [8]);
  again.close();
});
