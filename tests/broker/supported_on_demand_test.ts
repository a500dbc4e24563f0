import { assertEquals } from "@std/assert";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { SUPPORTED_ON_DEMAND } from "../../src/broker/supported_on_demand.ts";
import type { ApiSummary } from "../../src/protocol/api.ts";
import { test } from "../harness.ts";

/** Everything that a summary says, as data. */
function facts({ key, name, minVersion, maxVersion, isFlexible }: ApiSummary) {
  const flexible = Array.from({ length: maxVersion + 3 }, (_, i) => isFlexible(i - 1));
  return { key, name, minVersion, maxVersion, flexible };
}

test("SUPPORTED_ON_DEMAND is SUPPORTED, with the same versions", () => {
  assertEquals(
    SUPPORTED_ON_DEMAND.map(({ api }) => facts(api)),
    SUPPORTED.map(({ api }) => facts(api)),
  );
});

test("every handler on demand loads the handler of its request", async () => {
  for (const [i, entry] of SUPPORTED_ON_DEMAND.entries()) {
    const handler = "load" in entry ? await entry.load() : entry;
    assertEquals(handler === SUPPORTED[i], true, entry.api.name);
  }
});
