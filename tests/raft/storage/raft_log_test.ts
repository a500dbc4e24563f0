/** The log of the quorum: appends, truncation, snapshots and what a start finishes. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { AssertionFailure } from "../../../src/assert.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { decodeBatch, encodeBatch, splitBatches } from "../../../src/protocol/records/batch.ts";
import { METADATA_TOPIC_ID } from "../../../src/protocol/uuid.ts";
import { RaftLog } from "../../../src/raft/storage/raft_log.ts";
import { SnapshotFiles } from "../../../src/raft/storage/snapshot_files.ts";
import { snapshotFileName, type SnapshotId } from "../../../src/raft/storage/snapshot_names.ts";
import type { PartitionLogOptions } from "../../../src/log/log_types.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { Machine, refusal, refusalOf } from "../../log/fixture.ts";
import { seedCount, test } from "../../harness.ts";
import { DIRECTORY } from "./fixture.ts";

type LogRuntime = PartitionLogOptions["runtime"];

const CONFIG: LogConfig = { ...DEFAULT_LOG_CONFIG, retentionMs: -1, fileDeleteDelayMs: 0 };
const id = (endOffset: number, epoch: number): SnapshotId => ({ endOffset, epoch });

interface Opened {
  readonly directory: DataDirectory;
  readonly log: RaftLog;
  readonly snapshots: SnapshotFiles;
}

async function open(runtime: LogRuntime, config: LogConfig = CONFIG): Promise<Opened> {
  const directory = DataDirectory.open({ runtime, directory: "/data", nodeId: 1 });
  try {
    await directory.flushDirectory();
    const log = directory.create("__cluster_metadata", 0, METADATA_TOPIC_ID, config);
    await directory.flushDirectory();
    const snapshots = await SnapshotFiles.open(runtime.files, DIRECTORY);
    return { directory, log: await RaftLog.open({ log, snapshots }), snapshots };
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** Creates a batch of records that tell its number. */
function batch(
  number: number,
  { count = 1, baseOffset = 0, epoch = -1 } = {},
): Uint8Array<ArrayBuffer> {
  return encodeBatch(
    Array.from({ length: count }, () => ({
      value: new TextEncoder().encode(String(number)),
      timestamp: number,
    })),
    { baseOffset, partitionLeaderEpoch: epoch },
  );
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    bytes.set(part, at);
    return at + part.length;
  }, 0);
  return bytes;
}

/** Reads offset, epoch and number of every batch. */
function contentOf(log: RaftLog): [number, number, number][] {
  const found: [number, number, number][] = [];
  for (let offset = log.startOffset; offset < log.endOffset;) {
    const source = log.read(offset, 1_000);
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    for (const { start } of splitBatches(bytes)) {
      const read = decodeBatch(bytes, start);
      const number = Number(new TextDecoder().decode(read.records[0]!.value!));
      found.push([read.baseOffset, read.partitionLeaderEpoch, number]);
      offset = read.lastOffset + 1;
    }
  }
  return found;
}

async function publish(
  snapshots: SnapshotFiles,
  of: SnapshotId,
  { lastContainedLogTimestamp = 0, bytes = 10 } = {},
): Promise<void> {
  const draft = snapshots.create(of);
  const header = { lastContainedLogTimestamp, kraftVersion: 0, voters: null };
  const writer = draft.writer(header, () => 1);
  writer.append(new Uint8Array(bytes));
  writer.finish();
  await draft.publish();
}

test("append() gives batches the leader's epoch and offsets that follow the end", async () => {
  const { log, directory } = await open(new Machine().runtime);
  assertEquals([log.startOffset, log.endOffset, log.lastEpoch], [0, 0, 0]);
  assertEquals(log.append(joined(batch(1, { count: 3 }), batch(2)), 4), {
    baseOffset: 0,
    lastOffset: 3,
  });
  assertEquals(log.append(batch(3), 5), { baseOffset: 4, lastOffset: 4 });
  assertEquals(contentOf(log), [[0, 4, 1], [3, 4, 2], [4, 5, 3]]);
  assertThrows(() => log.append(batch(4), 4), AssertionFailure, "Epoch 4 is appended");
  assertEquals(log.outline(), {
    startOffset: 0,
    endOffset: 5,
    epochs: [{ epoch: 4, startOffset: 0 }, { epoch: 5, startOffset: 4 }],
    snapshots: [],
  });
  assertEquals(log.lastEpoch, 5);
  assertEquals(log.durableOffset, 0);
  assertEquals(await log.flush(), 5);
  await directory.close();
});

