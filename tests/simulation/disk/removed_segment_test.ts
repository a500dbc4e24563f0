/**
 * A segment file is removed between two processes of the disk scenario: wherever that can be
 * known, the start after it must refuse the log, whatever crashes came before.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { SimulatedDisk } from "../../../src/simulator/simulated_disk.ts";
import { seedCount, test } from "../../harness.ts";
import type { Sabotage } from "../outcome.ts";
import { runDisk } from "./disk.ts";

const SEEDS = seedCount(60, 400);
const DATA = "/data";
const MARKER = `${DATA}/.kafka_cleanshutdown`;

/** Removes one file in one run, and says whether that has to be noticed. */
class Removal {
  path: string | null = null;
  mustBeNoticed = false;
  #left: number;
  #wasClean = false;

  constructor(readonly seed: number) {
    this.#left = seed % 11;
  }

  readonly sabotage: Sabotage = (runtime, host, simulation) => {
    const { files } = runtime;
    const disk = simulation.disk(host);
    // Verifying the directory leaves the marker.
    let isStart = false;
    const own: typeof files = {
      open: (path, mode) => {
        // A start reads the marker before it removes it.
        if (path === MARKER && mode === "read") this.#wasClean = files.exists(path);
        return files.open(path, mode);
      },
      makeDirectory: (path) => files.makeDirectory(path),
      rename: (from, to) => files.rename(from, to),
      remove: (path) => {
        if (path === MARKER) isStart = true;
        files.remove(path);
      },
      syncDirectory: (path) => files.syncDirectory(path),
      tryLock: (path) => files.tryLock(path),
      exists: (path) => files.exists(path),
      list: (path) => {
        if (isStart && /-\d+$/.test(path)) this.#maybeRemove(disk, path);
        return files.list(path);
      },
    };
    return { ...runtime, files: own };
  };

  #maybeRemove(disk: SimulatedDisk, directory: string): void {
    const names = disk.tree.list(directory).map(({ name }) => name).sort();
    const logs = names.filter((name) => name.endsWith(".log"));
    if (this.path !== null || logs.length === 0 || this.#left-- > 0) return;
    const name = logs[this.seed % logs.length]!;
    this.path = `${directory}/${name}`;
    this.mustBeNoticed = this.#mustBeNoticed(disk, directory, names, logs, name);
    for (const suffix of this.seed % 2 === 0 ? [".log"] : [".log", ".index", ".timeindex"]) {
      const path = this.path.replace(".log", suffix);
      if (disk.tree.exists(path)) disk.tree.remove(path);
    }
    // No loss of power brings it back.
    disk.syncNames(disk.tree.directory("sync", directory));
  }

  #mustBeNoticed(
    disk: SimulatedDisk,
    directory: string,
    names: readonly string[],
    logs: readonly string[],
    name: string,
  ): boolean {
    const log = directory.slice(DATA.length + 1);
    const start = numberFor(disk, "log-start-offset-checkpoint", log) ?? 0;
    const recoveryPoint = numberFor(disk, "recovery-point-offset-checkpoint", log);
    const indexes = names.filter((name) => /^\d{20}\.index$/.test(name)).sort();
    const newest = Number(indexes.at(-1)?.slice(0, 20) ?? -1);
    const named = this.seed % 2 === 0 ? newest : -1;
    const epochs = textOf(disk, `${directory}/leader-epoch-checkpoint`).split("\n");
    const begin = Math.max(start, Number(epochs[2]?.split(" ")[1] ?? 0));
    const base = Number(name.slice(0, 20));
    const next = logs[logs.indexOf(name) + 1];
    const isFirst = name === logs[0];
    // Deleted segments need not be there, and a deletion or swap in progress explains a missing one.
    if (next !== undefined && Number(next.slice(0, 20)) <= begin) return false;
    if (names.some((other) => /\.(swap|cleaned|deleted)$/.test(other))) return false;
    if (recoveryPoint === undefined || recoveryPoint <= start) {
      return !this.#wasClean && recoveryPoint === base && named === base && start <= base;
    }
    if (base === named && recoveryPoint >= named && start <= named && !this.#wasClean) {
      return next === undefined;
    }
    // Between two segments of a compacted log there may be nothing.
    const isCompacted = log.startsWith("state");
    return base < recoveryPoint && (!isCompacted || isFirst);
  }
}

function textOf(disk: SimulatedDisk, path: string): string {
  if (!disk.tree.exists(path)) return "";
  const { content } = disk.tree.openFile(path, "read");
  const bytes = new Uint8Array(content.length);
  content.read(bytes, 0);
  return new TextDecoder().decode(bytes);
}

function numberFor(disk: SimulatedDisk, checkpoint: string, log: string): number | undefined {
  const start = `${log.replace(/-(\d+)$/, " $1")} `;
  const line = textOf(disk, `${DATA}/${checkpoint}`).split("\n").find((line) =>
    line.startsWith(start)
  );
  return line === undefined ? undefined : Number(line.slice(start.length));
}

test("a removed segment is detected after any sequence of crashes", async () => {
  const missed: string[] = [];
  let expected = 0;
  let noticed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const removal = new Removal(seed);
    const { failures } = await runDisk(seed, { sabotage: removal.sabotage });
    const [failure = ""] = failures;
    const directory = removal.path?.slice(0, removal.path.lastIndexOf("/")) ?? "nowhere";
    const isNoticed = failure.includes("is not open") && failure.includes(directory);
    if (isNoticed) noticed++;
    // A file that the scenario damages later must be there.
    const isAskedFor = failure.startsWith(`FileError: Cannot open "${removal.path}"`);
    if (!removal.mustBeNoticed || isAskedFor) continue;
    expected++;
    if (!isNoticed) missed.push(`seed ${seed}, ${removal.path}: ${failure}`);
  }
  assertEquals(missed, []);
  assert(
    expected > SEEDS / 5,
    `${expected} removals of ${SEEDS} had to be noticed, ${noticed} were`,
  );
});
