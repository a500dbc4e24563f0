import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FileError, type FileHandle } from "../../src/runtime/runtime.ts";
import type { UnsyncedFate } from "../../src/simulator/paged_file.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { SimulationError } from "../../src/simulator/simulation_error.ts";
import { test } from "../harness.ts";

const PAGE = 4096;

function contentOf(file: FileHandle): Uint8Array {
  const content = new Uint8Array(file.size());
  file.readAt(content, 0);
  return content;
}

/** Writes and syncs three pages of 1, then writes 2 over the middle and appends, and crashes. */
async function crashed(seed: number, fate: UnsyncedFate): Promise<Uint8Array> {
  const simulation = new Simulation(seed);
  const { files } = simulation.runtime("alpha");
  files.makeDirectory("/log");
  const file = files.open("/log/f", "create");
  file.writeAt(new Uint8Array(3 * PAGE).fill(1), 0);
  await simulation.run(
    Promise.all([file.sync(), files.syncDirectory("/"), files.syncDirectory("/log")]),
  );
  file.writeAt(new Uint8Array(100).fill(2), PAGE + 50);
  file.writeAt(new Uint8Array(2 * PAGE).fill(3), 3 * PAGE);
  simulation.crash("alpha", fate);
  return contentOf(simulation.restart("alpha").files.open("/log/f", "read"));
}

test("simulated disk keeps synced data in any crash", async () => {
  const seen = { lost: 0, kept: 0, torn: 0 };
  for (let seed = 0; seed < 200; seed++) {
    const content = await crashed(seed, "random");
    assert(content.length >= 3 * PAGE && content.length <= 5 * PAGE);
    for (const page of [0, 2]) {
      assert(content.subarray(page * PAGE, (page + 1) * PAGE).every((byte) => byte === 1));
    }
    const middle = content.subarray(PAGE, 2 * PAGE);
    assert(middle.every((byte, at) => byte === 1 || byte === 2 && at >= 50 && at < 150));
    const tail = content.subarray(3 * PAGE);
    assert(tail.every((byte) => byte === 0 || byte === 3));
    if (tail.length === 0) seen.lost++;
    else if (tail.length === 2 * PAGE && tail.every((byte) => byte === 3)) seen.kept++;
    else seen.torn++;
  }
  assert(seen.lost > 20 && seen.kept > 20 && seen.torn > 10, JSON.stringify(seen));
});

test("simulated disk can lose or keep all unsynced data", async () => {
  const lost = await crashed(1, "lose");
  assertEquals(lost, new Uint8Array(3 * PAGE).fill(1));
  const kept = await crashed(1, "keep");
  assertEquals(kept.length, 5 * PAGE);
  assertEquals(kept[PAGE + 50], 2);
  assertEquals(kept[5 * PAGE - 1], 3);
});

test("simulated disk may restore data that was truncated without a sync", async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const simulation = new Simulation(seed);
    const { files } = simulation.runtime("alpha");
    const file = files.open("f", "create");
    file.writeAt(new Uint8Array(10_000).fill(5), 0);
    await simulation.run(Promise.all([file.sync(), files.syncDirectory("/")]));
    file.truncate(1000);
    simulation.crash("alpha");
    const content = contentOf(simulation.restart("alpha").files.open("f", "read"));
    lengths.add(content.length);
    assert(content.length >= 1000 && content.every((byte) => byte === 5));
  }
  assert(lengths.has(1000) && lengths.has(10_000));
});

test("simulated disk's sync covers writes before its start only", async () => {
  let lateLost = 0;
  for (let seed = 0; seed < 40; seed++) {
    const simulation = new Simulation(seed);
    const { files } = simulation.runtime("alpha");
    const file = files.open("f", "create");
    file.writeAt(new Uint8Array([1]), 0);
    const synced = Promise.all([file.sync(), files.syncDirectory("/")]);
    file.writeAt(new Uint8Array([2]), 1);
    await simulation.run(synced);
    simulation.crash("alpha");
    const content = contentOf(simulation.restart("alpha").files.open("f", "read"));
    assertEquals(content[0], 1);
    if (content[1] !== 2) lateLost++;
  }
  assert(lateLost > 5 && lateLost < 40);
});

