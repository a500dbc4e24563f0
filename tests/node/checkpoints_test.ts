import { assertEquals } from "@std/assert";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import type { DataDirectory } from "../../src/log/directory/data_directory.ts";
import type { LogManager } from "../../src/log/directory/log_manager.ts";
import { test } from "../harness.ts";
import { settle } from "../broker/direct_broker.ts";
import { manualClock } from "../broker/manual_clock.ts";

test("Checkpoints are written once per interval, also after a failure", async () => {
  const clock = manualClock();
  const done: string[] = [];
  let failure: Error | null = null;
  const directory: Pick<DataDirectory, "removeDeleted" | "checkpoint"> = {
    removeDeleted: () => void done.push("removed"),
    checkpoint() {
      done.push("written");
      return failure === null ? Promise.resolve() : Promise.reject(failure);
    },
  };
  const online = [directory as DataDirectory];
  const logs: Pick<LogManager, "online" | "each"> = { online, each: (work) => work(online[0]!) };
  const errors: unknown[] = [];
  const checkpoints = new Checkpoints(
    clock,
    logs as LogManager,
    () => 100,
    (error) => errors.push(error),
  );
  checkpoints.start();
  checkpoints.start();
  for (let round = 1; round <= 4; round++) {
    failure = round === 2 ? new Error("full") : null;
    clock.advance(99);
    await settle();
    assertEquals(done.length, (round - 1) * 2);
    clock.advance(1);
    await settle();
    assertEquals(done.slice(-2), ["removed", "written"]);
    assertEquals(done.length, round * 2);
  }
  assertEquals(errors.map((error) => (error as Error).message), ["full"]);
  await checkpoints.shutdown();
  checkpoints.start();
  assertEquals(clock.pending(), 0);
});
