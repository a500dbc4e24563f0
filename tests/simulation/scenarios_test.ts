import { readFileSync } from "node:fs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { test } from "../harness.ts";
import { SCENARIOS } from "./scenarios.ts";
import { RECORDED_SEED, traceHashFile } from "./trace_hash.ts";

const SEEDS = 20;

/** What the seeds of a scenario must have seen together, so that they test what they are for. */
const MUST_HAPPEN: Readonly<Record<string, readonly string[]>> = {
  single_broker: ["acknowledged", "kills"],
  power_loss: ["acknowledged", "crashes", "records lost", "topics created"],
  clients: ["acknowledged", "read", "handed out", "kills", "client kills", "partitions"],
};

for (const [name, run] of Object.entries(SCENARIOS)) {
  test(`the scenario ${name} holds over ${SEEDS} seeds`, async () => {
    const counts: Record<string, number> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await run(seed);
      assertEquals(
        outcome.failures,
        [],
        `deno task sim --scenario ${name} --seed ${seed} repeats it`,
      );
      for (const [what, times] of Object.entries(outcome.counts)) {
        counts[what] = (counts[what] ?? 0) + times;
      }
    }
    for (const what of MUST_HAPPEN[name]!) {
      assert(
        (counts[what] ?? 0) >= SEEDS / 2,
        `${SEEDS} seeds have seen ${counts[what] ?? 0} ${what}`,
      );
    }
  });

  test(`a run of ${name} is the same whenever its seed is, on every runtime`, async () => {
    const { traceHash } = await run(RECORDED_SEED);
    assertEquals((await run(RECORDED_SEED)).traceHash, traceHash);
    assertNotEquals((await run(RECORDED_SEED + 1)).traceHash, traceHash);
    const recorded = readFileSync(traceHashFile(name), "utf8").trim();
    assertEquals(
      traceHash,
      recorded,
      "what happens has changed; if that was meant, deno task sim --record writes it down",
    );
  });
}
