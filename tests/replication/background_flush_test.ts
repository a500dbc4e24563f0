import { assertEquals } from "@std/assert";
import { BackgroundFlush } from "../../src/replication/background_flush.ts";
import { manualClock } from "../broker/manual_clock.ts";
import { test } from "../harness.ts";

function setUp(minIntervalMs = 0) {
  const clock = manualClock();
  const flushed: string[] = [];
  const background = new BackgroundFlush<string>(
    clock,
    (log) => void flushed.push(`${log}@${clock.now()}`),
    () => minIntervalMs,
  );
  return { clock, flushed, background };
}

test("schedule() flushes a log when its oldest unflushed record is flush.ms old", () => {
  const { clock, flushed, background } = setUp();
  background.schedule("a", 100);
  clock.advance(60);
  background.schedule("a", 100);
  clock.advance(39);
  assertEquals(flushed, []);
  clock.advance(1);
  assertEquals([flushed, background.size, clock.pending()], [["a@100"], 0, 0]);
  clock.advance(1_000);
  assertEquals(flushed, ["a@100"]);
});

test("logs with different flush.ms are flushed on time by one timer", () => {
  const { clock, flushed, background } = setUp();
  background.schedule("slow", 300);
  background.schedule("fast", 100);
  background.schedule("middle", 200);
  assertEquals(clock.pending(), 1);
  for (let i = 0; i < 4; i++) clock.advance(100);
  assertEquals(flushed, ["fast@100", "middle@200", "slow@300"]);
});

test("schedule() moves a flush to an earlier time and never to a later one", () => {
  const { clock, flushed, background } = setUp();
  background.schedule("a", 500);
  background.schedule("a", 50);
  background.schedule("a", 800);
  clock.advance(50);
  assertEquals(flushed, ["a@50"]);
});

test("checks are at least log.flush.scheduler.interval.ms apart", () => {
  const { clock, flushed, background } = setUp(1_000);
  background.schedule("a", 10);
  clock.advance(10);
  background.schedule("b", 10);
  background.schedule("c", 500);
  clock.advance(990);
  assertEquals(flushed, ["a@10"]);
  clock.advance(10);
  assertEquals(flushed, ["a@10", "b@1010", "c@1010"]);
});

test("a flush.ms beyond the longest timer takes several timers", () => {
  const { clock, flushed, background } = setUp();
  background.schedule("a", 3_000_000_000);
  clock.advance(2_147_483_647);
  assertEquals([flushed, clock.pending()], [[], 1]);
  clock.advance(852_516_353);
  assertEquals(flushed, ["a@3000000000"]);
});

test("stop() cancels all flushes and later ones", () => {
  const { clock, flushed, background } = setUp();
  background.schedule("a", 10);
  background.stop();
  background.schedule("b", 10);
  assertEquals([clock.pending(), background.size], [0, 0]);
  clock.advance(100);
  assertEquals(flushed, []);
});
