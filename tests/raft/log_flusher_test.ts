import { assertEquals, assertRejects } from "@std/assert";
import { LogFlusher } from "../../src/raft/log_flusher.ts";
import { TestClock } from "../groups/test_clock.ts";
import { test } from "../harness.ts";
import { settled } from "./replica_fixture.ts";

/** A log whose flushes the test ends. */
function newLog() {
  const flushes: PromiseWithResolvers<number>[] = [];
  const log = {
    durableOffset: 0,
    flush() {
      const flush = Promise.withResolvers<number>();
      flushes.push(flush);
      return flush.promise;
    },
  };
  return { log, flushes };
}

function newFlusher(isStopped = () => false) {
  const { log, flushes } = newLog();
  const durable: number[] = [];
  const clock = new TestClock();
  const onDurable = (offset: number) => void durable.push(offset);
  return { flusher: new LogFlusher({ log, clock, isStopped, onDurable }), log, flushes, durable };
}

test("request() flushes at once during a start", async () => {
  const { flusher, log, flushes, durable } = newFlusher();
  for (const offset of [1, 2, 3]) {
    const request = flusher.request();
    assertEquals(flushes.length, 1);
    log.durableOffset = offset;
    flushes.shift()!.resolve(offset);
    await request;
  }
  assertEquals(durable, [1, 2, 3]);
});

test("request() flushes once for all appends before the flush, and again for those during it", async () => {
  const { flusher, log, flushes, durable } = newFlusher();
  for (let i = 0; i < 3; i++) {
    const request = flusher.request();
    flushes.shift()!.resolve(0);
    await request;
  }
  durable.splice(0);
  const requests = [flusher.request(), flusher.request()];
  assertEquals(flushes.length, 0);
  await settled();
  assertEquals(flushes.length, 1);
  requests.push(flusher.request());
  log.durableOffset = 5;
  flushes[0]!.resolve(5);
  await settled();
  assertEquals([flushes.length, durable], [2, [5]]);
  log.durableOffset = 6;
  flushes[1]!.resolve(6);
  await Promise.all(requests);
  assertEquals([flushes.length, durable], [2, [5, 6]]);
  const next = flusher.request();
  await settled();
  flushes[2]!.resolve(6);
  await next;
});

test("request() rejects when the flush fails", async () => {
  const { flusher, flushes, durable } = newFlusher();
  const request = flusher.request();
  await settled();
  flushes[0]!.reject(new Error("broken"));
  await assertRejects(() => request, Error, "broken");
  assertEquals(durable, []);
});

test("a replica that has stopped is flushed and reported no more", async () => {
  let isStopped = false;
  const { flusher, flushes, durable } = newFlusher(() => isStopped);
  const request = flusher.request();
  await settled();
  flusher.request();
  isStopped = true;
  flushes[0]!.resolve(1);
  await request;
  await flusher.request();
  assertEquals([flushes.length, durable], [1, []]);
});
