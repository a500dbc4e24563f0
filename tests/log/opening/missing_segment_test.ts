import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { test } from "../../harness.ts";
import { compactLog } from "../compaction/fixture.ts";
import { batchOf, Machine } from "../fixture.ts";

const DIRECTORY = "/data/events-0";
const CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  segmentBytes: 400,
  fileDeleteDelayMs: 0,
  retentionMs: 100_000,
};
const COMPACTED: LogConfig = { ...CONFIG, compact: true, delete: false };
const client = { leaderEpoch: 0, origin: "client" } as const;

/** A log while its process runs. */
interface Running {
  readonly log: PartitionLog;
  readonly machine: Machine;
  readonly manager: DataDirectory;
}

/** What happened to a log before its process ended. */
interface History {
  readonly name: string;
  readonly config?: LogConfig;
  /** Whether records of the newest segment were synced and the recovery point was stored. */
  readonly isFlushed?: boolean;
  run(running: Running): Promise<void>;
}

const HISTORIES: readonly History[] = [
  {
    name: "one segment, nothing of it flushed",
    async run({ log, manager }) {
      append(log, 1);
      await manager.checkpoint();
    },
  },
  {
    name: "one segment, flushed",
    isFlushed: true,
    async run({ log, manager }) {
      append(log, 1);
      await log.flush();
      await manager.checkpoint();
    },
  },
  {
    name: "several segments",
    async run({ log }) {
      append(log, 9);
      await settled();
    },
  },
  {
    name: "DeleteRecords up to the middle of a segment",
    async run({ log }) {
      append(log, 9);
      await settled();
      log.deleteRecordsBefore(9);
      await log.logStartOffsetSaved();
    },
  },
  {
    name: "DeleteRecords of everything",
    async run({ log }) {
      append(log, 9);
      log.roll();
      await settled();
      log.deleteRecordsBefore(log.logEndOffset);
      await log.logStartOffsetSaved();
      append(log, 1);
    },
  },
  {
    name: "retention of the first segments",
    async run({ log, machine }) {
      append(log, 3);
      machine.nowMs += 1_000_000;
      append(log, 9, machine.nowMs);
      await settled();
      assertEquals(log.applyRetention(machine.nowMs), 1);
      await settled();
    },
  },
  {
    name: "retention of everything",
    async run({ log, machine }) {
      append(log, 9);
      machine.nowMs += 1_000_000;
      assertEquals(log.applyRetention(machine.nowMs), 5);
      await settled();
      append(log, 9, machine.nowMs);
      await settled();
    },
  },
  {
    name: "a cut into an earlier segment",
    async run({ log }) {
      append(log, 9);
      await settled();
      await log.truncateTo(15);
      append(log, 5);
      await settled();
    },
  },
  {
    name: "compaction",
    config: COMPACTED,
    async run({ log, machine }) {
      append(log, 12);
      await log.flush();
      await compactLog(log, machine);
      // If the process continues, it removes the replaced files.
      log.applyRetention(machine.nowMs);
      append(log, 6);
      await settled();
    },
  },
];

/** The files that are removed, of the segments named `logs`, and whether a start can detect it. */
interface Removal {
  readonly name: string;
  pick(logs: readonly string[]): readonly string[];
}

const withIndexes = (logs: readonly string[]) =>
  logs.flatMap((log) => [log, log.replace(".log", ".index"), log.replace(".log", ".timeindex")]);

const REMOVALS: readonly Removal[] = [
  { name: "the first log", pick: (logs) => logs.slice(0, 1) },
  { name: "the first log with its indexes", pick: (logs) => withIndexes(logs.slice(0, 1)) },
  { name: "a log in the middle", pick: (logs) => logs.slice(1, -1).slice(0, 1) },
  {
    name: "a log in the middle with its indexes",
    pick: (logs) => withIndexes(logs.slice(1, -1).slice(0, 1)),
  },
  { name: "the last log", pick: (logs) => logs.slice(-1) },
  { name: "the last log with its indexes", pick: (logs) => withIndexes(logs.slice(-1)) },
  { name: "all logs", pick: (logs) => logs },
  { name: "all logs with their indexes", pick: withIndexes },
];

function append(log: PartitionLog, batches: number, timestamp?: number): void {
  const options = timestamp === undefined ? {} : { timestamp };
  for (let i = 0; i < batches; i++) log.append(batchOf(3, options), client);
}

/** Waits for background work. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}

function open(machine: Machine, config: LogConfig = CONFIG): DataDirectory {
  const { runtime } = machine;
  return DataDirectory.open({ runtime, directory: "/data", nodeId: 1, configOf: () => config });
}

/** Creates a machine whose process has performed `history` and ended. */
async function ended(history: History, isClean: boolean): Promise<Machine> {
  const machine = new Machine();
  const config = history.config ?? CONFIG;
  const manager = open(machine, config);
  await manager.flushDirectory();
  const log = manager.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", config);
  log.assignEpoch(0);
  await history.run({ log, machine, manager });
  if (isClean) await manager.close();
  return machine.kill();
}

function rangeOf(machine: Machine, config?: LogConfig): string {
  const manager = open(machine, config);
  const log = manager.get("events", 0);
  return log === undefined
    ? manager.failures.get("events-0")!.message
    : `${log.logStartOffset} to ${log.logEndOffset}`;
}