test("appendFetched() keeps offsets and epochs, and stops at an incomplete batch", async () => {
  const { log, directory } = await open(new Machine().runtime);
  const first = batch(1, { count: 2, epoch: 1 });
  const second = batch(2, { baseOffset: 2, epoch: 3 });
  const third = batch(3, { baseOffset: 3, epoch: 3 });
  assertEquals(log.appendFetched(joined(first, second, third.subarray(0, third.length - 1)), 3), {
    baseOffset: 0,
    lastOffset: 2,
  });
  assertEquals(log.appendFetched(third, 2), null);
  assertEquals(log.appendFetched(new Uint8Array(0), 3), null);
  assertEquals(log.appendFetched(third, 3), { baseOffset: 3, lastOffset: 3 });
  assertEquals(contentOf(log), [[0, 1, 1], [2, 3, 2], [3, 3, 3]]);
  assertEquals(log.outline().epochs, [{ epoch: 1, startOffset: 0 }, { epoch: 3, startOffset: 2 }]);
  await directory.close();
});

test("appendFetched() refuses gaps, repetitions, older epochs and damage", async () => {
  const { log, directory } = await open(new Machine().runtime);
  log.append(batch(1, { count: 2 }), 3);
  const next = batch(2, { baseOffset: 2, epoch: 3 });
  const damaged = next.slice();
  damaged[damaged.length - 1]! ^= 1;
  const cases: [Uint8Array, string, string][] = [
    [batch(2, { baseOffset: 3, epoch: 3 }), "OFFSET_OUT_OF_RANGE", "begins at offset 3, and the"],
    [batch(2, { baseOffset: 1, epoch: 3 }), "OFFSET_OUT_OF_RANGE", "begins at offset 1, and the"],
    [joined(next, batch(3, { baseOffset: 4, epoch: 3 })), "OFFSET_OUT_OF_RANGE", "ends at 3"],
    [joined(next, next), "OFFSET_OUT_OF_RANGE", "begins at offset 2, and the one before"],
    [batch(2, { baseOffset: 2, epoch: 2 }), "FENCED_LEADER_EPOCH", "of leader epoch 2"],
    [damaged, "CORRUPT_MESSAGE", "CRC-32C"],
    [next.subarray(0, 40), "CORRUPT_MESSAGE", "cut off"],
  ];
  for (const [bytes, name, message] of cases) {
    const why = refusal(() => log.appendFetched(bytes, 9));
    assertEquals(why.name, name);
    assertStringIncludes(why.message, message);
    assertEquals(log.endOffset, 2);
  }
  await directory.close();
});

test("read() returns whole batches, at least one, up to maxBytes and endOffset", async () => {
  const { log, directory } = await open(new Machine().runtime);
  for (let i = 0; i < 4; i++) log.append(batch(i, { count: 2 }), 1);
  const size = log.read(0, 1).byteLength;
  assertEquals(log.read(0, 2 * size).byteLength, 2 * size);
  assertEquals(log.read(3, 1).byteLength, size);
  assertEquals(log.read(0, 100_000, 2).byteLength, size);
  assertEquals(log.read(8, 100_000).byteLength, 0);
  assertEquals(refusal(() => log.read(9, 1)).name, "OFFSET_OUT_OF_RANGE");
  assertEquals([0, 1, 2, 7, 8, 9, -1].map((offset) => log.isBatchBoundary(offset)), [
    ...[true, false, true, false, true, false, false],
  ]);
  await directory.close();
});

test("truncateTo() removes records and epochs, down to the latest snapshot at most", async () => {
  const { log, snapshots, directory } = await open(new Machine().runtime);
  for (let i = 0; i < 6; i++) log.append(batch(i), 1 + i);
  await publish(snapshots, id(2, 2));
  assertEquals(await log.truncateTo(4), 4);
  assertEquals(contentOf(log).length, 4);
  assertEquals([log.lastEpoch, log.durableOffset], [4, 4]);
  assertEquals(log.append(batch(9), 8).baseOffset, 4);
  await assertRejects(() => log.truncateTo(1), AssertionFailure, "it is committed up to 2");
  assertEquals(await log.truncateTo(2), 2);
  await directory.close();
});

test("truncateFully() begins anew at the end of a received snapshot", async () => {
  const machine = new Machine();
  const { log, snapshots, directory } = await open(machine.runtime);
  for (let i = 0; i < 3; i++) log.append(batch(i), 1);
  await publish(snapshots, id(2, 1));
  await publish(snapshots, id(500, 7));
  await assertRejects(() => log.truncateFully(id(2, 1)), AssertionFailure, "not the latest");
  await log.truncateFully(id(500, 7));
  const outline = { startOffset: 500, endOffset: 500, epochs: [], snapshots: [id(500, 7)] };
  assertEquals(log.outline(), outline);
  assertEquals(log.lastEpoch, 7);
  await directory.close();
  const again = await open(machine.kill().runtime);
  assertEquals(again.log.outline(), outline);
  assertEquals(
    again.log.appendFetched(batch(9, { baseOffset: 500, epoch: 8 }), 8)?.lastOffset,
    500,
  );
  assertEquals(again.log.lastEpoch, 8);
  await again.directory.close();
});

