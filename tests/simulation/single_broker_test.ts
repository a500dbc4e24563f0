import { readFileSync } from "node:fs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { test } from "../harness.ts";
import { runSingleBroker } from "./single_broker.ts";
import { RECORDED_SEED, TRACE_HASH_FILE } from "./trace_hash.ts";

const SEEDS = 25;
test("whatever a broker acknowledged survives kill -9, over seeds", async () => {
  let kills = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await runSingleBroker(seed);
    assertEquals(
      outcome.failures,
      [],
      `seed ${seed} fails: deno task sim --seed ${seed} repeats it`,
    );
    assertEquals(outcome.acknowledged, 3 * 24);
    kills += outcome.kills;
  }
  assert(kills > SEEDS, `only ${kills} kills`);
});

test("a run is the same whenever its seed is, on every runtime", async () => {
  const { traceHash } = await runSingleBroker(RECORDED_SEED);
  assertEquals((await runSingleBroker(RECORDED_SEED)).traceHash, traceHash);
  assertNotEquals((await runSingleBroker(RECORDED_SEED + 1)).traceHash, traceHash);
  const recorded = readFileSync(TRACE_HASH_FILE, "utf8").trim();
  assertEquals(
    traceHash,
    recorded,
    "what happens has changed; if that was meant, deno task sim --record writes it down",
  );
});
