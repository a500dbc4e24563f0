import { assertEquals } from "@std/assert";
import { brokerRegistrationHandler } from "../../../src/controller/handlers/broker_registration.ts";
import { SUPPORTED_FEATURES } from "../../../src/metadata/features.ts";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { brokerRegistration } from "../../../src/protocol/messages/broker_registration.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { directory, registered, uuidOf } from "../fixture.ts";
import { asking, assertNotController, CLUSTER_ID, HOSTILE_IDS, withActive } from "./fixture.ts";

type Request = RequestInputOf<typeof brokerRegistration>;

const LISTENER = { name: "PLAINTEXT", host: "h2", port: 9092, securityProtocol: 0 };
const REQUEST: Request = {
  brokerId: 2,
  clusterId: CLUSTER_ID,
  incarnationId: uuidOf(500),
  listeners: [LISTENER],
  features: Array.from(SUPPORTED_FEATURES, ([name, { min, max }]) => ({
    name,
    minSupportedVersion: min,
    maxSupportedVersion: max,
  })),
  rack: "b",
  logDirs: [directory(2)],
};

test("BrokerRegistration registers a broker and returns its epoch, in every version with directories", async () => {
  for (const version of [2, 3, 4]) {
    await withActive([registered(1)], async (quorum) => {
      const ask = asking(quorum, brokerRegistrationHandler, brokerRegistration);
      const { errorCode, brokerEpoch, throttleTimeMs } = await ask(version, REQUEST);
      assertEquals([errorName(errorCode), throttleTimeMs], ["NONE", 0]);
      const broker = quorum.loader.image.broker(2)!;
      assertEquals(brokerEpoch, broker.epoch);
      assertEquals([broker.fenced, broker.rack, broker.logDirs], [true, "b", [directory(2)]]);
      assertEquals(broker.endpoints, [LISTENER]);
      // The answer to the same request again is the same.
      assertEquals((await ask(version, REQUEST)).brokerEpoch, brokerEpoch);
    });
  }
});

test("BrokerRegistration keeps a broker that was shut down cleanly eligible, from version 3 on", async () => {
  const partition = partitionWith(EVENTS, 0, {
    replicas: [1, 2],
    isr: [1],
    leader: 1,
    directories: [directory(1), directory(2)],
    eligibleLeaderReplicas: [2],
  });
  const cases = [[2, {}, []], [3, {}, []], [3, { previousBrokerEpoch: 20 }, [2]], [
    4,
    { previousBrokerEpoch: 19 },
    [],
  ]] as const;
  for (const [version, change, expected] of cases) {
    const records = [registered(1), registered(2), topic("events", EVENTS), partition];
    await withActive(records, async (quorum) => {
      const ask = asking(quorum, brokerRegistrationHandler, brokerRegistration);
      const { errorCode } = await ask(version, { ...REQUEST, ...change });
      assertEquals(errorName(errorCode), "NONE");
      const { eligibleLeaderReplicas } = quorum.loader.image.topicById(EVENTS)!.partitions[0]!;
      assertEquals([version, change, eligibleLeaderReplicas], [version, change, expected]);
    });
  }
});

test("BrokerRegistration rejects brokers of versions without directories", () =>
  withActive([], async (quorum) => {
    const { logDirs: _, ...request } = REQUEST;
    for (const version of [0, 1]) {
      const ask = asking(quorum, brokerRegistrationHandler, brokerRegistration);
      const { errorCode, brokerEpoch } = await ask(version, request);
      assertEquals([errorName(errorCode), brokerEpoch], ["INVALID_REGISTRATION", -1]);
    }
  }));

test("BrokerRegistration rejects brokers that cannot join, without a record", () =>
  withActive([registered(1)], async (quorum) => {
    const feature = { name: "metadata.version", minSupportedVersion: 1, maxSupportedVersion: 7 };
    const cases: [string, Partial<Request>, string][] = [
      ["another cluster", { clusterId: "other" }, "INCONSISTENT_CLUSTER_ID"],
      ["no cluster", { clusterId: "" }, "INCONSISTENT_CLUSTER_ID"],
      ["an id in use", { brokerId: 1 }, "DUPLICATE_BROKER_REGISTRATION"],
      ["ZooKeeper", { isMigratingZkBroker: true }, "BROKER_ID_NOT_REGISTERED"],
      ["no listener", { listeners: [] }, "INVALID_REGISTRATION"],
      ["one listener twice", { listeners: [LISTENER, LISTENER] }, "INVALID_REGISTRATION"],
      ["no host", { listeners: [{ ...LISTENER, host: "" }] }, "INVALID_REGISTRATION"],
      ["no port", { listeners: [{ ...LISTENER, port: 0 }] }, "INVALID_REGISTRATION"],
      ["protocol", { listeners: [{ ...LISTENER, securityProtocol: 9 }] }, "INVALID_REGISTRATION"],
      ["no directory", { logDirs: [] }, "INVALID_REGISTRATION"],
      ["a reserved directory", { logDirs: [ZERO_UUID] }, "INVALID_REGISTRATION"],
      ["one directory twice", { logDirs: [directory(2), directory(2)] }, "INVALID_REGISTRATION"],
      ["a directory of another", { logDirs: [directory(1)] }, "INVALID_REGISTRATION"],
      ["no features", { features: [] }, "INVALID_REGISTRATION"],
      ["old features", { features: [feature] }, "UNSUPPORTED_VERSION"],
    ];
    const before = quorum.records().length;
    for (const [what, change, expected] of cases) {
      const ask = asking(quorum, brokerRegistrationHandler, brokerRegistration);
      const { errorCode, brokerEpoch } = await ask(4, { ...REQUEST, ...change });
      assertEquals([what, errorName(errorCode), brokerEpoch], [what, expected, -1]);
    }
    assertEquals(quorum.records().length, before);
  }));

test("BrokerRegistration answers any id and any epoch before the start", () =>
  withActive([], async (quorum) => {
    const ask = asking(quorum, brokerRegistrationHandler, brokerRegistration);
    for (const [index, brokerId] of HOSTILE_IDS.entries()) {
      const { errorCode } = await ask(4, {
        ...REQUEST,
        brokerId,
        logDirs: [directory(50 + index)],
        previousBrokerEpoch: Number.MAX_SAFE_INTEGER,
      });
      const expected = brokerId < 0 ? "INVALID_REGISTRATION" : "NONE";
      assertEquals([brokerId, errorName(errorCode)], [brokerId, expected]);
    }
  }));

test("BrokerRegistration answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(brokerRegistrationHandler, brokerRegistration, {
    ...REQUEST,
    logDirs: [],
  }));
