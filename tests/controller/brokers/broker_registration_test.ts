import { assertEquals } from "@std/assert";
import {
  type BrokerRegistrationContext,
  type BrokerRegistrationRequest,
  decideBrokerRegistration,
} from "../../../src/controller/brokers/broker_registration.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { test } from "../../harness.ts";
import { EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { changes, directory, imageOf, refusal, registered, uuidOf } from "../fixture.ts";

const CLUSTER_ID = uuidOf(500);
const OFFSET = 100;

const level = (featureLevel: number, name = "metadata.version") => ({
  name: "FeatureLevelRecord" as const,
  value: { name, featureLevel },
});

/** The request that {@linkcode registered} answers for broker 1. */
const REQUEST: BrokerRegistrationRequest = {
  brokerId: 1,
  clusterId: CLUSTER_ID,
  incarnationId: uuidOf(1_001),
  listeners: [{ name: "PLAINTEXT", host: "h1", port: 9092, securityProtocol: 0 }],
  features: [{ name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 }],
  rack: null,
  isMigratingZkBroker: false,
  logDirs: [directory(1)],
  previousBrokerEpoch: -1,
};

const NEW_PROCESS = { incarnationId: uuidOf(1_999) };

/** Registers the broker. Returns all records, to be appended from {@linkcode OFFSET}, and its epoch. */
function register(
  records: MetadataRecordInput[],
  request: Partial<BrokerRegistrationRequest> = {},
  context: Partial<BrokerRegistrationContext> = {},
) {
  const decision = decideBrokerRegistration({ ...REQUEST, ...request }, {
    image: imageOf(...records),
    clusterId: CLUSTER_ID,
    hasSession: false,
    controllerListenerNames: ["CONTROLLER"],
    ...context,
  });
  const cleanup = [...decision.cleanup];
  const { records: last, brokerEpoch } = decision.register(OFFSET + cleanup.length);
  return { records: [...cleanup, ...last], brokerEpoch };
}

const errorOf = (
  records: MetadataRecordInput[],
  request: Partial<BrokerRegistrationRequest>,
  context: Partial<BrokerRegistrationContext> = {},
) => refusal(() => register(records, request, context));

test("a new broker starts fenced, with the offset of its record as epoch", () => {
  const { records, brokerEpoch } = register([level(33)]);
  assertEquals([records.length, brokerEpoch], [1, OFFSET]);
  const broker = imageOf(...records).broker(1)!;
  const expected = imageOf(registered(1, { fenced: true, brokerEpoch: OFFSET })).broker(1)!;
  assertEquals(broker, expected);
  assertEquals(records[0]!.version, 4);
  assertEquals(register([level(31)]).records[0]!.version, 3);
});

test("a broker with a negative id is refused: -1 stands for no leader", () => {
  assertEquals(
    errorOf([level(33)], { brokerId: -1 }),
    "INVALID_REGISTRATION: Cannot register broker -1: its id is negative; set node.id to 0 or more",
  );
});

test("a new process gets a new epoch after records that move leaders away from the old one", () => {
  const base = [
    registered(1),
    registered(2),
    topic("events", EVENTS),
    partitionWith(EVENTS, 0, { replicas: [1, 2], isr: [1, 2], leader: 1 }),
    partitionWith(EVENTS, 1, { replicas: [1, 2], isr: [1], leader: 1 }),
    partitionWith(EVENTS, 2, {
      replicas: [1, 2],
      isr: [2],
      leader: 2,
      eligibleLeaderReplicas: [1],
    }),
  ];
  const unclean = register(base, NEW_PROCESS);
  assertEquals(changes(unclean.records), [
    "0: leader=2 isr=2",
    "1: leader=-1",
    "2: eligibleLeaderReplicas=",
    "RegisterBrokerRecord",
  ]);
  assertEquals(unclean.brokerEpoch, OFFSET + 3);
  const after = imageOf(...base, ...unclean.records).broker(1)!;
  assertEquals([after.epoch, after.fenced, after.incarnationId], [
    OFFSET + 3,
    true,
    NEW_PROCESS.incarnationId,
  ]);
  const clean = register(base, { ...NEW_PROCESS, previousBrokerEpoch: 10 });
  assertEquals(changes(clean.records).at(-2), "1: leader=-1", "it has all committed records");
});

test("a new process does not inherit a controlled shutdown", () => {
  const { records } = register([registered(1, { inControlledShutdown: true })], NEW_PROCESS);
  assertEquals(imageOf(...records).broker(1)!.inControlledShutdown, false);
});

test("the same process keeps its epoch and its state", () => {
  const before = registered(1, { inControlledShutdown: true });
  const again = register([before], {}, { hasSession: true });
  assertEquals(again, { records: [], brokerEpoch: 10 });
  const moved = register([before], { rack: "r" }, { hasSession: true });
  assertEquals(moved.brokerEpoch, 10);
  const { rack, fenced, inControlledShutdown, epoch } = imageOf(...moved.records).broker(1)!;
  assertEquals({ rack, fenced, inControlledShutdown, epoch }, {
    rack: "r",
    fenced: false,
    inControlledShutdown: true,
    epoch: 10,
  });
});

test("a broker id in use is refused, and both addresses are named", () => {
  const other = { ...NEW_PROCESS, logDirs: [directory(1, 5)] };
  const session = { hasSession: true };
  assertEquals(
    errorOf(
      [registered(1)],
      { ...other, listeners: [{ ...REQUEST.listeners[0]!, host: "x" }] },
      session,
    ),
    "DUPLICATE_BROKER_REGISTRATION: Cannot register broker 1 at x:9092: a broker with this id is " +
      "alive at h1:9092; stop it, or choose another node.id",
  );
  assertEquals(errorOf([registered(1)], other), "NONE", "its session has ended");
  assertEquals(errorOf([registered(1)], other, { ...session, isKnownDead: true }), "NONE");
  const shared = { ...NEW_PROCESS, logDirs: [directory(1, 5), directory(1)] };
  assertEquals(errorOf([registered(1)], shared, session), "NONE", "it holds the directory's lock");
});

test("a broker of another cluster is refused before anything else", () => {
  assertEquals(
    errorOf([], { clusterId: EVENTS, listeners: [] }),
    `INCONSISTENT_CLUSTER_ID: Cannot register broker 1 of cluster ${EVENTS}: this is cluster ` +
      `${CLUSTER_ID}; correct its controllers' addresses or its directories`,
  );
  assertEquals(
    errorOf([], { isMigratingZkBroker: true }).split(":")[0],
    "BROKER_ID_NOT_REGISTERED",
  );
});

test("unusable directories are refused", () => {
  const reasonFor = (logDirs: string[]) =>
    errorOf([registered(1), registered(2)], { logDirs })
      .replace("INVALID_REGISTRATION: Cannot register broker 1: ", "");
  assertEquals(reasonFor([]), "it has no log directory");
  assertEquals(
    reasonFor([directory(1), directory(1)]),
    `it has log directory ${directory(1)} twice`,
  );
  for (const value of [0, 1, 2, 99]) {
    const id = uuidOf(value);
    assertEquals(reasonFor([id]), `the id ${id} of a log directory is reserved`);
  }
  assertEquals(reasonFor([uuidOf(100)]), "NONE");
  assertEquals(
    reasonFor([directory(1), directory(2)]),
    `its log directory ${
      directory(2)
    } at h1:9092 belongs to broker 2 at h2:9092; use a directory ` +
      "of its own",
  );
});

test("unusable listeners are refused", () => {
  const [listener] = REQUEST.listeners;
  const reasonFor = (...listeners: Partial<typeof listener>[]) =>
    errorOf([], { listeners: listeners.map((it) => ({ ...listener!, ...it })) })
      .replace("INVALID_REGISTRATION: Cannot register broker 1: ", "");
  assertEquals(reasonFor(), "it has no listener");
  assertEquals(reasonFor({}, {}), "it has listener PLAINTEXT twice");
  assertEquals(reasonFor({ name: "" }), "a listener has no name");
  assertEquals(
    reasonFor({ host: "" }),
    "listener PLAINTEXT has no host; set advertised.listeners",
  );
  assertEquals(reasonFor({ port: 0 }), "listener PLAINTEXT has no port; set advertised.listeners");
  for (const securityProtocol of [-1, 4]) {
    assertEquals(
      reasonFor({ securityProtocol }),
      `listener PLAINTEXT has the unknown security protocol ${securityProtocol}`,
    );
  }
  assertEquals(
    reasonFor({}, { name: "CONTROLLER" }),
    "listener CONTROLLER is one of controllers; remove it from advertised.listeners",
  );
  const missing = errorOf([], {}, { interBrokerListenerName: "INTERNAL" });
  assertEquals(missing.endsWith("it has no listener INTERNAL, which the other brokers use"), true);
  assertEquals(errorOf([], {}, { interBrokerListenerName: "PLAINTEXT" }), "NONE");
});

test("a broker must support every finalized feature level", () => {
  const [version] = REQUEST.features;
  const group = { name: "group.version", minSupportedVersion: 0, maxSupportedVersion: 1 };
  const outcome = (records: MetadataRecordInput[], features = REQUEST.features) =>
    errorOf(records, { features });
  assertEquals(outcome([level(30)]), "NONE");
  assertEquals(
    outcome([level(29)]),
    "UNSUPPORTED_VERSION: Cannot register broker 1: the cluster's metadata.version is 29, the " +
      "broker supports 30 to 33",
  );
  assertEquals(outcome([level(34)]).split(":")[0], "UNSUPPORTED_VERSION");
  assertEquals(
    outcome([level(33), level(1, "group.version")]).split(": ").at(-1),
    "the cluster's group.version is 1, the broker supports 0 to 0",
  );
  assertEquals(outcome([level(33), level(1, "group.version")], [version!, group]), "NONE");
  const only = { ...group, minSupportedVersion: 1 };
  assertEquals(
    outcome([level(33)], [version!, only]).split(": ").at(-1),
    "the cluster's group.version is 0, the broker supports 1 to 1",
  );
  assertEquals(outcome([], [group]).split(": ").at(-1), "it supports no metadata.version");
});

test("many directories are not compared with all others", () => {
  const ids = (id: number) =>
    Array.from({ length: 300 }, (_, index) => uuidOf(id * 10_000 + index));
  const records = [registered(1, { logDirs: ids(1) }), registered(2, { logDirs: ids(2) })];
  const includes = Array.prototype.includes;
  let searches = 0;
  Array.prototype.includes = function (...args: Parameters<typeof includes>) {
    searches++;
    return includes.apply(this, args);
  };
  try {
    register(records, { ...NEW_PROCESS, logDirs: ids(1) }, { hasSession: true });
  } finally {
    Array.prototype.includes = includes;
  }
  assertEquals(searches < 10, true);
});
