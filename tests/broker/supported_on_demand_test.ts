import { assertEquals } from "@std/assert";
import type { BrokerServices } from "../../src/broker/broker.ts";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { SUPPORTED_ON_DEMAND } from "../../src/broker/supported_on_demand.ts";
import type { ApiSummary } from "../../src/protocol/api.ts";
import { test } from "../harness.ts";
import { readText, snakeCase } from "../tidy.ts";

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
  const services = {
    groupsOnDemand: { load: () => Promise.resolve() },
  } as unknown as BrokerServices;
  for (const [i, entry] of SUPPORTED_ON_DEMAND.entries()) {
    const handler = "load" in entry ? await entry.load(services) : entry;
    assertEquals(handler === SUPPORTED[i], true, entry.api.name);
  }
});

test("exactly the handlers that use the group coordinator load it", async () => {
  for (const entry of SUPPORTED_ON_DEMAND) {
    let hasLoaded = false;
    const load = () => {
      hasLoaded = true;
      return Promise.resolve();
    };
    if ("load" in entry) {
      await entry.load({ groupsOnDemand: { load } } as unknown as BrokerServices);
    }
    const source = readText(`src/broker/handlers/${snakeCase(entry.api.name)}.ts`);
    assertEquals(source === "", false, entry.api.name);
    assertEquals(hasLoaded, source.includes("readonly groups:"), entry.api.name);
  }
});