test("simulated disk does not complete a sync that a crash interrupts", async () => {
  const simulation = new Simulation(4);
  const { files } = simulation.runtime("alpha");
  const file = files.open("f", "create");
  await simulation.run(files.syncDirectory("/"));
  file.writeAt(new Uint8Array([1]), 0);
  let settled = false;
  void file.sync().then(() => settled = true);
  simulation.crash("alpha", "lose");
  const next = simulation.restart("alpha");
  await simulation.run(1000);
  assertEquals(settled, false);
  assertEquals(next.files.open("f", "read").size(), 0);
});

test("simulated disk may lose names that no syncDirectory() covers", async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const simulation = new Simulation(seed);
    const { files } = simulation.runtime("alpha");
    files.makeDirectory("/d");
    const a = files.open("/d/a", "create");
    a.writeAt(new Uint8Array([7]), 0);
    await simulation.run(
      Promise.all([a.sync(), files.syncDirectory("/"), files.syncDirectory("/d")]),
    );
    a.close();
    files.rename("/d/a", "/d/b");
    files.open("/d/c", "create").close();
    simulation.crash("alpha");
    const after = simulation.restart("alpha").files;
    const names = after.list("/d").map(({ name }) => name).sort().join();
    outcomes.add(names);
    const kept = after.open(names.includes("a") ? "/d/a" : "/d/b", "read");
    assertEquals([...contentOf(kept)], [7]);
  }
  // A rename as a whole: never both names, never none. What is not of the same name may come first.
  assertEquals([...outcomes].sort(), ["a", "a,c", "b", "b,c"]);
});

test("simulated disk never keeps a change of names that builds upon a lost one", () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const simulation = new Simulation(seed);
    const { files } = simulation.runtime("alpha");
    files.makeDirectory("/d");
    files.open("/d/a", "create").close();
    files.rename("/d/a", "/d/b");
    files.rename("/d/b", "/d/c");
    files.open("/other", "create").close();
    simulation.crash("alpha");
    const after = simulation.restart("alpha").files;
    const names = after.exists("/d") ? after.list("/d").map(({ name }) => name).join() : "-";
    outcomes.add(`${names} ${after.exists("/other")}`);
  }
  assertEquals(
    [...outcomes].sort(),
    ["- false", "- true", " false", " true", "a false", "a true", "b false", "b true"]
      .concat("c false", "c true").sort(),
  );
});

test("simulated disk's next sync does not repair a failed one", async () => {
  for (const isChangedAgain of [false, true]) {
    const simulation = new Simulation(1);
    const { files } = simulation.runtime("alpha");
    const file = files.open("f", "create");
    await simulation.run(files.syncDirectory("/"));
    file.writeAt(new Uint8Array(10).fill(1), 0);
    simulation.disk("alpha").failNext("sync", "io");
    await simulation.run(assertRejects(() => file.sync(), FileError));
    if (isChangedAgain) file.writeAt(new Uint8Array(10).fill(2), 10);
    file.writeAt(new Uint8Array(1).fill(3), PAGE);
    await simulation.run(file.sync());
    assertEquals(contentOf(file)[0], 1);
    simulation.crash("alpha", "lose");
    const content = contentOf(simulation.restart("alpha").files.open("f", "read"));
    assertEquals([content[0], content[10], content[PAGE]], isChangedAgain ? [1, 2, 3] : [0, 0, 3]);
  }
});

