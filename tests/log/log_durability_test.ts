import { assertEquals } from "@std/assert";
import type { PartitionLog } from "../../src/log/partition_log.ts";
import { batchOf, Machine } from "./fixture.ts";
import { HeldSyncs } from "./held_syncs.ts";
import { test } from "../harness.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;

/** Creates a log of two flushed records. Later syncs are held. */
async function flushedLog(): Promise<{ log: PartitionLog; disk: HeldSyncs }> {
  const machine = new Machine();
  const disk = new HeldSyncs(machine.memory);
  machine.files = disk;
  const log = machine.open();
  log.append(batchOf(2), client);
  await log.flush();
  disk.heldAt = /\.log$/;
  return { log, disk };
}

test("records appended during a sync are synced by the next flush", async () => {
  const { log, disk } = await flushedLog();
  log.append(batchOf(1), client);
  const first = log.flush();
  await disk.untilPending(1);
  log.append(batchOf(1), client);
  disk.release();
  await first;
  assertEquals([log.recoveryPoint, log.isDirty, disk.begun], [3, true, 1]);
  const second = log.flush();
  await disk.untilPending(1);
  assertEquals([log.recoveryPoint, disk.begun], [3, 2]);
  disk.release();
  await second;
  assertEquals([log.recoveryPoint, log.isDirty], [4, false]);
  log.close();
});

test("beginTruncation() does not raise the recovery point above unsynced records", async () => {
  const { log, disk } = await flushedLog();
  log.append(batchOf(3), client);
  log.roll();
  log.append(batchOf(1), client);
  // The directory has the name of the segment at 5, which a cut there takes away again.
  await log.syncNames();
  assertEquals([log.recoveryPoint, log.hasUnsyncedNames], [2, false]);
  const truncation = log.beginTruncation(5)!;
  assertEquals([log.recoveryPoint, log.hasUnsyncedNames], [2, true]);
  truncation.cancel();
  disk.heldAt = null;
  disk.release();
  log.close();
});
