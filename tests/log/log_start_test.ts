import { assertEquals, assertRejects } from "@std/assert";
import { LogStart } from "../../src/log/log_start.ts";
import { test } from "../harness.ts";

interface Save {
  end(): void;
  fail(error: Error): void;
}

/** A log start whose saves end under the control of the test. */
class ManualSaves {
  readonly saves: Save[] = [];
  /** The outcomes of saves, as they were reported. */
  readonly reported: string[] = [];
  readonly start = new LogStart({
    checkpoints: {
      saveLogStartOffset: () =>
        new Promise<void>((resolve, reject) => {
          this.saves.push({ end: resolve, fail: reject });
        }),
    },
    segments: {
      removeRetired: () => this.reported.push("saved"),
      removeRetiredIndexes: () => this.reported.push("failed"),
    },
    health: { failure: null },
    runtime: { clock: { now: () => 0 } },
  });
}

/** Lets all promises settle that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

test("isSaved is true once the newest of two overlapping saves has ended", async () => {
  const { saves, reported, start } = new ManualSaves();
  start.save(false);
  start.save(false);
  assertEquals([saves.length, start.isSaved], [2, false]);
  saves[0]!.end();
  await settle();
  // The older save may lack the newer offset, so files must be kept.
  assertEquals([start.isSaved, reported], [false, []]);
  saves[1]!.end();
  await settle();
  assertEquals([start.isSaved, reported], [true, ["saved"]]);
});

test("isSaved stays true if an older save fails after the newest has ended", async () => {
  const { saves, reported, start } = new ManualSaves();
  start.save(false);
  start.save(false);
  saves[1]!.end();
  await settle();
  saves[0]!.fail(new Error("broken"));
  await settle();
  assertEquals([start.isSaved, reported], [true, ["saved"]]);
});

test("lowered() waits until a lower log start is saved, and retries after a failure", async () => {
  const { saves, reported, start } = new ManualSaves();
  await start.lowered();
  start.save(true);
  const lowered = start.lowered();
  saves[0]!.fail(new Error("broken"));
  await assertRejects(() => lowered, Error, "broken");
  assertEquals([start.isSaved, reported], [false, ["failed"]]);
  const again = start.lowered();
  saves[1]!.end();
  await again;
  assertEquals([saves.length, start.isSaved], [2, true]);
});