test("simulated disk tears a write at any byte", async () => {
  const ends = new Set<number>();
  for (let seed = 0; seed < 400; seed++) {
    const simulation = new Simulation(seed);
    const { files } = simulation.runtime("alpha");
    const file = files.open("f", "create");
    file.truncate(PAGE);
    await simulation.run(Promise.all([file.sync(), files.syncDirectory("/")]));
    file.writeAt(new Uint8Array(300).fill(1), 50);
    simulation.crash("alpha");
    const content = contentOf(simulation.restart("alpha").files.open("f", "read"));
    ends.add(content.lastIndexOf(1));
  }
  assert([...ends].filter((end) => end > 50 && end < 349).length > 20, `${ends.size} ends`);
});

test("simulated disk leaves noise only with hasNoise, and only in pages that were written", async () => {
  for (const hasNoise of [false, true]) {
    let noisy = 0;
    for (let seed = 0; seed < 100; seed++) {
      const simulation = new Simulation(seed);
      simulation.disk("alpha").hasNoise = hasNoise;
      const { files } = simulation.runtime("alpha");
      const file = files.open("f", "create");
      file.writeAt(new Uint8Array(1000).fill(1), 0);
      await simulation.run(Promise.all([file.sync(), files.syncDirectory("/")]));
      file.writeAt(new Uint8Array(1000).fill(2), 1000);
      simulation.crash("alpha");
      const content = contentOf(simulation.restart("alpha").files.open("f", "read"));
      assert(content.subarray(0, 1000).every((byte) => byte === 1));
      if (content.subarray(1000).some((byte) => byte !== 2 && byte !== 0)) noisy++;
    }
    assertEquals(noisy > 0, hasNoise);
  }
});

test("simulated disk that is full lets no file grow", () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  const disk = simulation.disk("alpha");
  const file = files.open("f", "create");
  file.writeAt(new Uint8Array(100), 0);
  disk.isFull = true;
  const error = assertThrows(() => file.writeAt(new Uint8Array(100), 50), FileError);
  assertEquals(error.reason, "no-space");
  assert(file.size() <= 150);
  file.writeAt(new Uint8Array(100).fill(1), 0);
  disk.isFull = false;
  file.writeAt(new Uint8Array(100), 100);
  assertEquals([file.size(), disk.faultsStruck], [200, 1]);
});

test("simulated disk syncs a directory's names together with those they depend on", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  files.makeDirectory("/from");
  files.makeDirectory("/to");
  files.makeDirectory("/other");
  await simulation.run(files.syncDirectory("/"));
  files.open("/from/a", "create").close();
  files.open("/other/x", "create").close();
  files.rename("/from/a", "/to/b");
  await simulation.run(files.syncDirectory("/to"));
  simulation.crash("alpha", "lose");
  const after = simulation.restart("alpha").files;
  assertEquals(after.list("/from"), []);
  assertEquals(after.list("/to"), [{ name: "b", isDirectory: false }]);
  assertEquals(after.list("/other"), []);
});

test("simulated disk keeps everything when only the process is killed", () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  files.open("f", "create").writeAt(new Uint8Array(PAGE).fill(9), 0);
  simulation.kill("alpha");
  const content = contentOf(simulation.restart("alpha").files.open("f", "read"));
  assertEquals(content, new Uint8Array(PAGE).fill(9));
});

test("failNext() fails one operation each", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  const disk = simulation.disk("alpha");
  const file = files.open("records", "create");
  disk.failNext("write", "no-space", "records");
  disk.failNext("read", "io");
  disk.failNext("sync", "io");
  disk.failNext("open", "permission", "elsewhere");
  disk.failNext("change", "permission");
  const reasonOf = (operation: () => unknown): string => assertThrows(operation, FileError).reason;
  assertEquals(reasonOf(() => file.writeAt(new Uint8Array(1000), 0)), "no-space");
  assert(file.size() <= 1000);
  assertEquals(reasonOf(() => file.readAt(new Uint8Array(10), 0)), "io");
  await simulation.run(assertRejects(() => file.sync(), FileError));
  assertEquals(reasonOf(() => files.makeDirectory("d")), "permission");
  // Each fault strikes once.
  file.writeAt(new Uint8Array(1000).fill(1), 0);
  assertEquals(file.readAt(new Uint8Array(10), 0), 10);
  await simulation.run(file.sync());
  files.makeDirectory("d");
  disk.corrupt("records", 3, 0x80);
  assertEquals([...contentOf(file).subarray(2, 5)], [1, 0x81, 1]);
});

