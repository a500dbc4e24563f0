import { assertEquals } from "@std/assert";
import {
  type BrokerRegistration,
  decideBootstrap,
  decideElections,
  decideRegistration,
} from "../../src/controller/registration.ts";
import { METADATA_VERSION } from "../../src/metadata/features.ts";
import { test } from "../harness.ts";
import { broker, CHAT, EVENTS, partition, partitionWith, topic } from "../metadata/fixture.ts";
import { imageOf } from "./fixture.ts";

const REGISTRATION: BrokerRegistration = {
  nodeId: 1,
  incarnationId: EVENTS,
  endpoints: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
  rack: null,
  logDirs: [CHAT],
};

test("decideBootstrap() begins a new log with its metadata version", () => {
  const records = decideBootstrap(imageOf());
  assertEquals(records, [{
    name: "FeatureLevelRecord",
    value: { name: "metadata.version", featureLevel: METADATA_VERSION },
  }]);
  assertEquals(decideBootstrap(imageOf(...records)), []);
});

test("decideRegistration() returns a record only if the registration changed", () => {
  const first = decideRegistration(REGISTRATION, imageOf(), 7);
  assertEquals(first.map((it) => it.name === "RegisterBrokerRecord" && it.value.brokerEpoch), [7]);
  const image = imageOf(...first);
  const again = (registration: Partial<BrokerRegistration>) =>
    decideRegistration({ ...REGISTRATION, ...registration }, image, 9).length;
  assertEquals(again({}), 0);
  assertEquals(again({ incarnationId: CHAT }), 0, "a restart alone is not a change");
  assertEquals(again({ rack: "r" }), 1);
  assertEquals(again({ logDirs: [EVENTS] }), 1);
  assertEquals(again({ endpoints: [{ ...REGISTRATION.endpoints[0]!, port: 1 }] }), 1);
  assertEquals(again({ nodeId: 2 }), 1);
  assertEquals(decideRegistration(REGISTRATION, imageOf(broker(1, { fenced: true })), 9).length, 1);
});

test("decideRegistration() writes only what the metadata.version of the cluster has", () => {
  for (const [featureLevel, version] of [[30, 3], [32, 4]]) {
    const value = { name: "metadata.version", featureLevel: featureLevel! };
    const image = imageOf({ name: "FeatureLevelRecord", value });
    const records = decideRegistration(REGISTRATION, image, 7);
    assertEquals(records.map((record) => record.version), [version]);
  }
});

test("decideElections() elects an in-sync broker for partitions without a leader", () => {
  const image = imageOf(
    topic("events", EVENTS),
    partition(EVENTS, 0),
    partition(EVENTS, 1, -1),
  );
  assertEquals(decideElections(1, image), [{
    name: "PartitionChangeRecord",
    value: { partitionId: 1, topicId: EVENTS, leader: 1 },
  }]);
  assertEquals(decideElections(2, image), []);
});

test("decideElections() elects an eligible broker if the ISR is empty", () => {
  const left = (isr: number[], eligibleLeaderReplicas: number[]) =>
    imageOf(topic("events", EVENTS), partitionWith(EVENTS, 0, { replicas: [1, 2] }), {
      name: "PartitionChangeRecord",
      value: {
        partitionId: 0,
        topicId: EVENTS,
        leader: -1,
        isr,
        eligibleLeaderReplicas,
        lastKnownElr: eligibleLeaderReplicas,
      },
    });
  const image = left([], [2, 1]);
  const records = decideElections(1, image);
  assertEquals(records, [{
    name: "PartitionChangeRecord",
    value: {
      partitionId: 0,
      topicId: EVENTS,
      leader: 1,
      isr: [1],
      eligibleLeaderReplicas: [2],
      lastKnownElr: [],
    },
  }]);
  assertEquals(decideElections(3, image), [], "it may lack committed records");
  assertEquals(decideElections(1, left([2], [1])), [], "another broker is in sync");
});
