import { assertEquals } from "@std/assert";
import { OffsetCheckpoint } from "../../../src/log/directory/offset_checkpoint.ts";
import { PendingWork } from "../../../src/log/pending_work.ts";
import { Machine } from "../fixture.ts";
import { HeldSyncs } from "../held_syncs.ts";
import { test } from "../../harness.ts";

function setUp() {
  const machine = new Machine();
  const disk = new HeldSyncs(machine.memory);
  disk.makeDirectory("/data");
  const checkpoint = new OffsetCheckpoint(disk, "/data", "offsets", new PendingWork());
  return { disk, checkpoint };
}

test("a save in progress does not overwrite a later replacement", async () => {
  const { disk, checkpoint } = setUp();
  const offsets = new Map([["events-0", 5]]);
  disk.heldAt = /\.tmp$/;
  const saved = checkpoint.save(() => offsets);
  await disk.untilPending(1);
  // Records from 3 on are about to be truncated, so the checkpoint must not cover them.
  offsets.set("events-0", 3);
  checkpoint.replace(offsets);
  assertEquals(checkpoint.read(), new Map([["events-0", 3]]));
  disk.heldAt = null;
  disk.release();
  await saved;
  assertEquals(checkpoint.read(), new Map([["events-0", 3]]));
});

test("save() resolves when the file holds changes made during a write", async () => {
  const { disk, checkpoint } = setUp();
  const offsets = new Map([["events-0", 5], ["a-b-12", 7]]);
  disk.heldAt = /\.tmp$/;
  const first = checkpoint.save(() => offsets);
  await disk.untilPending(1);
  offsets.set("events-0", 6);
  const second = checkpoint.save(() => offsets);
  disk.heldAt = null;
  disk.release();
  await Promise.all([first, second]);
  assertEquals(checkpoint.read(), new Map([["events-0", 6], ["a-b-12", 7]]));
});

test("save() writes changes made in any turn around the end of the write before it", async () => {
  for (let turns = 0; turns < 10; turns++) {
    const { disk, checkpoint } = setUp();
    const offsets = new Map([["events-0", 5]]);
    const later = Promise.withResolvers<void>();
    const syncDirectory = disk.syncDirectory.bind(disk);
    disk.syncDirectory = (path) => {
      const synced = syncDirectory(path);
      synced.then(async () => {
        for (let turn = 0; turn < turns; turn++) await null;
        offsets.set("events-0", 3);
        later.resolve(checkpoint.save(() => offsets));
      });
      return synced;
    };
    await checkpoint.save(() => offsets);
    await later.promise;
    assertEquals(checkpoint.read(), new Map([["events-0", 3]]), `${turns} turns later`);
  }
});
