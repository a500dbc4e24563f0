/**
 * An index file without its log is taken for a log that was removed, so no index file may have a name
 * before the directory entry of its log is durable: a power failure could keep the one and lose the
 * other.
 */
import { assert, assertEquals } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import type { FileHandle, FileSystem, OpenMode } from "../../../src/runtime/runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { test } from "../../harness.ts";
import { compactLog } from "../compaction/fixture.ts";
import { FilesOver } from "../files_over.ts";
import { batchOf, Machine } from "../fixture.ts";

const DIRECTORY = "/data/events-0";
const CONFIG: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 400, fileDeleteDelayMs: 0 };
const client = { leaderEpoch: 0, origin: "client" } as const;

/** Records the index files that got a name before the directory entry of their log was durable. */
class WatchedNames extends FilesOver {
  readonly early: string[] = [];
  indexFiles = 0;

  /** `durable` holds the paths whose directory entries a power failure cannot remove. */
  constructor(files: FileSystem, readonly durable: Set<string> = new Set()) {
    super(files);
  }

  override open(path: string, mode: OpenMode): FileHandle {
    if (mode === "create" && !this.files.exists(path)) this.#check(path);
    return this.files.open(path, mode);
  }

  override rename(from: string, to: string): void {
    this.files.rename(from, to);
    // A power failure may leave either of the two names.
    const isExchange = from === `${to}.swap` && this.durable.has(from);
    this.durable.delete(from);
    if (isExchange) this.durable.add(to);
    this.#check(to);
  }

  override remove(path: string): void {
    this.files.remove(path);
    this.durable.delete(path);
  }

  override async syncDirectory(path: string): Promise<void> {
    const names = this.files.list(path).map(({ name }) => `${path}/${name}`);
    await this.files.syncDirectory(path);
    for (const name of names) this.durable.add(name);
  }

  #check(path: string): void {
    if (!/\/\d{20}\.(time)?index$/.test(path)) return;
    this.indexFiles++;
    const log = path.replace(/\.(time)?index$/, ".log");
    if (!this.durable.has(log) && !this.durable.has(`${log}.swap`)) this.early.push(path);
  }
}

/** Creates a machine with monitored files, and its data directory. */
class WatchedMachine {
  readonly names: WatchedNames;
  readonly manager: DataDirectory;

  constructor(
    readonly machine: Machine = new Machine(),
    readonly config: LogConfig = CONFIG,
    durable?: Set<string>,
  ) {
    machine.files = this.names = new WatchedNames(machine.memory, durable);
    const { runtime } = machine;
    this.manager = DataDirectory.open({
      runtime,
      directory: "/data",
      nodeId: 1,
      configOf: () => config,
    });
  }

  /** Returns the log, which is created if necessary. */
  log(): PartitionLog {
    return this.manager.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", this.config);
  }

  /** Returns the next process, after `kill -9` and changes to the files by `change`. */
  kill(change: (next: Machine) => void = () => {}): WatchedMachine {
    const next = this.machine.kill();
    change(next);
    const after = new WatchedMachine(next, this.config, this.names.durable);
    after.names.early.push(...this.names.early);
    return after;
  }
}

function append(log: PartitionLog, batches: number): void {
  for (let i = 0; i < batches; i++) log.append(batchOf(3), client);
}

/** Waits for background work. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

function removeIndexes(machine: Machine): void {
  for (const { name } of machine.files.list(DIRECTORY)) {
    if (/index$/.test(name)) machine.files.remove(`${DIRECTORY}/${name}`);
  }
}

const HISTORIES: readonly {
  readonly name: string;
  readonly config?: LogConfig;
  run(first: WatchedMachine): Promise<WatchedMachine>;
}[] = [
  {
    name: "rolls",
    async run(first) {
      const log = first.log();
      append(log, 3);
      await settled();
      append(log, 9);
      await settled();
      return first;
    },
  },
  {
    name: "rolls and an orderly end",
    async run(first) {
      append(first.log(), 9);
      await first.manager.close();
      return first;
    },
  },
  {
    name: "kill -9 before the first sync, and a start",
    async run(first) {
      append(first.log(), 9);
      const next = first.kill();
      append(next.log(), 3);
      await next.manager.flush();
      await settled();
      return next;
    },
  },
  {
    name: "kill -9, and a start without indexes and recovery points",
    async run(first) {
      append(first.log(), 9);
      const next = first.kill((machine) => {
        removeIndexes(machine);
        machine.files.remove("/data/recovery-point-offset-checkpoint");
      });
      next.log().read({ fetchOffset: 1, maxBytes: 1, endOffset: 9, minOneBatch: true });
      append(next.log(), 3);
      await settled();
      return next;
    },
  },
  {
    name: "a cut",
    async run(first) {
      const log = first.log();
      append(log, 9);
      await settled();
      await log.truncateTo(15);
      append(log, 9);
      await settled();
      return first;
    },
  },
  {
    name: "compaction",
    config: { ...CONFIG, compact: true, delete: false },
    async run(first) {
      const log = first.log();
      append(log, 12);
      await log.flush();
      await compactLog(log, first.machine);
      append(log, 9);
      await settled();
      return first;
    },
  },
];

for (const { name, config, run } of HISTORIES) {
  test(`no index file has a name before that of its log is durable: ${name}`, async () => {
    const first = new WatchedMachine(new Machine(), config);
    await first.manager.flushDirectory();
    const last = await run(first);
    assertEquals(last.names.early, []);
    assert(last.names.indexFiles > 0);
  });
}

test("a log opens after a power failure during a roll, over 300 seeds", async () => {
  let lost = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const simulation = new Simulation(seed);
    const open = (): DataDirectory =>
      DataDirectory.open({
        runtime: simulation.runtime("alpha"),
        directory: "/data",
        nodeId: 1,
        configOf: () => CONFIG,
      });
    const manager = open();
    await simulation.run(manager.flushDirectory());
    const log = manager.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", CONFIG);
    await simulation.run(manager.flushDirectory());
    for (let batch = 0; batch < 7; batch++) {
      append(log, 1);
      await simulation.run(simulation.nowMs + simulation.random.below(1_500) / 1_000);
    }
    simulation.crash("alpha", "random");
    simulation.restart("alpha");
    const again = open();
    assertEquals([...again.failures.values()].map(({ message }) => message), [], `seed ${seed}`);
    const found = again.get("events", 0);
    if (found === undefined || found.logEndOffset < log.logEndOffset) lost++;
    assertEquals(found?.logStartOffset ?? 0, 0, `seed ${seed}`);
  }
  assert(lost > 30, `${lost} of 300 power failures have taken records`);
});
