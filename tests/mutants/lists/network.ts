/**
 * Bugs planted in the loading of handlers on demand.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

const DISPATCH = "src/network/server/dispatch.ts";
const ON_DEMAND_TEST = "tests/network/server/on_demand_test.ts";

/** By the letter W, from 1 on. */
export const NETWORK_MUTANTS: readonly Mutant[] = [
  {
    id: "W1",
    file: DISPATCH,
    bug: "the answer of a handler that was loaded waits behind a request that has none",
    text: "() => slot, onFatal);",
    replacement: "openSlot, onFatal);",
    test: ON_DEMAND_TEST,
  },
  {
    id: "W2",
    file: DISPATCH,
    bug: "later requests of a connection do not wait for a handler that is being loaded",
    text: "})\n      .catch(onFatal);",
    replacement: "})\n      .catch(onFatal) && null;",
    test: ON_DEMAND_TEST,
  },
  {
    id: "W3",
    file: DISPATCH,
    bug: "handlers on demand have no interceptors",
    text: "this.#add(await onDemand.load(this.#services));",
    replacement: "this.#handlers[key] = await onDemand.load(this.#services);",
    test: ON_DEMAND_TEST,
  },
  {
    id: "W4",
    file: DISPATCH,
    bug: "a connection whose request finds no handler stays open without an answer",
    text: "throw new CloseConnection(`${name} cannot be answered`);",
    replacement: "return new Promise<never>(() => {});",
    test: ON_DEMAND_TEST,
  },
  {
    id: "W5",
    file: "src/broker/supported_on_demand.ts",
    bug: "a request on demand is said to have other versions than its handler",
    text: '"DescribeGroups",\n    "0-6"',
    replacement: '"DescribeGroups",\n    "0-5"',
    test: "tests/broker/supported_on_demand_test.ts",
  },
  {
    id: "W6",
    file: "src/broker/groups/groups_on_demand.ts",
    bug: "two requests that load the group coordinator at the same time make two of them",
    text: "if (this.#coordinator === null) this.#make(parts);",
    replacement: "this.#make(parts);",
    test: "tests/broker/groups/groups_on_demand_test.ts",
  },
  {
    id: "W7",
    file: "src/broker/groups/groups_on_demand.ts",
    bug: "a group coordinator that is loaded during the shutdown serves, and its timers stay",
    text: "    if (this.#isStopped) this.#coordinator.shutdown();\n",
    replacement: "",
    test: "tests/broker/groups/groups_on_demand_test.ts",
  },
];
