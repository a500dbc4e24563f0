import { assertEquals } from "@std/assert";
import { Purgatory } from "../../src/replication/purgatory.ts";
import { test } from "../harness.ts";
import { manualClock } from "../broker/manual_clock.ts";

function operation(log: string[], name: string, ready: () => boolean) {
  return {
    tryComplete() {
      if (!ready()) return false;
      log.push(`${name} completed`);
      return true;
    },
    expire: () => void log.push(`${name} expired`),
  };
}

test("Purgatory completes at once what can be", () => {
  const clock = manualClock();
  const purgatory = new Purgatory(clock);
  const log: string[] = [];
  purgatory.completeOrWatch(operation(log, "a", () => true), [{}], 100);
  assertEquals(log, ["a completed"]);
  assertEquals([purgatory.size, clock.pending()], [0, 0]);
});

test("Purgatory tries again when a key is touched and forgets what completed", () => {
  const clock = manualClock();
  const purgatory = new Purgatory(clock);
  const log: string[] = [];
  const [first, second] = [{}, {}];
  let ready = false;
  purgatory.completeOrWatch(operation(log, "a", () => ready), [first, second], 100);
  purgatory.touch(first);
  assertEquals(log, []);
  ready = true;
  purgatory.touch(second);
  purgatory.touch(first);
  assertEquals(log, ["a completed"]);
  assertEquals([purgatory.size, clock.pending()], [0, 0]);
});

test("Purgatory expires at the deadline, once", () => {
  const clock = manualClock();
  const purgatory = new Purgatory(clock);
  const log: string[] = [];
  const key = {};
  purgatory.completeOrWatch(operation(log, "a", () => false), [key], 100);
  clock.advance(99);
  assertEquals(log, []);
  clock.advance(1);
  purgatory.touch(key);
  purgatory.expireAll();
  assertEquals(log, ["a expired"]);
});

test("Purgatory with no time to wait expires at once", () => {
  const purgatory = new Purgatory(manualClock());
  const log: string[] = [];
  purgatory.completeOrWatch(operation(log, "a", () => false), [{}], 0);
  assertEquals(log, ["a expired"]);
});

test("Purgatory ends everything at shutdown", () => {
  const clock = manualClock();
  const purgatory = new Purgatory(clock);
  const log: string[] = [];
  purgatory.completeOrWatch(operation(log, "a", () => false), [{}], 100);
  purgatory.completeOrWatch(operation(log, "b", () => false), [{}], 100);
  purgatory.expireAll();
  assertEquals(log, ["a expired", "b expired"]);
  assertEquals([purgatory.size, clock.pending()], [0, 0]);
});

test("Purgatory watches no key of an operation that has ended", () => {
  const clock = manualClock();
  const purgatory = new Purgatory(clock);
  const log: string[] = [];
  const keys = [{}, {}, {}] as const;
  let ready = false;
  purgatory.completeOrWatch(operation(log, "a", () => ready), [keys[0], keys[1]], 100);
  purgatory.completeOrWatch(operation(log, "b", () => false), [keys[1], keys[2]], 200);
  assertEquals(purgatory.watchedKeys, 3);
  ready = true;
  purgatory.touch(keys[0]);
  assertEquals([log, purgatory.watchedKeys, clock.pending()], [["a completed"], 2, 1]);
  clock.advance(200);
  assertEquals([log[1], purgatory.watchedKeys, clock.pending()], ["b expired", 0, 0]);
});
