import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { LogManager } from "../../src/log/directory/log_manager.ts";
import { RECOVERY_POINTS } from "../../src/log/directory/recovery_point_checkpoint.ts";
import type { PartitionLog } from "../../src/log/partition_log.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { FileError, type FileHandle, type OpenMode } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { FilesOver } from "./files_over.ts";
import {
  allBatches,
  batchOf,
  checkpointsWith,
  Machine,
  producedBatch,
  refusal,
  refusalOf,
} from "./fixture.ts";
import { HeldSyncs } from "./held_syncs.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;
const TOPIC_ID = "vwnYOrl8QJKJOWqndPArhA";

/** A flushed log of ten records in batches of two, whose recovery points are saved by `save`. */
async function tenRecords(
  machine: Machine,
  save: (log: PartitionLog) => Promise<void> | void,
): Promise<PartitionLog> {
  const log: PartitionLog = machine.open({ segmentBytes: 300 }, {
    checkpoints: checkpointsWith({ saveRecoveryPoint: () => save(log) }),
  });
  for (let i = 0; i < 5; i++) log.append(batchOf(2), client);
  await log.flush();
  await new Promise((resolve) => setTimeout(resolve, 0));
  return log;
}

test("truncateTo() saves the recovery point, truncates and flushes, in that order", async () => {
  const machine = new Machine();
  const disk = new HeldSyncs(machine.memory);
  machine.files = disk;
  let saved!: () => void;
  const points: number[] = [];
  const log = await tenRecords(machine, (log) => {
    points.push(log.recoveryPoint);
    return new Promise((resolve) => saved = resolve);
  });
  points.length = 0;
  disk.heldAt = /\.log$/;
  let hasEnded = false;
  const truncated = log.truncateTo(5).then(() => hasEnded = true);
  while (points.length === 0) await Promise.resolve();
  // The resulting log end: 5 is within a batch.
  assertEquals([points, log.logEndOffset, log.isTruncating], [[4], 10, true]);
  const refused = refusal(() => log.append(batchOf(1), client));
  assertEquals(refused.name, "NOT_LEADER_OR_FOLLOWER");
  assertStringIncludes(refused.message, "it is being truncated to offset 5");
  assertEquals(refusal(() => log.roll()).name, "NOT_LEADER_OR_FOLLOWER");
  assertEquals(refusal(() => log.assignEpoch(3)).name, "NOT_LEADER_OR_FOLLOWER");
  assertEquals(refusal(() => log.deleteRecordsBefore(2)).name, "NOT_LEADER_OR_FOLLOWER");
  assertEquals(log.applyRetention(Infinity), 0);
  saved();
  await disk.untilPending(1);
  assertEquals([log.logEndOffset, hasEnded], [4, false]);
  assertEquals(refusal(() => log.append(batchOf(1), client)).name, "NOT_LEADER_OR_FOLLOWER");
  assertEquals(allBatches(log).length, 2);
  disk.heldAt = null;
  disk.release();
  await truncated;
  assertEquals([log.recoveryPoint, log.isDirty, log.isTruncating], [4, false, false]);
  assertEquals(log.append(batchOf(1), client).baseOffset, 4);
  log.close();
});

test("truncateTo() leaves the log unchanged if the recovery point cannot be saved", async () => {
  const machine = new Machine();
  let fails = false;
  const log = await tenRecords(
    machine,
    () => fails ? Promise.reject(new KafkaError(56, "Cannot save: full")) : undefined,
  );
  fails = true;
  await assertRejects(() => log.truncateTo(4), KafkaError, "full");
  assertEquals([log.logEndOffset, log.isTruncating, log.failure], [10, false, null]);
  assertEquals(log.append(batchOf(1), client).baseOffset, 10);
  // The segments that were not cut get their markers again.
  await log.flush();
  assertEquals(log.hasUnsyncedNames, false);
  fails = false;
  await log.truncateTo(4);
  assertEquals(log.logEndOffset, 4);
  log.close();
});

test("a truncation waits for the running one", async () => {
  const machine = new Machine();
  const log = await tenRecords(machine, () => {});
  await Promise.all([log.truncateTo(6), log.truncateTo(8), log.truncateTo(2)]);
  assertEquals([log.logEndOffset, log.isTruncating], [2, false]);
  const truncation = log.beginTruncation(0)!;
  assertEquals(refusal(() => log.beginTruncation(0)).name, "NOT_LEADER_OR_FOLLOWER");
  truncation.cancel();
  assertEquals([log.logEndOffset, log.isTruncating], [2, false]);
  log.close();
});

/** Fails the next removal of the path `failsAt`. */
class FailingRemovals extends FilesOver {
  failsAt: string | null = null;

  override open(path: string, mode: OpenMode): FileHandle {
    return this.files.open(path, mode);
  }

  override remove(path: string): void {
    if (path === this.failsAt) {
      this.failsAt = null;
      throw new FileError(`Cannot remove ${path}: too many open files`, "too-many-open");
    }
    super.remove(path);
  }
}

test("truncateTo() removes every segment when repeated after a failed removal", async () => {
  for (const failed of [1, 2]) {
    const machine = new Machine();
    const files = new FailingRemovals(machine.memory);
    machine.files = files;
    const log = await tenRecords(machine, () => {});
    const names = machine.segments();
    assertEquals(names.length, 3);
    files.failsAt = `/data/events-0/${names[failed]}`;
    await assertRejects(() => log.truncateTo(2), KafkaError, "too many open files");
    assertEquals([log.isTruncating, log.failure], [true, null]);
    await log.truncateTo(2);
    assertEquals([log.logEndOffset, machine.segments().length], [2, 1]);
    assertEquals(log.append(batchOf(1), client).baseOffset, 2);
    log.close();
  }
});

