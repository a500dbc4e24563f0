/**
 * Bugs planted in the way of requests from a broker to the active controller.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

const CHANNEL = "src/broker/controller_channel.ts";
const REMOTE = "src/broker/remote_controller.ts";
const CHANNEL_TEST = "tests/broker/controller_channel_test.ts";
const FORWARDING_TEST = "tests/broker/forwarding_test.ts";
const ENVELOPE = "src/controller/handlers/envelope.ts";
const ENVELOPE_TEST = "tests/controller/handlers/envelope_test.ts";

/** By the letter F, from 1 on. */
export const FORWARDING_MUTANTS: readonly Mutant[] = [
  {
    id: "F1",
    file: CHANNEL,
    bug: "a request that the controller rejects with a timeout is repeated",
    text:
      "    if (!(error instanceof KafkaError) || error.code !== ErrorCode.NOT_CONTROLLER) throw error;",
    replacement: "    if (!(error instanceof KafkaError) || !error.retriable) throw error;",
    test: CHANNEL_TEST,
  },
  {
    id: "F2",
    file: REMOTE,
    bug: "a request stays with a node that is no longer active",
    text: "!(active !== null && isAt(this.#connection, active))",
    replacement: "active === null",
    test: CHANNEL_TEST,
  },
  {
    id: "F3",
    file: CHANNEL,
    bug: "a known controller does not wake the requests that wait for one",
    text: "      this.#wakeAll();\n      this.#watch();",
    replacement: "      this.#watch();",
    test: CHANNEL_TEST,
  },
  {
    id: "F4",
    file: REMOTE,
    bug: "a client's connection stays open although its request cannot be decoded",
    text: "  if (errorCode === ErrorCode.UNSUPPORTED_VERSION) {",
    replacement: "  if (errorCode === ErrorCode.INVALID_REQUEST) {",
    test: CHANNEL_TEST,
  },
  {
    id: "F5",
    file: REMOTE,
    bug: "an unknown high watermark is waited for",
    text: "errorCode === ErrorCode.NONE && highWatermark >= 0",
    replacement: "errorCode === ErrorCode.NONE",
    test: CHANNEL_TEST,
  },
  {
    id: "F6",
    file: "src/broker/forwarding.ts",
    bug: "a request is answered before the broker's image has its change",
    text: "Promise.race([channel.committedOffset().then(waitFor), late])",
    replacement: "Promise.race([channel.committedOffset(), late])",
    test: FORWARDING_TEST,
  },
  {
    id: "F7",
    file: "src/broker/forwarding.ts",
    bug: "a request overtakes a change that its connection has asked for before",
    text: "      context.retain();\n",
    replacement: "",
    test: FORWARDING_TEST,
  },
  {
    id: "F8",
    file: ENVELOPE,
    bug: "requests between nodes are accepted from clients",
    text: "    if (!isForwardable(apiKey)) {",
    replacement: "    if (apiKey < 0) {",
    test: ENVELOPE_TEST,
  },
  {
    id: "F9",
    file: ENVELOPE,
    bug: "a broker does not learn that the controller is not active",
    text: " || error.code === ErrorCode.NOT_CONTROLLER) throw error;",
    replacement: ") throw error;",
    test: ENVELOPE_TEST,
  },
  {
    id: "F10",
    file: "src/controller/requests/local_controller.ts",
    bug: "a handler of the controller is loaded for each request",
    text: "      byKey.set(entry.api.key, handler);\n",
    replacement: "",
    test: "tests/controller/requests/decided_on_demand_test.ts",
  },
  {
    id: "F11",
    file: "src/node/parts/parts_on_demand.ts",
    bug: "the process of a lone node loads the parts of a cluster",
    text: 'import type { NodeParts } from "./node_parts.ts";',
    replacement: 'import "./cluster_parts.ts";\nimport type { NodeParts } from "./node_parts.ts";',
    test: "tests/node/parts/parts_on_demand_test.ts",
  },
  {
    id: "F12",
    file: "src/broker/repeated_change.ts",
    bug: "a repeated creation acknowledges a topic that existed before",
    text: "topics.filter(({ name }) => needs.image().topicByName(name) === undefined)",
    replacement: "topics",
    test: "tests/broker/repeated_change_test.ts",
  },
];
