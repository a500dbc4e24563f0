import { assertEquals } from "@std/assert";
import { SUPPORTED } from "../../../src/broker/supported.ts";
import { isForwardable } from "../../../src/controller/requests/forwardable.ts";
import {
  CONTROLLER_LISTENER,
  DECIDED_BY_CONTROLLER,
} from "../../../src/controller/requests/supported.ts";
import type { Handler } from "../../../src/network/server/handler.ts";
import { test } from "../../harness.ts";

function lines(handlers: readonly Handler<never>[]): string[] {
  return handlers.map(({ api }) => `${api.key} ${api.name} ${api.minVersion}-${api.maxVersion}`);
}

test("CONTROLLER_LISTENER lists the requests on a controller's listener, by key", () => {
  assertEquals(lines(CONTROLLER_LISTENER), [
    "1 Fetch 4-18",
    "18 ApiVersions 0-5",
    "19 CreateTopics 2-7",
    "20 DeleteTopics 1-6",
    "32 DescribeConfigs 1-4",
    "33 AlterConfigs 0-2",
    "37 CreatePartitions 0-3",
    "43 ElectLeaders 0-2",
    "44 IncrementalAlterConfigs 0-1",
    "52 Vote 0-2",
    "53 BeginQuorumEpoch 0-1",
    "54 EndQuorumEpoch 0-1",
    "55 DescribeQuorum 0-2",
    "57 UpdateFeatures 0-2",
    "58 Envelope 0-0",
    "59 FetchSnapshot 0-1",
    "60 DescribeCluster 0-2",
    "62 BrokerRegistration 0-4",
    "63 BrokerHeartbeat 0-2",
    "64 UnregisterBroker 0-0",
    "67 AllocateProducerIds 0-0",
    "70 ControllerRegistration 0-0",
    "73 AssignReplicasToDirs 0-0",
    "80 AddRaftVoter 0-1",
    "81 RemoveRaftVoter 0-0",
    "82 UpdateRaftVoter 0-0",
    "94 UnregisterController 0-0",
  ]);
});

test("CONTROLLER_LISTENER has every request that the active controller decides", () => {
  const listed = new Set<unknown>(CONTROLLER_LISTENER.map(({ api }) => api));
  assertEquals(DECIDED_BY_CONTROLLER.filter(({ api }) => !listed.has(api)), []);
});

test("an Envelope may contain exactly the requests of brokers that the active controller decides", () => {
  const onBrokers = new Set(SUPPORTED.map(({ api }) => api.key));
  const forwarded = DECIDED_BY_CONTROLLER.filter(({ api }) => onBrokers.has(api.key));
  const allowed = DECIDED_BY_CONTROLLER.filter(({ api }) => isForwardable(api.key));
  assertEquals(lines(allowed), lines(forwarded));
});
