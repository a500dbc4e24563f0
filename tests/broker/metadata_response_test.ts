import { assertEquals } from "@std/assert";
import {
  type BrokersNeeds,
  brokersOf,
  forwardingBroker,
} from "../../src/broker/metadata_response.ts";
import type { BrokerImage } from "../../src/metadata/image.ts";
import { test } from "../harness.ts";
import { CONNECTION } from "../network/server/ask_handler.ts";

const OTHER: BrokerImage = {
  id: 2,
  epoch: 1,
  incarnationId: "aaaaaaaaaaaaaaaaaaaaaA",
  endpoints: [
    { name: "INTERNAL", host: "10.0.0.2", port: 9092, securityProtocol: 0 },
    { name: "EXTERNAL", host: "two.example", port: 9093, securityProtocol: 0 },
  ],
  features: new Map(),
  rack: null,
  fenced: false,
  inControlledShutdown: false,
  isMigratingZkBroker: false,
  logDirs: [],
  cordonedLogDirs: null,
};

/** Returns the addresses of broker 1, which answers, and broker 2 for a client of `listener`. */
function addresses(listener: string, other = OTHER): string[] {
  const own = { ...OTHER, id: 1, endpoints: [] };
  const services: BrokersNeeds = {
    nodeId: 1,
    image: () => ({ brokers: () => [own, other].values() }),
    advertisedAddress: () => ({ host: "asked.example", port: 1 }),
  };
  return brokersOf(services, { ...CONNECTION, listener }).map(({ host, port }) =>
    `${host}:${port}`
  );
}

test("brokersOf() returns the addresses of other brokers on the client's own listener", () => {
  assertEquals(addresses("EXTERNAL"), ["asked.example:1", "two.example:9093"]);
  assertEquals(addresses("INTERNAL"), ["asked.example:1", "10.0.0.2:9092"]);
});

test("brokersOf() leaves out brokers without the client's listener", () => {
  assertEquals(addresses("OTHER"), ["asked.example:1"]);
  assertEquals(addresses("EXTERNAL", { ...OTHER, endpoints: [] }), ["asked.example:1"]);
});

test("brokersOf() leaves fenced brokers out", () => {
  assertEquals(addresses("EXTERNAL", { ...OTHER, fenced: true }), ["asked.example:1"]);
});

test("forwardingBroker() prefers this node, then any broker in service, then none", () => {
  const of = (fenced: readonly number[], ids = [3, 1, 2]) =>
    forwardingBroker(ids.map((id) => ({ id, isFenced: fenced.includes(id) })), 1);
  assertEquals(of([]), 1);
  assertEquals(of([1]), 3);
  assertEquals(of([1, 3]), 2);
  assertEquals(of([1, 2, 3]), -1);
  assertEquals(of([], [2, 3]), 2);
  assertEquals(of([], []), -1);
});
