import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { PartitionInvariants } from "./partition_invariants.ts";

/** A partition whose state a test changes, and the failures that the invariants find. */
function watched(): {
  readonly partition: { name: string; highWatermark: number; log: Record<string, number> };
  readonly invariants: PartitionInvariants;
  readonly failuresAfter: (change: () => void) => string[];
} {
  const partition = {
    name: "events-0",
    highWatermark: 5,
    log: { logEndOffset: 8, recoveryPoint: 3 },
  };
  const failures: string[] = [];
  let check: () => void = () => {};
  const invariants = new PartitionInvariants({
    simulation: {
      afterEvent(given) {
        check = given;
        return () => check = () => {};
      },
    },
    fail: (text) => void failures.push(text),
  }, [{ partitions: [] }, { partitions: [partition] }]);
  check();
  return {
    partition,
    invariants,
    failuresAfter(change) {
      change();
      check();
      // The first failure is the last.
      check();
      return failures;
    },
  };
}

test("PartitionInvariants accept a partition that grows", () => {
  const { partition, invariants, failuresAfter } = watched();
  invariants.acknowledge("events", 0, 4);
  invariants.acknowledge("events", 1, 400);
  const change = (): void => {
    partition.highWatermark = 8;
    partition.log.recoveryPoint = 8;
  };
  assertEquals(failuresAfter(change), []);
});

test("PartitionInvariants find a high watermark that goes back", () => {
  const { partition, failuresAfter } = watched();
  assertEquals(failuresAfter(() => partition.highWatermark = 4), [
    "the high watermark of events-0 has gone back from 5 to 4",
  ]);
});

test("PartitionInvariants find a high watermark above the end of the log", () => {
  const { partition, failuresAfter } = watched();
  assertEquals(failuresAfter(() => partition.highWatermark = 9), [
    "the high watermark of events-0 is 9, its log ends at 8",
  ]);
});

test("PartitionInvariants find a recovery point above the end of the log", () => {
  const { partition, failuresAfter } = watched();
  assertEquals(failuresAfter(() => partition.log.recoveryPoint = 9), [
    "the recovery point of events-0 is 9, its log ends at 8",
  ]);
});

test("PartitionInvariants find a record that is acknowledged above the high watermark", () => {
  const { invariants, failuresAfter } = watched();
  assertEquals(failuresAfter(() => invariants.acknowledge("events", 0, 5)), [
    "events-0 was acknowledged up to 6, its high watermark is 5",
  ]);
});

test("PartitionInvariants forget what a power failure has taken", () => {
  const { invariants, failuresAfter } = watched();
  const change = (): void => {
    invariants.acknowledge("events", 0, 5);
    invariants.forgetAcknowledged();
  };
  assertEquals(failuresAfter(change), []);
});
