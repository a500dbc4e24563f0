import { assertEquals } from "@std/assert";
import { ProducerSnapshots } from "../../../src/log/producers/producer_snapshot_storage.ts";
import { ProducerState } from "../../../src/log/producers/producer_state.ts";
import { Machine, producedBatch } from "../fixture.ts";
import { test } from "../../harness.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;

test("removeAbove() removes the snapshots above the offset, the next one included", () => {
  const { files } = new Machine();
  files.makeDirectory("/data");
  const snapshots = new ProducerSnapshots(files, "/data");
  for (const offset of [4, 5, 6, 9]) snapshots.take(offset, new ProducerState());
  snapshots.removeAbove(5);
  assertEquals(snapshots.offsets, [4, 5]);
  assertEquals(files.list("/data").map(({ name }) => name).sort(), [
    "00000000000000000004.snapshot",
    "00000000000000000005.snapshot",
  ]);
});

test("a producer snapshot one offset above a truncation is not used at the next start", async () => {
  const machine = new Machine();
  const log = machine.open();
  log.append(producedBatch(7, 0, 0), client);
  log.append(producedBatch(7, 0, 1), client);
  // This writes a snapshot at offset 2.
  log.roll();
  await log.truncateTo(1);
  log.append(producedBatch(8, 0, 0), client);
  log.roll();
  log.close();
  const again = machine.kill().open({}, { wasShutDownCleanly: true, recoveryPoint: 2 });
  assertEquals(
    again.activeProducers().map(({ producerId, lastSequence }) => [producerId, lastSequence]),
    [[7, 0], [8, 0]],
  );
  again.close();
});

test("producers of segments after the newest snapshot are replayed before recovery", async () => {
  const machine = new Machine();
  const log = machine.open();
  for (const producerId of [1, 2, 3]) {
    log.append(producedBatch(producerId, 0, 0), client);
    log.roll();
  }
  log.append(producedBatch(4, 0, 0), client);
  await log.flush();
  const next = machine.kill();
  // Only the snapshot at offset 1 is left: the segments at 1 and 2 are between it and the recovered
  // part.
  for (const digit of ["2", "3"]) {
    next.files.remove(`/data/events-0/${digit.padStart(20, "0")}.snapshot`);
  }
  const again = next.open({}, { recoveryPoint: 4 });
  assertEquals(again.activeProducers().map(({ producerId }) => producerId), [1, 2, 3, 4]);
  again.close();
});