test("open() replaces a log that ends before the latest snapshot, or has parted from it", async () => {
  for (const latest of [id(500, 7), id(3, 7), id(4, 2)]) {
    const machine = new Machine();
    const { log, snapshots, directory } = await open(machine.runtime);
    for (let i = 0; i < 3; i++) log.append(batch(i), 2);
    await log.flush();
    await publish(snapshots, latest);
    machine.memory.end();
    await directory.close().catch(() => {});
    const again = await open(machine.kill().runtime);
    assertEquals(again.log.outline(), {
      startOffset: latest.endOffset,
      endOffset: latest.endOffset,
      epochs: [],
      snapshots: [latest],
    });
    await again.directory.close();
  }
});

test("open() keeps a log that continues, or contains, the latest snapshot", async () => {
  const machine = new Machine();
  const { log, snapshots, directory } = await open(machine.runtime);
  for (let i = 0; i < 3; i++) log.append(batch(i), 2);
  await publish(snapshots, id(3, 2));
  await directory.close();
  const again = await open(machine.kill().runtime);
  assertEquals([again.log.startOffset, again.log.endOffset], [0, 3]);
  await again.directory.close();
});

test("open() refuses a log whose beginning is in no snapshot", async () => {
  const machine = new Machine();
  const { log, snapshots, directory } = await open(machine.runtime);
  for (let i = 0; i < 4; i++) log.append(batch(i), 2);
  await publish(snapshots, id(1, 2));
  await publish(snapshots, id(3, 2));
  await log.deleteBeforeSnapshot(id(3, 2));
  await directory.close();
  const { runtime } = machine.kill();
  const path = (of: SnapshotId) => `${DIRECTORY}/${snapshotFileName(of)}`;
  runtime.files.rename(path(id(3, 2)), path(id(2, 2)));
  const { name, message } = await refusalOf(open(runtime));
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertEquals(
    message,
    `Cannot open __cluster_metadata-0: it begins at offset 3, and no snapshot in ${DIRECTORY} has ` +
      "the records before; bring the .checkpoint file back from a copy, or format the directory " +
      "with a new directory id while the other controllers have a leader",
  );
  runtime.files.rename(path(id(2, 2)), path(id(3, 2)));
  await (await open(runtime)).directory.close();
});

test("open() removes snapshots before the start that a crash has left", async () => {
  const machine = new Machine();
  const { log, snapshots, directory } = await open(machine.runtime);
  for (let i = 0; i < 4; i++) log.append(batch(i), 2);
  await publish(snapshots, id(1, 2));
  await publish(snapshots, id(3, 2));
  const path = `${DIRECTORY}/${snapshotFileName(id(1, 2))}`;
  await log.deleteBeforeSnapshot(id(3, 2));
  await directory.close();
  const { files, runtime } = machine.kill();
  files.open(path, "create").close();
  const again = await open(runtime);
  assertEquals(again.log.outline().snapshots, [id(3, 2)]);
  assert(!files.exists(path));
  await again.directory.close();
});

test("deleteBeforeSnapshot() moves the start onto a snapshot and removes what is older", async () => {
  const machine = new Machine();
  const { log, snapshots, directory } = await open(machine.runtime, {
    ...CONFIG,
    segmentBytes: 150,
  });
  for (let i = 0; i < 10; i++) log.append(batch(i), 1 + Math.floor(i / 4));
  for (const  of of[id(4, 1), id(6, 2), id(10, 3)]) await publish(snapshots, of);
  await log.deleteBeforeSnapshot(id(6, 2));
  const outline = {
    startOffset: 6,
    endOffset: 10,
    epochs: [{ epoch: 2, startOffset: 6 }, { epoch: 3, startOffset: 8 }],
    snapshots: [id(6, 2), id(10, 3)],
  };
  assertEquals(log.outline(), outline);
  assertEquals(refusal(() => log.read(5, 1)).name, "OFFSET_OUT_OF_RANGE");
  assert(!machine.files.exists(`${DIRECTORY}/00000000000000000000.log`));
  await assertRejects(() => log.deleteBeforeSnapshot(id(7, 2)), AssertionFailure, "cannot begin");
  await directory.close();
  const again = await open(machine.kill().runtime);
  assertEquals(again.log.outline(), outline);
  await again.log.deleteBeforeSnapshot(id(10, 3));
  // The last epoch has no record left.
  assertEquals(again.log.outline(), {
    startOffset: 10,
    endOffset: 10,
    epochs: [],
    snapshots: [id(10, 3)],
  });
  assertEquals(again.log.lastEpoch, 3);
  await again.directory.close();
});

