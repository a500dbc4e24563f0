import { assertEquals } from "@std/assert";
import { ProducerIds } from "../../src/broker/producer_ids.ts";
import { test } from "../harness.ts";

test("next() returns ids of allocated blocks only, and none twice to concurrent callers", async () => {
  let blocks = 0;
  const ids = new ProducerIds(() => Promise.resolve({ first: 100 * blocks++, count: 2 }));
  const given = await Promise.all(Array.from({ length: 7 }, () => ids.next()));
  assertEquals(given.sort((a, b) => a - b), [0, 1, 100, 101, 200, 201, 300]);
  assertEquals([blocks, await ids.next()], [4, 301]);
});

test("next() requests a block again after a failure", async () => {
  let isRefused = true;
  const ids = new ProducerIds(() =>
    isRefused ? Promise.reject(new Error("no controller")) : Promise.resolve({ first: 5, count: 9 })
  );
  const refused = await Promise.allSettled([ids.next(), ids.next()]);
  assertEquals(refused.map(({ status }) => status), ["rejected", "rejected"]);
  isRefused = false;
  assertEquals(await ids.next(), 5);
});