for (const history of HISTORIES) {
  for (const isClean of [true, false]) {
    const ending = isClean ? "an orderly end" : "kill -9";
    test(`a removed segment is detected after ${history.name} and ${ending}`, async () => {
      const { config } = history;
      const whole = rangeOf((await ended(history, isClean)).kill(), config);
      for (const { name, pick } of REMOVALS) {
        const machine = await ended(history, isClean);
        const removed = pick(machine.segments());
        if (removed.length === 0) continue;
        // In this case nothing indicates the newest segment, unless its records were flushed.
        const newest = machine.segments().at(-1)!.replace(".log", ".index");
        if (removed.includes(newest) && !isClean && !history.isFlushed) continue;
        const bytes = new Map<string, Uint8Array>();
        for (const file of removed) {
          const path = `${DIRECTORY}/${file}`;
          if (!machine.files.exists(path)) continue;
          bytes.set(file, machine.read(file));
          machine.files.remove(path);
        }
        const before = machine.files.list(DIRECTORY).map((entry) => entry.name).sort();
        const found = rangeOf(machine, config);
        assertStringIncludes(found, `Cannot open events-0: `, name);
        assertStringIncludes(found, DIRECTORY, name);
        assert(/; (bring|remove) /.test(found), found);
        // Nothing else has been removed, and a second start reports the same.
        const next = machine.kill();
        const after = next.files.list(DIRECTORY).map((entry) => entry.name).sort();
        assertEquals(
          after.filter((file) => !/snapshot|index/.test(file)),
          before
            .filter((file) => !/snapshot|index/.test(file)),
          name,
        );
        assertStringIncludes(rangeOf(next, config), "Cannot open events-0: ", name);
        const last = next.kill();
        for (const [file, content] of bytes) last.write(file, content);
        assertEquals(rangeOf(last, config), whole, name);
      }
    });
  }
}

test("the error for a missing segment says how to continue without its records", async () => {
  const several = HISTORIES[2]!;
  const active = await ended(several, false);
  const [first, , , , last] = active.segments();
  active.files.remove(`${DIRECTORY}/${last}`);
  assertStringIncludes(rangeOf(active), "put an empty file in its place");
  const emptied = active.kill();
  emptied.files.open(`${DIRECTORY}/${last}`, "create").close();
  assertEquals(rangeOf(emptied), "0 to 24");

  const beginning = await ended(several, false);
  beginning.files.remove(`${DIRECTORY}/${first}`);
  assertStringIncludes(rangeOf(beginning), "remove leader-epoch-checkpoint there");
  const shortened = beginning.kill();
  shortened.files.remove(`${DIRECTORY}/leader-epoch-checkpoint`);
  assertEquals(rangeOf(shortened), "6 to 27");
});

test("an index without its log is accepted if a crash may have left it", async () => {
  const several = HISTORIES[2]!;
  const NEXT = `${"27".padStart(20, "0")}.index`;
  // Above the recovery point, the name of its log may never have been durable.
  const beyond = await ended(several, false);
  beyond.write(NEXT, "");
  assertEquals(rangeOf(beyond), "0 to 27");
  assertEquals(beyond.files.exists(`${DIRECTORY}/${NEXT}`), false);

  // Before the log start: its segment was deleted.
  const before = await ended(HISTORIES[3]!, false);
  before.write(`${"0".padStart(20, "0")}.index`, "");
  assertEquals(rangeOf(before), "9 to 27");
});

test("a segment of another log of the same name is not expected", async () => {
  const machine = await ended(HISTORIES[0]!, false);
  machine.files.remove(DIRECTORY);
  const manager = open(machine);
  await manager.flushDirectory();
  manager.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", CONFIG);
  const next = machine.kill();
  // A power failure may lose the name of the new file and keep that of its directory.
  next.files.remove(`${DIRECTORY}/00000000000000000000.log`);
  assertEquals(rangeOf(next), "0 to 0");
});

/**
 * The files left by Apache Kafka when it is killed during the deletion or replacement of a segment.
 */
const KAFKA_LEFTOVERS: readonly {
  readonly name: string;
  readonly isCompacted?: boolean;
  /** The base offset of the segment, and its files that were already renamed to `.deleted`. */
  readonly segment: number;
  readonly renamed: readonly string[];
  readonly range: string;
}[] = [
  { name: "the log", segment: 0, renamed: [".log"], range: "6 to 27" },
  { name: "the log and one index", segment: 0, renamed: [".log", ".index"], range: "6 to 27" },
  {
    name: "all",
    segment: 0,
    renamed: [".log", ".index", ".timeindex", ".txnindex"],
    range: "6 to 27",
  },
  {
    name: "the log in the middle of a compacted log",
    isCompacted: true,
    segment: 12,
    renamed: [".log"],
    range: "0 to 27",
  },
  {
    name: "all in the middle of a compacted log, but the snapshot",
    isCompacted: true,
    segment: 12,
    renamed: [".log", ".index", ".timeindex"],
    range: "0 to 27",
  },
];

for (const { name, isCompacted, segment, renamed, range } of KAFKA_LEFTOVERS) {
  test(`a deletion in which Apache Kafka had renamed ${name} is completed`, async () => {
    const config = isCompacted ? COMPACTED : CONFIG;
    const machine = await ended({ ...HISTORIES[2]!, config }, false);
    const stem = `${DIRECTORY}/${String(segment).padStart(20, "0")}`;
    for (const suffix of renamed) {
      if (!machine.files.exists(`${stem}${suffix}`)) continue;
      machine.files.rename(`${stem}${suffix}`, `${stem}${suffix}.deleted`);
    }
    // The old leader epochs, which start at 0, have not been replaced yet.
    assertEquals(rangeOf(machine, config), range);
    const next = machine.kill();
    const left = next.files.list(DIRECTORY).map((entry) => entry.name);
    assertEquals(left.filter((file) => file.endsWith(".deleted")), []);
    assertEquals(left.filter((file) => `${DIRECTORY}/${file}`.startsWith(stem)), []);
    // Kill it once more, with nothing left that explains the missing files.
    assertEquals(rangeOf(next, config), range);
  });
}
