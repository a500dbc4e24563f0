/** The directory of snapshots: names, byte ranges, publication, removal, and power failures. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SnapshotFiles } from "../../../src/raft/storage/snapshot_files.ts";
import {
  BOOTSTRAP_SNAPSHOT_ID,
  parseSnapshotFileName,
  snapshotFileName,
  type SnapshotId,
} from "../../../src/raft/storage/snapshot_names.ts";
import { AssertionFailure } from "../../../src/assert.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import type { FileSystem } from "../../../src/runtime/runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { FailingFiles, refusal, refusalOf } from "../../log/fixture.ts";
import { seedCount, test } from "../../harness.ts";
import {
  DIRECTORY,
  KAFKA_HEADER,
  KAFKA_SNAPSHOT,
  readFile,
  STATIC_HEADER,
  writeFile,
} from "./fixture.ts";

function memory(): MemoryFileSystem {
  const files = new MemoryFileSystem();
  files.makeDirectory(DIRECTORY);
  return files;
}

function names(files: FileSystem): string[] {
  return files.list(DIRECTORY).map(({ name }) => name).sort();
}

const id = (endOffset: number, epoch: number): SnapshotId => ({ endOffset, epoch });

async function publish(snapshots: SnapshotFiles, of: SnapshotId, records = 1): Promise<void> {
  const draft = snapshots.create(of);
  try {
    const writer = draft.writer(STATIC_HEADER, () => 1);
    for (let i = 0; i < records; i++) writer.append(Uint8Array.of(i));
    writer.finish();
    await draft.publish();
  } finally {
    draft.abandon();
  }
}

test("the name of a snapshot has its end offset and epoch with zeros in front", () => {
  const name = "00000000000000001234-0000000007.checkpoint";
  assertEquals(snapshotFileName(id(1234, 7)), name);
  assertEquals(parseSnapshotFileName(name), id(1234, 7));
  const largest = id(Number.MAX_SAFE_INTEGER, 2_147_483_647);
  assertEquals(parseSnapshotFileName(snapshotFileName(largest)), largest);
  for (
    const other of [
      `${name}.part`,
      `${name}.deleted`,
      "0000000000000000123-0000000007.checkpoint",
      "bootstrap.checkpoint",
      "00009007199254740993-0000000007.checkpoint",
      "00000000000000001234-9999999999.checkpoint",
      "00000000000000000000.log",
    ]
  ) assertEquals(parseSnapshotFileName(other), null, other);
});

test("open() lists snapshots in order and removes what interrupted writes have left", async () => {
  const files = memory();
  const others = ["quorum-state", "00000000000000000000.log", "bootstrap.checkpoint", "x.part"];
  const leftovers = [
    "00000000000000000100-0000000001.checkpoint.part",
    "00000000000000000100-0000000001-8123456789.checkpoint.part",
    "00000000000000000003-0000000001.checkpoint.deleted",
  ];
  const found = [id(900, 2), id(100, 1), id(100, 2), BOOTSTRAP_SNAPSHOT_ID];
  for (const name of [...others, ...leftovers, ...found.map(snapshotFileName)]) {
    writeFile(files, `${DIRECTORY}/${name}`, KAFKA_SNAPSHOT);
  }
  const snapshots = await SnapshotFiles.open(files, DIRECTORY);
  assertEquals(snapshots.ids, [id(100, 1), id(100, 2), id(900, 2)]);
  assertEquals([snapshots.earliest, snapshots.latest], [id(100, 1), id(900, 2)]);
  assertEquals(names(files), [...others, ...found.map(snapshotFileName)].sort());
});

test("a directory without snapshots has none, or only the bootstrap snapshot", async () => {
  const files = memory();
  const none = await SnapshotFiles.open(files, DIRECTORY);
  assertEquals([none.earliest, none.latest, none.latestOrBootstrap], [null, null, null]);
  const path = `${DIRECTORY}/${snapshotFileName(BOOTSTRAP_SNAPSHOT_ID)}`;
  writeFile(files, path, KAFKA_SNAPSHOT);
  const snapshots = await SnapshotFiles.open(files, DIRECTORY);
  assertEquals([snapshots.ids, snapshots.latest], [[], null]);
  assertEquals(snapshots.has(BOOTSTRAP_SNAPSHOT_ID), false);
  assertEquals(snapshots.latestOrBootstrap, BOOTSTRAP_SNAPSHOT_ID);
  const { reader, close } = snapshots.read(BOOTSTRAP_SNAPSHOT_ID);
  assertEquals(reader.header, KAFKA_HEADER);
  close();
  await publish(snapshots, id(5, 1));
  assertEquals(snapshots.latestOrBootstrap, id(5, 1));
  assertEquals(files.openFiles, 0);
});

test("a snapshot is sent in ranges, received in parts, checked and published", async () => {
  const [source, target] = [memory(), memory()];
  const sent = await SnapshotFiles.open(source, DIRECTORY);
  await publish(sent, id(70, 3), 500);
  const received = await SnapshotFiles.open(target, DIRECTORY);
  const draft = received.create(id(70, 3));
  while (draft.size < sent.sizeOf(id(70, 3))) {
    draft.write(sent.readRange(id(70, 3), draft.size, 1_000), draft.size);
  }
  assertEquals(sent.readRange(id(70, 3), draft.size, 1_000).length, 0);
  assertEquals(sent.readRange(id(70, 3), draft.size + 5, 1_000).length, 0);
  assertEquals([received.has(id(70, 3)), names(target).length], [false, 1]);
  assertEquals(atOnce(draft.check()), STATIC_HEADER);
  await draft.publish();
  assertEquals(received.ids, [id(70, 3)]);
  const path = `${DIRECTORY}/${snapshotFileName(id(70, 3))}`;
  assertEquals(readFile(target, path), readFile(source, path));
  assertEquals(atOnce(received.check(id(70, 3))), STATIC_HEADER);
  assertEquals([names(target).length, source.openFiles, target.openFiles], [1, 0, 0]);
});

test("a part that is torn, or at another position, is refused", async () => {
  const files = memory();
  const snapshots = await SnapshotFiles.open(files, DIRECTORY);
  const draft = snapshots.create(id(70, 3));
  draft.write(KAFKA_SNAPSHOT.subarray(0, 300), 0);
  assertThrows(() => draft.write(KAFKA_SNAPSHOT.subarray(0, 300), 0), AssertionFailure, "at 0 of");
  const { message } = refusal(() => atOnce(draft.check()));
  assertStringIncludes(message, "00000000000000000070-0000000003.checkpoint.part");
  assertThrows(() => snapshots.create(id(70, 3)), AssertionFailure, "is being written already");
  draft.abandon();
  draft.abandon();
  assertEquals([names(files), files.openFiles], [[], 0]);
  await publish(snapshots, id(70, 3));
  assertThrows(() => snapshots.create(id(70, 3)), AssertionFailure, "exists already");
});

test("deleteBefore() removes older snapshots, those being read when their readers end", async () => {
  const files = memory();
  const bootstrap = snapshotFileName(BOOTSTRAP_SNAPSHOT_ID);
  writeFile(files, `${DIRECTORY}/${bootstrap}`, KAFKA_SNAPSHOT);
  const snapshots = await SnapshotFiles.open(files, DIRECTORY);
  for (const  of of[id(10, 1), id(20, 1), id(30, 2)]) await publish(snapshots, of);
  const open = snapshots.read(id(10, 1));
  const again = snapshots.read(id(10, 1));
  snapshots.deleteBefore(id(30, 2));
  assertEquals(snapshots.ids, [id(30, 2)]);
  const kept = snapshotFileName(id(30, 2));
  assertEquals(names(files), [snapshotFileName(id(10, 1)), kept]);
  assert(open.reader.next() !== null);
  open.close();
  assertEquals(names(files).length, 2);
  assertEquals([again.reader.next() !== null, again.reader.next()], [true, null]);
  again.close();
  assertEquals([names(files), files.openFiles], [[kept], 0]);
  assertThrows(() => snapshots.read(id(10, 1)), AssertionFailure, "There is no snapshot");
  assertThrows(() => snapshots.deleteBefore(id(10, 1)), AssertionFailure, "There is no snapshot");
  assertThrows(() => snapshots.read(BOOTSTRAP_SNAPSHOT_ID), AssertionFailure, "no snapshot");
});

test("a snapshot whose publication fails does not exist, and can be written again", async () => {
  const memoryFiles = memory();
  const files = new FailingFiles(memoryFiles);
  const snapshots = await SnapshotFiles.open(files, DIRECTORY);
  files.failsAt = ".checkpoint";
  for (const operation of ["open", "truncate", "write", "sync"] as const) {
    files.failing.add(operation);
    const { name, message } = await refusalOf(publish(snapshots, id(9, 1)));
    assertEquals(name, "KAFKA_STORAGE_ERROR", operation);
    assertStringIncludes(message, "00000000000000000009-0000000001.checkpoint");
    files.failing.clear();
    assertEquals([snapshots.ids, names(memoryFiles)], [[], []]);
  }
  await publish(snapshots, id(9, 1));
  assertEquals(snapshots.ids, [id(9, 1)]);
  assertEquals(memoryFiles.openFiles, 0);
});

const SEEDS = seedCount(40, 400);

test(`published snapshots survive a power failure, and others are whole or gone, over ${SEEDS} seeds`, async () => {
  let unfinished = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const simulation = new Simulation(seed);
    simulation.disk("alpha").hasNoise = seed % 2 === 0;
    let { files } = simulation.runtime("alpha");
    files.makeDirectory(DIRECTORY);
    await simulation.run(
      Promise.all(["/", "/data"].map((path) => files.syncDirectory(path))),
    );
    let published = 0;
    for (let life = 0; life < 3; life++) {
      const what = `seed ${seed}, life ${life}`;
      const snapshots = await simulation.run(SnapshotFiles.open(files, DIRECTORY));
      const latest = snapshots.latest?.endOffset ?? 0;
      assert(latest >= published, `${what}: ${latest} after ${published} was published`);
      for (const of of snapshots.ids) atOnce(snapshots.check(of));
      assert(names(files).every((name) => name.endsWith(".checkpoint")), what);
      // The log may begin there from now on.
      published = latest;
      for (let i = 1; i <= 3; i++) {
        const next = id(latest + 10 * i, 1);
        unfinished++;
        publish(snapshots, next, 300).then(() => {
          unfinished--;
          published = next.endOffset;
          snapshots.deleteBefore(next);
        }, () => {});
        await simulation.run(simulation.nowMs + simulation.random.below(4));
      }
      if (simulation.random.below(3) === 0) simulation.kill("alpha");
      else simulation.crash("alpha", "random");
      files = simulation.restart("alpha").files;
    }
  }
  assert(unfinished > SEEDS / 4, `only ${unfinished} publications were interrupted`);
});

test("open() makes durable what a killed process has published without a sync", async () => {
  const simulation = new Simulation(1);
  let { files } = simulation.runtime("alpha");
  files.makeDirectory(DIRECTORY);
  await simulation.run(Promise.all(["/", "/data"].map((path) => files.syncDirectory(path))));
  const snapshots = await simulation.run(SnapshotFiles.open(files, DIRECTORY));
  publish(snapshots, id(9, 1)).catch(() => {});
  const name = snapshotFileName(id(9, 1));
  while (!names(files).includes(name)) await simulation.run(simulation.nowMs + 0.01);
  simulation.kill("alpha");
  files = simulation.restart("alpha").files;
  assertEquals((await simulation.run(SnapshotFiles.open(files, DIRECTORY))).latest, id(9, 1));
  simulation.crash("alpha", "lose");
  files = simulation.restart("alpha").files;
  assertEquals((await simulation.run(SnapshotFiles.open(files, DIRECTORY))).latest, id(9, 1));
});
