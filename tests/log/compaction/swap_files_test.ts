import { assertEquals } from "@std/assert";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { FileError, type FileHandle, type FileSystem } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { batchesOf, checkpointsWith, Machine } from "../fixture.ts";
import { batchOf, codecs, compactLog, textsOf } from "./fixture.ts";

const CONFIG = { compact: true, delete: false, segmentBytes: 400, fileDeleteDelayMs: 0 } as const;

/** The files of a process that ends after a given number of changes. */
class DyingFiles implements FileSystem {
  changes = 0;

  constructor(readonly files: FileSystem, public left: number) {}

  #change<T>(run: () => T): T {
    if (this.left === 0) throw new FileError("Cannot go on: the process has ended", "refused");
    this.left--;
    this.changes++;
    return run();
  }

  open(path: string, mode: Parameters<FileSystem["open"]>[1]): FileHandle {
    const isNew = mode === "create" && !this.files.exists(path);
    const file = isNew
      ? this.#change(() => this.files.open(path, mode))
      : this.files.open(path, mode);
    return {
      readAt: (target, position) => file.readAt(target, position),
      read: (target, position) => file.read(target, position),
      writeAt: (bytes, position) => this.#change(() => file.writeAt(bytes, position)),
      size: () => file.size(),
      truncate: (length) => this.#change(() => file.truncate(length)),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  }
  makeDirectory(path: string): void {
    this.#change(() => this.files.makeDirectory(path));
  }
  list(path: string): ReturnType<FileSystem["list"]> {
    return this.files.list(path);
  }
  exists(path: string): boolean {
    return this.files.exists(path);
  }
  rename(from: string, to: string): void {
    this.#change(() => this.files.rename(from, to));
  }
  remove(path: string): void {
    if (!this.files.exists(path)) return;
    this.#change(() => this.files.remove(path));
  }
  syncDirectory(path: string): Promise<void> {
    return this.files.syncDirectory(path);
  }
  tryLock(path: string): ReturnType<FileSystem["tryLock"]> {
    return this.files.tryLock(path);
  }
}

function fill(log: PartitionLog): void {
  for (let i = 0; i < 30; i++) {
    const pairs = [[`key-${i % 4}`, String(i)], [`once-${i}`, "x"]] as const;
    log.append(batchOf(pairs), { leaderEpoch: 0, origin: "client" });
  }
}

function recordsOf(log: PartitionLog): string[] {
  const records: string[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const source = log.read({
      fetchOffset: offset,
      maxBytes: 100_000,
      endOffset: log.logEndOffset,
      minOneBatch: true,
    });
    const batches = batchesOf(source);
    if (batches.length === 0) break;
    records.push(...batches.flatMap(textsOf));
    offset = batches.at(-1)!.lastOffset + 1;
  }
  return records;
}

/** Returns the last value of each key. */
function lastValues(records: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const record of records) {
    const [, key, value] = /^\d+:(.*)=(.*)$/.exec(record)!;
    values.set(key!, value!);
  }
  return values;
}

test("no newest record is lost, whenever the process ends during compaction", async () => {
  let deaths = 0;
  for (let left = 0, isOver = false; !isOver; left++) {
    const machine = new Machine();
    const log = machine.open(CONFIG);
    fill(log);
    const before = recordsOf(log);
    await log.flush();
    const dying = new DyingFiles(machine.memory, Infinity);
    log.close();
    machine.files = dying;
    const again = machine.open(CONFIG, { wasShutDownCleanly: true });
    dying.left = left;
    try {
      await compactLog(again, machine);
      isOver = true;
    } catch {
      deaths++;
    }
    const next = machine.kill();
    const reopened = next.open(CONFIG);
    const found = recordsOf(reopened);
    assertEquals(lastValues(found), lastValues(before), `after ${left} changes`);
    assertEquals(reopened.logEndOffset, 60);
    assertEquals(new Set(found).size, found.length, `after ${left} changes`);
    await reopened.flush();
    const names = next.files.list("/data/events-0").map(({ name }) => name);
    assertEquals(
      names.filter((name) => /cleaned|swap|deleted/.test(name)),
      [],
      `after ${left} changes`,
    );
    // And once more after that.
    const last = next.kill().open(CONFIG);
    assertEquals(recordsOf(last), found, `after ${left} changes`);
    last.close();
    if (isOver) assertEquals(found.length < before.length, true);
  }
  assertEquals(deaths > 20, true, `${deaths} deaths`);
});

test("the files of an undecided replacement are removed", () => {
  const machine = new Machine();
  const log = machine.open(CONFIG);
  fill(log);
  const before = recordsOf(log);
  log.close();
  machine.write("00000000000000000000.log.cleaned", "half of it");
  machine.write("00000000000000000004.log.swap", "behind it");
  machine.write("00000000000000000002.log.deleted", "old");
  const again = machine.open(CONFIG);
  assertEquals(recordsOf(again), before);
  const names = machine.files.list("/data/events-0").map(({ name }) => name);
  assertEquals(names.filter((name) => /cleaned|swap|deleted/.test(name)), []);
  again.close();
});

test("a replacement decided by Apache Kafka is completed", async () => {
  const machine = new Machine();
  const log = machine.open(CONFIG);
  for (const value of ["1", "2"]) {
    log.append(batchOf([["a", value], ["b", value]]), { leaderEpoch: 0, origin: "client" });
    log.roll();
  }
  log.append(batchOf([["c", "1"]]), { leaderEpoch: 0, origin: "client" });
  await log.flush();
  log.close();
  const swap = batchOf([["a", "2"], ["b", "2"]], { baseOffset: 2, codecs });
  machine.write("00000000000000000000.log.swap", swap);
  const again = machine.open(CONFIG);
  assertEquals(recordsOf(again), ["2:a=2", "3:b=2", "4:c=1"]);
  assertEquals(again.wasRepaired, true);
  await again.flush();
  assertEquals(machine.segments(), ["00000000000000000000.log", "00000000000000000004.log"]);
  assertEquals(recordsOf(again), ["2:a=2", "3:b=2", "4:c=1"]);
  again.close();
});

test("a truncated log is compacted again from its new end", async () => {
  const machine = new Machine();
  const stored: number[] = [];
  const log = machine.open(CONFIG, {
    checkpoints: checkpointsWith({ saveCleanedOffset: (offset) => stored.push(offset) }),
  });
  fill(log);
  await compactLog(log, machine);
  const cleaned = log.compaction.cleanedOffset;
  await log.truncateTo(cleaned - 20);
  assertEquals(log.compaction.cleanedOffset, log.logEndOffset);
  assertEquals(stored, [cleaned, log.logEndOffset]);
  log.close();
});

test("a .swap is removed if a .cleaned of the same offset exists, since its renames were not completed", () => {
  const machine = new Machine();
  const log = machine.open(CONFIG);
  fill(log);
  const before = recordsOf(log);
  log.close();
  machine.write("00000000000000000000.log.swap", batchOf([["a", "1"]], { codecs }));
  machine.write("00000000000000000000.txnindex.cleaned", new Uint8Array(0));
  const again = machine.open(CONFIG);
  assertEquals(recordsOf(again), before);
  const names = machine.files.list("/data/events-0").map(({ name }) => name);
  assertEquals(names.filter((name) => /cleaned|swap|deleted/.test(name)), []);
  again.close();
});
