/**
 * Failing disks under a real broker process. `disk_trials.ts` and the files beside it define the
 * faults and the required results; `failing_disk.ts` injects the faults.
 *
 * Run alone: `deno run -A tests/interop/disk_faults.ts [--only failedWrite,…] [--command "COMMAND
 * with {port}, {dir} and optionally {flush}"]`.
 *
 * @module
 */
import type { BrokerCommand } from "./broker.ts";
import * as compaction from "./disk_compaction_trials.ts";
import * as trials from "./disk_trials.ts";
import { canMount, fullFileSystem, OWN_MOUNTS } from "./full_file_system.ts";
import { Kafka, run } from "./kafka.ts";
import { ownKill9Command } from "./kill9.ts";
import { cacheDirectory, options, UsageError } from "./options.ts";
import { PythonClient } from "./python_client.ts";
import { Setup } from "./setup.ts";
import { TwoDisks } from "./two_disks.ts";

/** Options of a run. */
export interface DiskFaultsOptions {
  /** The command of our broker, with `{flush}`. */
  readonly command: BrokerCommand;
  /** The names of the trials to run. Defaults to all. */
  readonly only?: readonly string[];
  /** Whether this process has its own mount namespace, so that its mounts end with it. */
  readonly mayMount?: boolean;
  /** Prints a line for each check, `ok disk …` or `not ok disk …: why`. */
  readonly print: (line: string) => void;
}

interface Arranged {
  readonly trial: trials.Trial;
  readonly flushes: readonly ("os" | "always")[];
  readonly settings?: readonly string[];
}

const ALL: Readonly<Record<string, Arranged>> = {
  failedWrite: { trial: trials.failedWrite, flushes: ["os", "always"] },
  failedSync: { trial: trials.failedSync, flushes: ["always"] },
  failedSyncAtRoll: { trial: trials.failedSyncAtRoll, flushes: ["os"] },
  failedRead: { trial: trials.failedRead, flushes: ["os", "always"] },
  fullDisk: { trial: trials.fullDisk, flushes: ["os", "always"] },
  fullDiskAtSync: { trial: trials.fullDiskAtSync, flushes: ["always"] },
  fullDiskAtCreation: { trial: trials.fullDiskAtCreation, flushes: ["os"] },
  failedStop: { trial: trials.failedStop, flushes: ["os"] },
  failedCut: { trial: trials.failedCut, flushes: ["os"] },
  failedOpen: { trial: trials.failedOpen, flushes: ["os"] },
  failedCleaned: compacting(compaction.failedCleaned),
  failedCleanedSync: compacting(compaction.failedCleanedSync),
  failedSwap: compacting(compaction.failedSwap),
  failedSwapEnd: compacting(compaction.failedSwapEnd),
  fullFileSystem: { trial: fullFileSystem, flushes: ["os", "always"] },
};

function compacting(trial: trials.Trial): Arranged {
  return { trial, flushes: ["os"], settings: compaction.COMPACTION_SETTINGS };
}

/** The trial that needs its own mount namespace. */
const MOUNTING = "fullFileSystem";

/** Runs the trials. Each check prints a line; installation errors are thrown. */
export async function diskFaults(setup: Setup, given: DiskFaultsOptions): Promise<void> {
  const { command, only = Object.keys(ALL), mayMount = false, print } = given;
  const library = await setup.failingDisk();
  const kafka = await Kafka.install(setup);
  const client = await PythonClient.start((await setup.python("disk_faults.py")).command);
  try {
    for (const name of only) {
      if (name === MOUNTING && !mayMount) {
        await runMounting(command, print);
        continue;
      }
      const { trial, flushes, settings = [] } = ALL[name]!;
      for (const flush of flushes) {
        const disks = await TwoDisks.create({ command, flush, library, client, kafka, settings });
        await runTrial(trial, disks, `disk ${name} ${flush}`, print);
      }
    }
  } finally {
    await client.end();
  }
}

/**
 * Runs the trial with a full file system in a process with its own mount namespace, if possible.
 */
async function runMounting(command: BrokerCommand, print: (line: string) => void): Promise<void> {
  if (!await canMount()) {
    return print(
      `disk ${MOUNTING}: mounting is not possible here, so ENOSPC is only tested by injection`,
    );
  }
  const { code, out, err } = await run([
    ...[...OWN_MOUNTS, Deno.execPath(), "run", "-A", new URL(import.meta.url).pathname],
    ...["--only", MOUNTING, "--mounts", "own", "--command", command.join(" ")],
  ]);
  const lines = out.split("\n").filter((line) => /^(not )?ok /.test(line));
  lines.forEach(print);
  if (code !== 0 && !lines.some((line) => line.startsWith("not ok "))) {
    print(`not ok disk ${MOUNTING}: ended with code ${code}: ${err.trim().slice(-600)}`);
  }
}

async function runTrial(
  trial: trials.Trial,
  disks: TwoDisks,
  name: string,
  print: (line: string) => void,
): Promise<void> {
  let what = "starts";
  try {
    await trial(disks, async (next, run) => {
      what = next;
      const found = await run();
      print(`ok ${name}: ${what}${typeof found === "string" ? ` (${found})` : ""}`);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    print(`not ok ${name}: ${what}: ${why.replaceAll(disks.root, "").replace(/\s+/g, " ")}`);
  } finally {
    await disks.end();
  }
}

if (import.meta.main) {
  let given;
  try {
    given = options(Deno.args, ["only", "command", "mounts"]);
    const unknown = given.only?.split(",").find((name) => !(name in ALL));
    if (unknown !== undefined) throw new UsageError(`unknown trial "${unknown}"`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(
      `${error.message}; usage: disk_faults.ts [--only NAME,…] [--command COMMAND]\n` +
        `  the names are ${Object.keys(ALL).join(", ")}`,
    );
    Deno.exit(2);
  }
  let [passed, failed] = [0, 0];
  await diskFaults(new Setup(cacheDirectory()), {
    command: given.command?.split(" ") ?? await ownKill9Command(),
    ...(given.only === undefined ? {} : { only: given.only.split(",") }),
    mayMount: given.mounts === "own",
    print: (line) => {
      if (line.startsWith("ok ")) passed++;
      else if (line.startsWith("not ok ")) failed++;
      console.log(line);
    },
  });
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed > 0 ? 1 : 0);
}