test("simulated disk's failed sync makes nothing durable", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  const file = files.open("f", "create");
  await simulation.run(files.syncDirectory("/"));
  file.writeAt(new Uint8Array(10), 0);
  simulation.disk("alpha").failNext("sync", "io");
  await simulation.run(assertRejects(() => file.sync(), FileError));
  simulation.crash("alpha", "lose");
  assertEquals(simulation.restart("alpha").files.open("f", "read").size(), 0);
});

test("hang() blocks all asynchronous operations, and unhang() completes them", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  const disk = simulation.disk("alpha");
  const file = files.open("f", "create");
  const settled: string[] = [];
  const watch = (name: string, done: Promise<unknown>): void =>
    void done.then(() => settled.push(name));
  watch("sync", file.sync());
  disk.hang();
  watch("directory", files.syncDirectory("/"));
  watch("read", file.read(new Uint8Array(1), 0));
  watch("removal", files.removeLater!("none"));
  await simulation.run(60_000);
  assertEquals([settled, disk.isHung], [[], true]);
  // The page cache still works.
  file.writeAt(new Uint8Array([1]), 0);
  assertEquals(file.readAt(new Uint8Array(1), 0), 1);
  disk.unhang();
  await simulation.run(60_100);
  assertEquals([settled.toSorted(), disk.isHung], [
    ["directory", "read", "removal", "sync"],
    false,
  ]);
});

test("hang() ends with a crash, which also drops the pending syncs", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  const file = files.open("f", "create");
  await simulation.run(files.syncDirectory("/"));
  file.writeAt(new Uint8Array([1]), 0);
  let settled = false;
  void file.sync().then(() => settled = true);
  simulation.disk("alpha").hang();
  await simulation.run(1_000);
  simulation.crash("alpha", "lose");
  const next = simulation.restart("alpha").files;
  assertEquals(next.open("f", "read").size(), 0);
  await simulation.run(next.syncDirectory("/"));
  assertEquals(settled, false);
});

test("timing of a disk can be changed while it is used", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  const disk = simulation.disk("alpha");
  const syncMs = async (): Promise<number> => {
    const startMs = simulation.nowMs;
    await simulation.run(files.syncDirectory("/"));
    return simulation.nowMs - startMs;
  };
  const before = disk.timing;
  disk.timing = { minSyncUs: 400_000, maxSyncUs: 500_000, slowOneIn: 40, slowMaxUs: 500_000 };
  assert(await syncMs() >= 400);
  disk.timing = before;
  assert(await syncMs() <= 20);
});

test("wipe() empties the disk durably, and throws while files are open", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  files.makeDirectory("/d");
  const file = files.open("/d/f", "create");
  await simulation.run(
    Promise.all([file.sync(), files.syncDirectory("/"), files.syncDirectory("/d")]),
  );
  files.open("/late", "create").close();
  const disk = simulation.disk("alpha");
  assertThrows(() => disk.wipe(), SimulationError, "files are open");
  simulation.kill("alpha");
  disk.wipe();
  const next = simulation.restart("alpha").files;
  assertEquals(next.list("/"), []);
  next.makeDirectory("/new");
  simulation.crash("alpha", "keep");
  assertEquals(simulation.restart("alpha").files.list("/"), [{ name: "new", isDirectory: true }]);
});

test("space() reports no usable space on a full disk", async () => {
  const simulation = new Simulation(1);
  const { files } = simulation.runtime("alpha");
  simulation.disk("alpha").isFull = true;
  assertEquals((await files.space!("/"))?.usable, 0);
  simulation.disk("alpha").isFull = false;
  assert((await files.space!("/"))!.usable > 0);
});
