import { assertEquals } from "@std/assert";
import { type CleanedPartition, LogCleaner } from "../../src/node/log_cleaner.ts";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import type { PartitionLog } from "../../src/log/partition_log.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { test } from "../harness.ts";
import { batchOf } from "../log/compaction/fixture.ts";
import { Machine } from "../log/fixture.ts";

const CONFIG = { compact: true, delete: false, fileDeleteDelayMs: 0 } as const;

interface Rig {
  readonly cleaner: LogCleaner;
  readonly machine: Machine;
  readonly messages: string[];
  readonly partitions: CleanedPartition[];
}

function rig(settings: Record<string, string> = {}): Rig {
  const machine = new Machine();
  const messages: string[] = [];
  const partitions: CleanedPartition[] = [];
  const { runtime } = machine;
  const cleaner = new LogCleaner({
    runtime: {
      random: runtime.random,
      // There are no other tasks to yield to.
      clock: {
        ...runtime.clock,
        setTimer: (delayMs, callback) => runtime.clock.setTimer(Math.min(delayMs, 1), callback),
      },
    },
    config: new BrokerConfig(settings),
    partitions,
    logger: { log: (level, message) => messages.push(`${level}: ${message}`) },
    compaction: ALL_PARTS.compaction,
  });
  return { cleaner, machine, messages, partitions };
}

function add(
  { machine, partitions }: Rig,
  name: string,
  config: Partial<Parameters<Machine["open"]>[0]> = {},
): PartitionLog {
  const log = machine.open({ ...CONFIG, ...config }, {
    directory: `/data/${name}-0`,
    topic: name,
  });
  partitions.push({
    log,
    get lastStableOffset() {
      return log.logEndOffset;
    },
  });
  return log;
}

/** Flushes and cleans: unflushed records are not compacted. */
async function clean({ cleaner, partitions }: Rig): Promise<number> {
  for (const { log } of partitions) await log.flush();
  return await cleaner.cleanAll();
}

function write(log: PartitionLog, count: number, key = "a"): void {
  for (let i = 0; i < count; i++) {
    log.append(batchOf([[key, String(i)]]), { leaderEpoch: 0, origin: "client" });
  }
}

test("logs with enough new records are compacted, the largest share first", async () => {
  const all = rig();
  const half = add(all, "half");
  write(half, 10);
  half.roll();
  assertEquals(await clean(all), 1);
  assertEquals(all.messages[0]?.startsWith("info: Compacted half-0 up to offset 10: "), true);
  // One new batch and one old one: not more than half is new.
  write(half, 1);
  half.roll();
  assertEquals(await clean(all), 0);
  const fresh = add(all, "fresh");
  write(fresh, 10);
  fresh.roll();
  write(half, 1);
  half.roll();
  assertEquals(await clean(all), 2);
  assertEquals(all.messages.slice(1).map((message) => message.split(" ")[2]), [
    "fresh-0",
    "half-0",
  ]);
  assertEquals(await clean(all), 0);
  half.close();
  fresh.close();
});

test("records older than max.compaction.lag.ms are compacted in any case", async () => {
  const all = rig();
  const log = add(all, "events", { minCleanableDirtyRatio: 1, maxCompactionLagMs: 1_000 });
  write(log, 10);
  log.roll();
  assertEquals(await clean(all), 0);
  all.machine.nowMs += 1_001;
  assertEquals(await clean(all), 1);
  log.close();
});

test("records younger than min.compaction.lag.ms are not compacted", async () => {
  const all = rig();
  const log = add(all, "events", { minCompactionLagMs: 1_000 });
  write(log, 10);
  log.roll();
  assertEquals(await clean(all), 0);
  all.machine.nowMs += 1_000;
  assertEquals(await clean(all), 1);
  log.close();
});

test("a log without cleanup.policy=compact is not compacted", async () => {
  const all = rig();
  const log = add(all, "events", { compact: false, delete: true });
  write(log, 10);
  log.roll();
  assertEquals(await clean(all), 0);
  log.close();
});

test("a damaged log is reported once and skipped, and the others are compacted", async () => {
  const all = rig();
  const bad = add(all, "bad");
  write(bad, 10);
  bad.roll();
  bad.compaction.segments[0]!.file.writeAt(Uint8Array.of(0xee), 65);
  const good = add(all, "good");
  write(good, 10);
  good.roll();
  assertEquals(await clean(all), 1);
  assertEquals(all.messages.length, 2);
  assertEquals(
    all.messages[0]?.startsWith("error: Cannot compact bad-0, it stays as it is until the next"),
    true,
    all.messages[0],
  );
  assertEquals(await clean(all), 0);
  assertEquals(all.messages.length, 2);
  bad.close();
  good.close();
});

test("keys that do not fit into the offset map are compacted in several passes", async () => {
  const all = rig({ "log.cleaner.dedupe.buffer.size": "240" });
  const log = add(all, "events");
  for (let i = 0; i < 30; i++) write(log, 1, `key-${i % 15}`);
  log.roll();
  const count = await clean(all);
  assertEquals(count > 1, true, `${count} passes`);
  assertEquals(log.compaction.cleanedOffset, 30);
  log.close();
});

test("start() compacts at intervals until shutdown()", async () => {
  const all = rig();
  const log = add(all, "events");
  write(log, 10);
  log.roll();
  all.cleaner.start();
  all.cleaner.start();
  while (all.messages.length === 0) await all.machine.runtime.clock.yieldToLoop();
  await all.cleaner.shutdown();
  assertEquals(log.compaction.cleanedOffset, 10);
  all.cleaner.start();
  log.close();
});

test("start() does nothing with log.cleaner.enable=false", async () => {
  const all = rig({ "log.cleaner.enable": "false" });
  all.cleaner.start();
  await all.cleaner.shutdown();
  assertEquals(all.messages, []);
});

test("an unflushed record does not make older ones obsolete", async () => {
  const all = rig();
  const log = add(all, "events");
  write(log, 10);
  log.roll();
  assertEquals(log.recoveryPoint, 0);
  assertEquals(await all.cleaner.cleanAll(), 0);
  assertEquals(await clean(all), 1);
  log.close();
});
