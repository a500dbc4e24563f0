import { assertEquals } from "@std/assert";
import {
  decideHeartbeat,
  type HeartbeatContext,
  type HeartbeatRequest,
} from "../../../src/controller/brokers/heartbeats.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { test } from "../../harness.ts";
import { EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { changes, directory, imageOf, refusal, registered, uuidOf } from "../fixture.ts";

const placed = (index: number, leader: number, isr: number[]) =>
  partitionWith(EVENTS, index, {
    replicas: [1, 2],
    isr,
    leader,
    directories: [directory(1), directory(2)],
  });

/** Broker 1 in the given state, broker 2 active, and one partition. */
const cluster = (
  state: Parameters<typeof registered>[1],
  leader: number,
  isr = [1, 2],
): MetadataRecordInput[] => [
  registered(1, state),
  registered(2),
  topic("events", EVENTS),
  placed(0, leader, isr),
];

/** Sends a heartbeat of broker 1. Returns the new state, the answer's flags and the records. */
function beat(
  records: MetadataRecordInput[],
  request: Partial<HeartbeatRequest> = {},
  context: Partial<HeartbeatContext> = {},
): string[] {
  const decision = decideHeartbeat(
    {
      brokerId: 1,
      brokerEpoch: 10,
      currentMetadataOffset: 10,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
      ...request,
    },
    { image: imageOf(...records), lowestActiveOffset: 0, ...context },
  );
  const { state, isCaughtUp, isFenced, shouldShutDown } = decision;
  const flags = { isCaughtUp, isFenced, shouldShutDown };
  const set = Object.entries(flags).filter(([, value]) => value).map(([name]) => name);
  return [[state, ...set].join(" "), ...changes(decision.records)];
}

const REGISTRATION = "BrokerRegistrationChangeRecord";

test("a broker is unfenced once it has applied its own registration, not the whole log", () => {
  const fenced = cluster({ fenced: true }, -1, [1]);
  assertEquals(beat(fenced, { currentMetadataOffset: 9 }), ["fenced isFenced"]);
  assertEquals(beat(fenced, { currentMetadataOffset: 10 }), [
    "unfenced isCaughtUp",
    REGISTRATION,
    "0: leader=1",
  ]);
  const later = { registrationOffset: 12 };
  assertEquals(beat(fenced, { currentMetadataOffset: 11 }, later), ["fenced isFenced"]);
});

test("a broker that wants to be fenced stays or becomes fenced", () => {
  const wantFence = { wantFence: true };
  assertEquals(beat(cluster({ fenced: true }, 2, [2]), wantFence), ["fenced isCaughtUp isFenced"]);
  assertEquals(beat(cluster({}, 1), wantFence), [
    "fenced isCaughtUp isFenced",
    "0: leader=2 isr=2",
    REGISTRATION,
  ]);
  assertEquals(
    beat(cluster({}, 1), { ...wantFence, wantShutDown: true })[0],
    "shut down isCaughtUp isFenced shouldShutDown",
  );
});

test("a broker in service that wants nothing changes nothing", () => {
  assertEquals(beat(cluster({}, 1)), ["unfenced isCaughtUp"]);
});

test("a controlled shutdown moves leaders, and ends when all active brokers know", () => {
  const wantShutDown = { wantShutDown: true };
  assertEquals(beat(cluster({}, 1), wantShutDown), [
    "controlled shutdown isCaughtUp",
    REGISTRATION,
    "0: leader=2 isr=2",
  ]);
  const begun = cluster({ inControlledShutdown: true }, 2, [2]);
  const state = (context: Partial<HeartbeatContext>) => beat(begun, wantShutDown, context);
  assertEquals(state({ lowestActiveOffset: 99 }), ["controlled shutdown isCaughtUp"]);
  assertEquals(state({ lowestActiveOffset: 19, shutdownOffset: 20 }), [
    "controlled shutdown isCaughtUp",
  ]);
  assertEquals(state({ lowestActiveOffset: 20, shutdownOffset: 20 }), [
    "shut down isCaughtUp isFenced shouldShutDown",
    REGISTRATION,
  ]);
  assertEquals(state({ lowestActiveOffset: Infinity, shutdownOffset: 20 })[1], REGISTRATION);
});

test("a controlled shutdown that another controller began is completed", () => {
  const begun = cluster({ inControlledShutdown: true }, 1);
  const context = { lowestActiveOffset: 99, shutdownOffset: 20 };
  assertEquals(beat(begun, { wantShutDown: true }, context), [
    "controlled shutdown isCaughtUp",
    "0: leader=2 isr=2",
  ]);
});

test("the only replica of a partition leaves it without a leader at its shutdown", () => {
  const alone = cluster({}, 1, [1]);
  assertEquals(beat(alone, { wantShutDown: true }), [
    "controlled shutdown isCaughtUp",
    REGISTRATION,
    "0: leader=-1",
  ]);
});

test("a broker that leads nothing or is fenced shuts down at once", () => {
  const down = "shut down isCaughtUp isFenced shouldShutDown";
  assertEquals(beat(cluster({}, 2), { wantShutDown: true }), [down, "0: isr=2", REGISTRATION]);
  assertEquals(beat(cluster({ fenced: true }, 2, [2]), { wantShutDown: true }), [down]);
});

test("a failed directory moves the leaders in it and leaves the registration", () => {
  const two = { logDirs: [directory(1), directory(1, 1)] };
  const offline = { offlineLogDirs: [directory(1)] };
  assertEquals(beat(cluster(two, 1), offline), [
    "unfenced isCaughtUp",
    "0: leader=2 isr=2",
    REGISTRATION,
  ]);
  assertEquals(beat(cluster(two, 1), { offlineLogDirs: [directory(1, 1)] }), [
    "unfenced isCaughtUp",
    REGISTRATION,
  ]);
  assertEquals(beat(cluster({ ...two, fenced: true }, -1, [1]), offline), [
    "fenced isCaughtUp isFenced",
    REGISTRATION,
  ]);
  assertEquals(beat(cluster({ logDirs: [directory(1, 1)] }, 1), offline), ["unfenced isCaughtUp"]);
});

test("a broker without any directory left is fenced, and stays so", () => {
  const offline = { offlineLogDirs: [directory(1)] };
  assertEquals(beat(cluster({}, 1), offline), [
    "fenced isCaughtUp isFenced",
    "0: leader=2 isr=2",
    REGISTRATION,
  ]);
  assertEquals(beat(cluster({ fenced: true }, 2, [2]), offline), ["fenced isCaughtUp isFenced"]);
});

test("heartbeats of unknown brokers and earlier registrations are rejected", () => {
  const error = (request: Partial<HeartbeatRequest>) =>
    refusal(() => beat(cluster({}, 1), request)).split(":")[0];
  assertEquals(error({ brokerId: 7 }), "BROKER_ID_NOT_REGISTERED");
  assertEquals(error({ brokerEpoch: 9 }), "STALE_BROKER_EPOCH");
});

test("many failed directories are not searched for one by one", () => {
  const registeredIds = Array.from({ length: 500 }, (_, index) => uuidOf(10_000 + index));
  const unknownIds = Array.from({ length: 500 }, (_, index) => uuidOf(20_000 + index));
  const offlineLogDirs = Object.assign([...unknownIds, ...registeredIds.slice(1)], {
    includes: () => {
      throw new Error("searched");
    },
  });
  for (const fenced of [false, true]) {
    const records = cluster({ logDirs: registeredIds, fenced }, 2, [2]);
    assertEquals(beat(records, { offlineLogDirs })[1], REGISTRATION);
  }
});
