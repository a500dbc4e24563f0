import { assertEquals } from "@std/assert";
import { brokerHeartbeatHandler } from "../../../src/controller/handlers/broker_heartbeat.ts";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { brokerHeartbeat } from "../../../src/protocol/messages/broker_heartbeat.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import { EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { directory, registered } from "../fixture.ts";
import { asking, assertNotController, HOSTILE_IDS, withActive } from "./fixture.ts";

type Request = RequestInputOf<typeof brokerHeartbeat>;

const REQUEST: Request = {
  brokerId: 2,
  brokerEpoch: 20,
  currentMetadataOffset: 1_000,
  wantFence: false,
  wantShutDown: false,
};
const FENCED = registered(2, { fenced: true });

test("BrokerHeartbeat unfences a broker that has the metadata, in every version", async () => {
  for (const version of versionsOf(brokerHeartbeat)) {
    await withActive([registered(1), FENCED], async (quorum) => {
      const ask = asking(quorum, brokerHeartbeatHandler, brokerHeartbeat);
      const behind = await ask(version, { ...REQUEST, currentMetadataOffset: 19 });
      assertEquals(behind, {
        throttleTimeMs: 0,
        errorCode: 0,
        isCaughtUp: false,
        isFenced: true,
        shouldShutDown: false,
      });
      const { isCaughtUp, isFenced } = await ask(version, REQUEST);
      assertEquals([isCaughtUp, isFenced], [true, false]);
      assertEquals(quorum.loader.image.broker(2)!.fenced, false);
      const { isFenced: isFencedAgain } = await ask(version, { ...REQUEST, wantFence: true });
      assertEquals([isFencedAgain, quorum.loader.image.broker(2)!.fenced], [true, true]);
    });
  }
});

test("BrokerHeartbeat lets a broker shut down that leads nothing", async () => {
  for (const version of versionsOf(brokerHeartbeat)) {
    await withActive([registered(1), registered(2)], async (quorum) => {
      const ask = asking(quorum, brokerHeartbeatHandler, brokerHeartbeat);
      const { shouldShutDown, isFenced } = await ask(version, { ...REQUEST, wantShutDown: true });
      assertEquals([shouldShutDown, isFenced], [true, true]);
    });
  }
});

test("BrokerHeartbeat moves leaders away from failed directories, from version 1 on", async () => {
  const dirs = [directory(2), directory(2, 1)];
  const partition = partitionWith(EVENTS, 0, {
    replicas: [2, 1],
    isr: [2, 1],
    leader: 2,
    directories: [directory(2), directory(1)],
  });
  for (const version of [1, 2]) {
    const records = [
      registered(1),
      registered(2, { logDirs: dirs }),
      topic("e", EVENTS),
      partition,
    ];
    await withActive(records, async (quorum) => {
      const ask = asking(quorum, brokerHeartbeatHandler, brokerHeartbeat);
      const { errorCode } = await ask(version, { ...REQUEST, offlineLogDirs: [directory(2)] });
      assertEquals(errorName(errorCode), "NONE");
      const { image } = quorum.loader;
      assertEquals(image.topicById(EVENTS)!.partitions[0]!.leader, 1);
      assertEquals(image.broker(2)!.logDirs, [directory(2, 1)]);
    });
  }
});

test("BrokerHeartbeat rejects brokers that are not registered, and other epochs", () =>
  withActive([registered(2)], async (quorum) => {
    const ask = asking(quorum, brokerHeartbeatHandler, brokerHeartbeat);
    const before = quorum.records().length;
    for (const version of versionsOf(brokerHeartbeat)) {
      for (const brokerId of HOSTILE_IDS) {
        const answer = await ask(version, { ...REQUEST, brokerId });
        assertEquals(errorName(answer.errorCode), "BROKER_ID_NOT_REGISTERED");
        assertEquals([answer.isCaughtUp, answer.isFenced, answer.shouldShutDown], [
          false,
          true,
          false,
        ]);
      }
      for (const brokerEpoch of [-1, 0, 19, 21, Number.MAX_SAFE_INTEGER]) {
        const { errorCode } = await ask(version, { ...REQUEST, brokerEpoch, wantFence: true });
        assertEquals([brokerEpoch, errorName(errorCode)], [brokerEpoch, "STALE_BROKER_EPOCH"]);
      }
    }
    assertEquals(quorum.records().length, before);
  }));

test("BrokerHeartbeat answers any metadata offset", () =>
  withActive([FENCED], async (quorum) => {
    const ask = asking(quorum, brokerHeartbeatHandler, brokerHeartbeat);
    for (const [currentMetadataOffset, expected] of [[-1, false], [-(2 ** 53) + 1, false]]) {
      const { isCaughtUp } = await ask(2, {
        ...REQUEST,
        currentMetadataOffset: Number(currentMetadataOffset),
      });
      assertEquals([currentMetadataOffset, isCaughtUp], [currentMetadataOffset, expected]);
    }
    const { isCaughtUp } = await ask(2, {
      ...REQUEST,
      currentMetadataOffset: Number.MAX_SAFE_INTEGER,
    });
    assertEquals(isCaughtUp, true);
  }));

test("BrokerHeartbeat answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(brokerHeartbeatHandler, brokerHeartbeat, REQUEST));