test("nextStart() follows the limits of size and age, and keeps the latest snapshot", async () => {
  const { log, snapshots, directory } = await open(new Machine().runtime);
  const none = { maxBytes: -1, maxAgeMs: -1, nowMs: 100_000 };
  const small = { ...none, maxBytes: 1 };
  const young = { ...none, maxAgeMs: 5_000 };
  assertEquals(log.nextStart(small), null);
  for (let i = 0; i < 4; i++) log.append(batch(i), 1);
  await publish(snapshots, id(2, 1), { lastContainedLogTimestamp: 94_999 });
  assertEquals([log.nextStart(small), log.nextStart(young)], [id(2, 1), null]);
  await publish(snapshots, id(4, 1), { lastContainedLogTimestamp: 95_000 });
  assertEquals(log.nextStart(none), null);
  assertEquals(log.nextStart(young), id(4, 1));
  assertEquals(log.nextStart({ ...young, nowMs: 99_999 }), null);
  assertEquals(log.nextStart(small), id(2, 1));
  await log.deleteBeforeSnapshot(id(2, 1));
  assertEquals(log.nextStart(small), id(4, 1));
  assertEquals(log.nextStart({ ...none, maxBytes: 100_000 }), null);
  await log.deleteBeforeSnapshot(id(4, 1));
  assertEquals([log.nextStart(small), log.nextStart(young)], [null, null]);
  await directory.close();
});

test("open() makes durable what a killed process has appended without a flush", async () => {
  const simulation = new Simulation(1);
  const { log } = await simulation.run(open(simulation.runtime("alpha")));
  for (let i = 0; i < 3; i++) log.append(batch(i), 1);
  simulation.kill("alpha");
  const second = await simulation.run(open(simulation.restart("alpha")));
  assertEquals([second.log.endOffset, second.log.durableOffset], [3, 3]);
  simulation.crash("alpha", "lose");
  const third = await simulation.run(open(simulation.restart("alpha")));
  assertEquals(contentOf(third.log), [[0, 1, 0], [1, 1, 1], [2, 1, 2]]);
});

const SEEDS = seedCount(30, 300);

test(`flushed records, truncations and snapshots survive power failures, over ${SEEDS} seeds`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const simulation = new Simulation(seed);
    simulation.disk("alpha").hasNoise = seed % 2 === 0;
    let runtime = simulation.runtime("alpha");
    const small = { ...CONFIG, segmentBytes: 400 };
    /** The number and epoch of the record at each offset, or undefined. */
    let records: ([number, number] | undefined)[] = [];
    let durable = 0;
    let number = 0;
    for (let life = 0; life < 4; life++) {
      const what = `seed ${seed}, life ${life}`;
      const { log, snapshots } = await simulation.run(open(runtime, small));
      const { startOffset, endOffset } = log;
      assert(endOffset >= durable, `${what}: ${endOffset} of ${durable} durable records`);
      assert(startOffset === 0 || snapshots.latest!.endOffset >= startOffset, what);
      for (const [offset, epoch, value] of contentOf(log)) {
        assertEquals([value, epoch], records[offset], `${what}, offset ${offset}`);
      }
      records = records.slice(0, endOffset);
      records.length = endOffset;
      durable = endOffset;
      const epoch = log.lastEpoch + 1;
      for (let step = 0; step < 12; step++) {
        const choice = simulation.random.below(12);
        let work: Promise<unknown> = Promise.resolve();
        if (choice < 6) {
          records[log.append(batch(++number), epoch).baseOffset] = [number, epoch];
        } else if (choice < 8) {
          work = log.flush().then((end) => durable = end);
        } else if (choice === 8) {
          const least = Math.max(log.startOffset, snapshots.latest?.endOffset ?? 0);
          const to = least + simulation.random.below(log.endOffset - least + 1);
          durable = Math.min(durable, to);
          work = log.truncateTo(to).then((end) => records.length = end);
        } else if (choice === 9) {
          const latest = log.endOffset;
          if (latest > (snapshots.latest?.endOffset ?? 0)) {
            work = log.flush().then(async () => {
              durable = latest;
              await publish(snapshots, id(latest, log.lastEpoch));
              await log.deleteBeforeSnapshot(id(latest, log.lastEpoch));
            });
          }
        } else if (choice === 10) {
          const beyond = id(log.endOffset + 5, epoch);
          work = publish(snapshots, beyond).then(async () => {
            durable = beyond.endOffset;
            records = [];
            records.length = beyond.endOffset;
            await log.truncateFully(beyond);
          });
        }
        // The last step is interrupted.
        work.catch(() => {});
        if (step < 11) await simulation.run(work);
        else await simulation.run(simulation.nowMs + simulation.random.below(4));
      }
      if (simulation.random.below(3) === 0) simulation.kill("alpha");
      else simulation.crash("alpha", "random");
      runtime = simulation.restart("alpha");
    }
  }
});
