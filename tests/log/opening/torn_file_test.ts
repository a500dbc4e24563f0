/**
 * Torn files on a real disk: what a crash leaves of the last write is truncated, at any byte (`deno
 * task test` tries some of them), and everything before it is kept; the same damage to data that
 * was durable is never truncated. `log verify` predicts what the next start will do, and finds
 * nothing after it.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { verifyDataDirectory } from "../../../src/inspect/verify.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { allBatches, batchOf, producedBatch } from "../fixture.ts";
import { isWide, test } from "../../harness.ts";

const runtime = hostRuntime();
const client = { leaderEpoch: 0, origin: "client" } as const;
const config = { ...DEFAULT_LOG_CONFIG, segmentBytes: 700, indexIntervalBytes: 200 };

function open(directory: string): DataDirectory {
  return DataDirectory.open({ runtime, directory, nodeId: 1, configOf: () => config });
}

/** A directory after a crash of the second process that used it. */
interface Crash {
  readonly directory: string;
  /** The file that was written last, relative to the directory. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** The position of the last batch, its offset, and the position of the batch before it. */
  readonly lastAt: number;
  readonly lastOffset: number;
  readonly previousAt: number;
  /** The offset up to which everything was durable. */
  readonly recoveryPoint: number;
}

/** Runs `use` on a copy of the crashed directory in which `file` holds `bytes`. */
async function withCopy(
  crash: Crash,
  bytes: Uint8Array,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = `${crash.directory}-copy`;
  cpSync(crash.directory, directory, { recursive: true });
  writeFileSync(`${directory}/${crash.file}`, bytes);
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Creates the crashed directory, calls `use` with it, and removes it. */
async function withCrash(use: (crash: Crash) => Promise<void>): Promise<void> {
  const root = mkdtempSync(`${tmpdir()}/millrace-torn-`).replaceAll("\\", "/");
  try {
    const live = `${root}/live`;
    const first = open(live);
    await first.flushDirectory();
    const log = first.create("events", 0, "vwnYOrl8QJKJOWqndPArhA", config);
    const other = first.create("others", 3, "AQIDBAUGBwgJCgsMDQ4PEA", config);
    for (let i = 0; i < 16; i++) {
      log.append(i % 3 === 0 ? batchOf(2) : producedBatch(7, 0, firstSequence(i), 2), client);
      other.append(batchOf(1), client);
    }
    await first.close();
    const second = open(live);
    const recoveryPoint = second.get("events", 0)!.logEndOffset;
    const lastOffset = recoveryPoint;
    second.get("events", 0)!.append(producedBatch(7, 0, firstSequence(16), 2), client);
    const directory = `${root}/crashed`;
    cpSync(live, directory, { recursive: true });
    await second.close();
    const file = `events-0/${newestSegment(directory)}`;
    const bytes = new Uint8Array(readFileSync(`${directory}/${file}`));
    const starts = batchStarts(bytes);
    assert(starts.length >= 2);
    const [previousAt, lastAt] = starts.slice(-2) as [number, number];
    await use({ directory, file, bytes, lastAt, lastOffset, previousAt, recoveryPoint });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/**
 * Returns the sequence number of append `i`, with two records each. Every third append has none.
 */
function firstSequence(i: number): number {
  return 2 * (i - Math.ceil(i / 3));
}

function newestSegment(directory: string): string {
  return runtime.files.list(`${directory}/events-0`).map(({ name }) => name)
    .filter((name) => name.endsWith(".log")).sort().at(-1)!;
}

function batchStarts(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at += 12 + view.getInt32(at + 8)) starts.push(at);
  return starts;
}

/** The distance between two truncations, and between two starts of changed content, bytes. */
const CUT_STEP = isWide ? 1 : 9;
const CHANGE_STEP = isWide ? 6 : 30;

/** Damage the bytes from `at` on: missing, zeroed or garbled. */
const TEARS: Record<string, (bytes: Uint8Array, at: number) => Uint8Array> = {
  missing: (bytes, at) => bytes.slice(0, at),
  zeroed: (bytes, at) => bytes.slice().fill(0, at),
  garbled: (bytes, at) => bytes.map((byte, i) => i < at ? byte : byte ^ 0xa5),
};

for (const [how, tear] of Object.entries(TEARS)) {
  test(`on a real disk a last write whose bytes are ${how} is truncated, and nothing else`, async () => {
    await withCrash(async (crash) => {
      const { bytes, lastAt, lastOffset } = crash;
      for (let at = lastAt; at < bytes.length; at += how === "missing" ? CUT_STEP : CHANGE_STEP) {
        const torn = tear(bytes, at);
        if (torn.length === bytes.length && torn.every((byte, i) => byte === bytes[i])) continue;
        await withCopy(crash, torn, async (directory) => {
          const { damages } = await verifyDataDirectory(directory, { runtime });
          assertEquals(damages.length > 0, torn.length > lastAt, `byte ${at}`);
          for (const { file, position, problem } of damages) {
            assertEquals([file, position], [`${directory}/${crash.file}`, lastAt]);
            assertStringIncludes(problem, "the next start truncates");
          }
          const manager = open(directory);
          assertEquals([...manager.failures], []);
          const log = manager.get("events", 0)!;
          assertEquals(log.logEndOffset, lastOffset, `byte ${at}`);
          assertEquals(manager.get("others", 3)!.logEndOffset, 16);
          checkWhole(log);
          // The producer repeats the batch that was not acknowledged, and one that was.
          const again = log.append(producedBatch(7, 0, firstSequence(16), 2), client);
          assertEquals([again.baseOffset, again.duplicate], [lastOffset, false]);
          assert(log.append(producedBatch(7, 0, firstSequence(16), 2), client).duplicate);
          await manager.close();
          assertEquals((await verifyDataDirectory(directory, { runtime })).damages, []);
        });
      }
    });
  });
}

test("on a real disk damage below the recovery point is never truncated", async () => {
  await withCrash(async (crash) => {
    const { bytes, previousAt, lastAt, recoveryPoint } = crash;
    const damaged = bytes.slice();
    damaged[(previousAt + lastAt) >> 1]! ^= 1;
    for (const torn of [damaged, bytes.slice(0, lastAt - 1)]) {
      await withCopy(crash, torn, async (directory) => {
        const { damages } = await verifyDataDirectory(directory, { runtime });
        assertEquals([damages[0]!.file, damages[0]!.position], [
          `${directory}/${crash.file}`,
          previousAt,
        ]);
        assertEquals(damages[0]!.offset, recoveryPoint - 2);
        assertStringIncludes(damages[0]!.problem, "restore the file from a backup");
        const manager = open(directory);
        const message = manager.failures.get("events-0")?.message ?? "";
        assertStringIncludes(message, crash.file);
        assertStringIncludes(message, `at byte ${previousAt}`);
        assertEquals(manager.get("others", 3)!.logEndOffset, 16);
        await manager.close();
        assertEquals(new Uint8Array(readFileSync(`${directory}/${crash.file}`)), torn);
      });
    }
  });
});

/** Checks that all batches are contiguous from the start to the end. */
function checkWhole(log: PartitionLog): void {
  let next = 0;
  for (const { baseOffset, lastOffset } of allBatches(log)) {
    assertEquals(baseOffset, next);
    next = lastOffset + 1;
  }
  assertEquals(next, log.logEndOffset);
}