test("truncateTo() at the log end removes leader epochs without records", async () => {
  const log = await tenRecords(new Machine(), () => {});
  log.assignEpoch(7);
  await log.truncateTo(11);
  assertEquals(log.latestEpoch, 7);
  await log.truncateTo(10);
  assertEquals([log.latestEpoch, log.logEndOffset], [0, 10]);
  log.close();
});

test("truncateFully() can be repeated, and a restart finds the empty log", async () => {
  for (const offset of [0, 4, 500]) {
    const machine = new Machine();
    const log = await tenRecords(machine, () => {});
    await log.truncateFully(offset);
    await log.truncateFully(offset);
    assertEquals([log.logStartOffset, log.logEndOffset], [offset, offset]);
    assertEquals(machine.segments(), [`${String(offset).padStart(20, "0")}.log`]);
    log.append(batchOf(2), client);
    await log.flush();
    const again = machine.kill().open({}, { logStartOffset: offset });
    assertEquals([again.logStartOffset, again.logEndOffset], [offset, offset + 2]);
    again.close();
  }
});

/** Counts the writes of recovery points. */
class CountedCheckpoints extends FilesOver {
  count = 0;

  override open(path: string, mode: OpenMode): FileHandle {
    if (path.includes(RECOVERY_POINTS) && mode === "create") this.count++;
    return this.files.open(path, mode);
  }
}

test("LogManager.truncateAll writes the recovery points of a directory once", async () => {
  const machine = new Machine();
  const files = new CountedCheckpoints(machine.memory);
  machine.files = files;
  const logs = await LogManager.open({
    runtime: machine.runtime,
    directories: ["/one", "/two"],
    nodeId: 1,
    metadataTopic: "metadata",
  });
  logs.openMetadataLog(TOPIC_ID, DEFAULT_LOG_CONFIG);
  const opened = Array.from({ length: 80 }, (_, i) => {
    const log = logs.create("events", i, TOPIC_ID, DEFAULT_LOG_CONFIG);
    for (let batch = 0; batch < 3; batch++) log.append(batchOf(2), client);
    return log;
  });
  await logs.each((directory) => directory.flush());
  await logs.each((directory) => directory.checkpoint());
  files.count = 0;
  const busy = opened[7]!.beginTruncation(2)!;
  const failures = await logs.truncateAll(new Map(opened.map((log, i) => [log, i % 7])));
  assertEquals(files.count, 2);
  assertEquals([...failures.keys()], [opened[7]!]);
  assertEquals(
    opened.map(({ logEndOffset }) => logEndOffset),
    opened.map((_, i) => i === 7 ? 6 : i % 7 - i % 7 % 2),
  );
  busy.cancel();
  assertEquals(opened.filter(({ isTruncating }) => isTruncating), []);
  // There is nothing to truncate, so nothing is written.
  await logs.truncateAll(new Map(opened.map((log) => [log, 6])));
  assertEquals(files.count, 2);
  await logs.close();
});

/**
 * Opens a log of 3 MB with a producer and an open transaction near its beginning, and another producer
 * at its end, on a clock for which every slice of work is over at once. `onRest` is called whenever the event loop gets a turn.
 */
async function longLog(onRest: () => void): Promise<PartitionLog> {
  const machine = new Machine();
  let nowMs = 0;
  const { clock } = machine.runtime;
  const log = machine.open({}, {
    runtime: {
      ...machine.runtime,
      clock: {
        ...clock,
        monotonicMs: () => nowMs += 10,
        yieldToLoop: () => {
          onRest();
          return clock.yieldToLoop();
        },
      },
    },
  });
  log.append(producedBatch(7, 0, 0, 3), client);
  log.append(
    batchOf(1, { producerId: 8, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
    { leaderEpoch: 0, origin: "coordinator" },
  );
  for (let i = 0; i < 50; i++) log.append(batchOf(1, { valueBytes: 60_000 }), client);
  log.append(producedBatch(9, 0, 0), client);
  await log.flush();
  return log;
}

test("truncateTo() rebuilds the state of producers in slices", async () => {
  let rests = 0;
  const seen = new Set<string>();
  const log: PartitionLog = await longLog(() => {
    rests++;
    const append = refusal(() => log.append(batchOf(1), client)).name;
    seen.add(`${append} ${log.logEndOffset} ${log.lastStableOffset(50)} ${log.isTruncating}`);
    log.read({ fetchOffset: 0, maxBytes: 100, endOffset: 50, minOneBatch: true });
  });
  await log.truncateTo(50);
  assertEquals([...seen], ["NOT_LEADER_OR_FOLLOWER 50 3 true"]);
  assertEquals(rests >= 5, true, `${rests} rests`);
  assertEquals(log.lastStableOffset(50), 3);
  assertEquals(log.append(producedBatch(7, 0, 0, 3), client).duplicate, true);
  assertEquals(log.activeProducers().map(({ producerId }) => producerId), [7, 8]);
  log.close();
});

test("a log that is closed while truncateTo() reads it ends the truncation", async () => {
  const log: PartitionLog = await longLog(() => log.close());
  const { name, message } = await refusalOf(log.truncateTo(50));
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(message, "the log has been closed");
});

test("compaction replaces no segment while the log is being truncated", async () => {
  const machine = new Machine();
  const log = await tenRecords(machine, () => {});
  const { compaction } = log;
  const [first] = compaction.segments;
  const cleaned = compaction.createCleaned([first!]);
  const truncation = log.beginTruncation(9)!;
  assertEquals(await compaction.replace([first!], cleaned, () => true), false);
  truncation.cancel();
  assertEquals(compaction.segments[0], first);
  compaction.discard(cleaned);
  log.close();
});
