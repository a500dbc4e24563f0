import { assertEquals, assertRejects } from "@std/assert";
import { SUPPORTED_FEATURES } from "../../src/metadata/features.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { EVENTS, partitionWith, topic } from "../metadata/fixture.ts";
import { batchOf, FakeQuorum, type FakeQuorumOptions, settled, stateOf } from "./fake_quorum.ts";
import { directory, registered, uuidOf } from "./fixture.ts";

/** How long the end of a session is past when its broker is fenced. */
const CONFIRM_MS = 100;
const SESSION_MS = 9_000;
const HEARTBEAT_MS = 2_000;
const BEAT = {
  currentMetadataOffset: 1_000,
  wantFence: false,
  wantShutDown: false,
  offlineLogDirs: [],
};
/** One partition on brokers 1 and 2, which broker 1 leads. */
const PARTITION = partitionWith(EVENTS, 0, {
  replicas: [1, 2],
  isr: [1, 2],
  leader: 1,
  directories: [directory(1), directory(2)],
});

/** Runs `use` with the active controller of a cluster whose log begins with `records`. */
async function withActive(
  records: readonly MetadataRecordInput[],
  use: (quorum: FakeQuorum) => Promise<void>,
  options: FakeQuorumOptions = {},
): Promise<void> {
  const quorum = new FakeQuorum({
    settings: {
      "broker.session.timeout.ms": String(SESSION_MS),
      "broker.heartbeat.interval.ms": String(HEARTBEAT_MS),
    },
    ...options,
  });
  if (records.length > 0) quorum.log.push(batchOf(records));
  try {
    quorum.lead();
    await settled();
    await use(quorum);
  } finally {
    await quorum.close();
    assertEquals(quorum.clock.pending, 0, "timers are left");
  }
}

/** Advances the time in one step, as a process that is not held up does. */
async function pass(quorum: FakeQuorum, ms: number): Promise<void> {
  quorum.clock.advance(ms);
  await settled();
}

function register(quorum: FakeQuorum, brokerId: number): Promise<{ readonly brokerEpoch: number }> {
  return quorum.controller.run((active) =>
    active.registerBroker({
      brokerId,
      clusterId: "cluster",
      incarnationId: uuidOf(500 + brokerId),
      listeners: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
      features: Array.from(SUPPORTED_FEATURES, ([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [directory(brokerId)],
      previousBrokerEpoch: -1,
    })
  );
}

function beat(quorum: FakeQuorum, brokerId: number, brokerEpoch: number, request = {}) {
  return quorum.controller.run((active) =>
    active.heartbeat({ brokerId, brokerEpoch, ...BEAT, ...request })
  );
}

/** Which brokers are in service, as decisions see it. */
function inService({ controller }: FakeQuorum): number[] {
  return Array.from(controller.active!.image.brokers())
    .filter(({ fenced }) => !fenced).map(({ id }) => id);
}

test("a broker is registered, unfenced by a heartbeat, and fenced when its session ends", async () => {
  await withActive([], async (quorum) => {
    const { brokerEpoch } = await register(quorum, 7);
    assertEquals(inService(quorum), []);
    assertEquals(await beat(quorum, 7, brokerEpoch, { currentMetadataOffset: 0 }), {
      isCaughtUp: false,
      isFenced: true,
      shouldShutDown: false,
    });
    assertEquals(await beat(quorum, 7, brokerEpoch), {
      isCaughtUp: true,
      isFenced: false,
      shouldShutDown: false,
    });
    assertEquals(inService(quorum), [7]);
    await pass(quorum, SESSION_MS - 1);
    await beat(quorum, 7, brokerEpoch);
    await pass(quorum, SESSION_MS - 1);
    assertEquals(inService(quorum), [7]);
    await pass(quorum, CONFIRM_MS);
    assertEquals(inService(quorum), [7]);
    await pass(quorum, 1);
    assertEquals(inService(quorum), []);
    assertEquals(quorum.messages, [
      "warn: Fenced broker 7: it has sent no heartbeat for a session timeout",
    ]);
    await beat(quorum, 7, brokerEpoch);
    assertEquals(inService(quorum), [7]);
    const error = await assertRejects(() => beat(quorum, 7, brokerEpoch - 1), KafkaError);
    assertEquals(error.code, ErrorCode.STALE_BROKER_EPOCH);
  });
});

test("two brokers whose sessions end together are fenced one after the other", async () => {
  const records = [
    registered(1),
    registered(2),
    registered(3),
    topic("events", EVENTS),
    partitionWith(EVENTS, 0, {
      replicas: [1, 2, 3],
      isr: [1, 2, 3],
      leader: 1,
      directories: [directory(1), directory(2), directory(3)],
    }),
  ];
  await withActive(records, async (quorum) => {
    await beat(quorum, 3, 30);
    await pass(quorum, 100);
    await beat(quorum, 3, 30);
    await pass(quorum, SESSION_MS - 100);
    await beat(quorum, 3, 30);
    await pass(quorum, CONFIRM_MS);
    assertEquals(inService(quorum), [3]);
    const { image } = quorum.controller.active!;
    const { leader, isr } = image.topicById(EVENTS)!.partitions[0]!;
    assertEquals([leader, isr], [3, [3]]);
    const fences = quorum.names().filter((name) => name === "BrokerRegistrationChangeRecord");
    assertEquals(fences.length, 2);
  });
});

test("a heartbeat that arrives while a fence waits for its turn keeps the broker", async () => {
  await withActive([registered(1), registered(2)], async (quorum) => {
    // A decision that takes a while.
    quorum.clock.advance(SESSION_MS - 1);
    await beat(quorum, 2, 20);
    const topics = quorum.controller.createTopics([{ name: "events" }]);
    quorum.clock.advance(1);
    const answer = beat(quorum, 1, 10);
    await Promise.all([topics, answer]);
    await settled();
    assertEquals(inService(quorum), [1, 2]);
    assertEquals(quorum.messages, []);
  });
});

test("a timer that runs late extends all sessions by that", async () => {
  await withActive([registered(1)], async (quorum) => {
    const { clock } = quorum;
    // The process is held up for a minute: the clock goes on and no timer runs.
    const monotonicMs = clock.monotonicMs.bind(clock);
    let heldUpMs = 0;
    clock.monotonicMs = () => monotonicMs() + heldUpMs;
    clock.advance(SESSION_MS - 1);
    heldUpMs = 60_000;
    await pass(quorum, 1);
    assertEquals(inService(quorum), [1], "its heartbeats may not have been read");
    // Again and again: a dead broker is fenced all the same.
    heldUpMs += 1_000;
    await pass(quorum, HEARTBEAT_MS);
    await pass(quorum, CONFIRM_MS);
    assertEquals(inService(quorum), []);
  });
});

test("a controller that was suspended reads heartbeats before it fences, however late its timer is", async () => {
  for (const lateMs of [0, 1, 99]) {
    await withActive([registered(1)], async (quorum) => {
      const { clock } = quorum;
      const monotonicMs = clock.monotonicMs.bind(clock);
      let heldUpMs = 0;
      clock.monotonicMs = () => monotonicMs() + heldUpMs;
      await pass(quorum, SESSION_MS - 1);
      heldUpMs = lateMs;
      await pass(quorum, 1);
      assertEquals(inService(quorum), [1]);
      await beat(quorum, 1, 10);
      await pass(quorum, SESSION_MS - 1);
      assertEquals(inService(quorum), [1]);
      // Each end of a session is confirmed.
      await pass(quorum, CONFIRM_MS);
      assertEquals(inService(quorum), [1]);
      await pass(quorum, 1);
      assertEquals(inService(quorum), []);
    });
  }
});

test("a heartbeat that is read before the late timer does not hide that it is late", async () => {
  await withActive([registered(1), registered(2)], async (quorum) => {
    const { clock } = quorum;
    const monotonicMs = clock.monotonicMs.bind(clock);
    let heldUpMs = 0;
    clock.monotonicMs = () => monotonicMs() + heldUpMs;
    await beat(quorum, 1, 10);
    await pass(quorum, 100);
    await beat(quorum, 2, 20);
    await pass(quorum, SESSION_MS - 101);
    // The process was suspended. Its host reads sockets before it runs timers.
    heldUpMs = 60_000;
    await beat(quorum, 1, 10);
    await pass(quorum, HEARTBEAT_MS - 1);
    assertEquals(inService(quorum), [1, 2], "the heartbeats of broker 2 may be on their way");
  });
});

test("a deadline that is set late is no late timer", async () => {
  const settings = {
    "broker.session.timeout.ms": String(SESSION_MS),
    "metadata.max.idle.interval.ms": "500",
  };
  await withActive([registered(1)], async (quorum) => {
    // Nothing is appended for long, since no other node reads the log.
    for (let beats = 0; beats < 10; beats++) {
      await pass(quorum, SESSION_MS / 2);
      await beat(quorum, 1, 10);
    }
    quorum.hasFollowers = true;
    await beat(quorum, 1, 10);
    await pass(quorum, SESSION_MS);
    await pass(quorum, CONFIRM_MS);
    assertEquals(inService(quorum), []);
  }, { settings });
});

test("records without effect are appended only for followers, and only when the log is idle", async () => {
  const settings = { "metadata.max.idle.interval.ms": "500" };
  const noOps = (quorum: FakeQuorum) =>
    quorum.names().filter((name) => name === "NoOpRecord").length;
  await withActive([registered(1)], async (quorum) => {
    await pass(quorum, 5_000);
    assertEquals(noOps(quorum), 0);
  }, { settings });
  await withActive([registered(1)], async (quorum) => {
    await pass(quorum, 499);
    assertEquals(noOps(quorum), 0);
    await quorum.controller.createTopics([{ name: "events" }]);
    await pass(quorum, 499);
    assertEquals(noOps(quorum), 0);
    // A read of brokers is no append.
    await beat(quorum, 1, 10);
    await pass(quorum, 1);
    assertEquals(noOps(quorum), 1);
    for (let passed = 0; passed < 4; passed++) await pass(quorum, 250);
    assertEquals(noOps(quorum), 3);
    quorum.hasFollowers = false;
    await pass(quorum, 5_000);
    assertEquals(noOps(quorum), 3);
  }, { settings, hasFollowers: true });
});

test("controlled shutdown ends when the others have the records that moved the leaders", async () => {
  const records = [registered(1), registered(2), topic("events", EVENTS), PARTITION];
  await withActive(records, async (quorum) => {
    await beat(quorum, 2, 20, { currentMetadataOffset: 3 });
    const first = await beat(quorum, 1, 10, { wantShutDown: true });
    assertEquals(first.shouldShutDown, false);
    const { image } = quorum.controller.active!;
    assertEquals(image.topicById(EVENTS)!.partitions[0]!.leader, 2);
    const shutdownOffset = quorum.endOffset - 1;
    const behind = { currentMetadataOffset: shutdownOffset - 1 };
    await beat(quorum, 2, 20, behind);
    // Later records do not count.
    await quorum.controller.createTopics([{ name: "chat" }]);
    assertEquals((await beat(quorum, 1, 10, { wantShutDown: true })).shouldShutDown, false);
    await beat(quorum, 2, 20, { currentMetadataOffset: shutdownOffset });
    assertEquals(await beat(quorum, 1, 10, { wantShutDown: true }), {
      isCaughtUp: true,
      isFenced: true,
      shouldShutDown: true,
    });
    assertEquals(inService(quorum), [2]);
    // Its next process can register at once.
    await register(quorum, 1);
  });
});

test("a broker may not end before the records that moved its partitions are committed", async () => {
  const records = [registered(1), registered(2), topic("events", EVENTS), PARTITION];
  await withActive(records, async (quorum) => {
    quorum.commitsAtOnce = false;
    const first = beat(quorum, 2, 20, { wantShutDown: true });
    assertEquals(await stateOf(first), "pending");
    // Its answer takes too long, so that the broker asks again.
    const second = beat(quorum, 2, 20, { wantShutDown: true });
    assertEquals(await stateOf(second), "pending");
    quorum.commit();
    const answer = { isCaughtUp: true, isFenced: true, shouldShutDown: true };
    assertEquals(await Promise.all([first, second]), [answer, answer]);
  });
});

test("a broker whose process has ended is fenced at once", async () => {
  await withActive([registered(1), registered(2)], async (quorum) => {
    const active = quorum.controller.active!;
    active.refused(1);
    await settled();
    assertEquals(inService(quorum), [1, 2], "its connections have not ended");
    assertEquals(active.connectionsClosed(1), true);
    active.refused(1);
    await settled();
    assertEquals(inService(quorum), [2]);
    assertEquals(quorum.messages, ["warn: Fenced broker 1: its process has ended"]);
    // A second process of the broker, with another directory.
    await register(quorum, 1);
  });
});

test("a second process of a broker is refused during the session of the first", async () => {
  await withActive([registered(1, { logDirs: [directory(9)] })], async (quorum) => {
    const error = await assertRejects(() => register(quorum, 1), KafkaError);
    assertEquals(error.code, ErrorCode.DUPLICATE_BROKER_REGISTRATION);
    await pass(quorum, SESSION_MS);
    await register(quorum, 1);
  });
});

test("unregisterBroker() ends the session of the broker", async () => {
  await withActive([registered(1)], async (quorum) => {
    await quorum.controller.run((active) => active.unregisterBroker(1));
    assertEquals(quorum.clock.pending, 0);
    assertEquals([...quorum.controller.active!.image.brokers()], []);
    await assertRejects(
      () => quorum.controller.run((active) => active.unregisterBroker(1)),
      KafkaError,
    );
  });
});

test("registerOwnBroker() leaves no session that could end", async () => {
  await withActive([registered(1)], async (quorum) => {
    await quorum.controller.run((active) =>
      active.registerOwnBroker({
        nodeId: 1,
        incarnationId: EVENTS,
        endpoints: [],
        rack: null,
        logDirs: [directory(1)],
      })
    );
    assertEquals(quorum.clock.pending, 0);
    await pass(quorum, 10 * SESSION_MS);
    assertEquals(inService(quorum), [1]);
  });
});

test("begin() appends feature levels to a new log, and nothing to another one", async () => {
  let log: FakeQuorum["log"] = [];
  await withActive([], (quorum) => {
    assertEquals(quorum.controller.active!.image.features.get("metadata.version"), 33);
    assertEquals([...new Set(quorum.names())], ["FeatureLevelRecord"]);
    log = quorum.log;
    return Promise.resolve();
  });
  await withActive([], (quorum) => {
    assertEquals(quorum.log.length, log.length + 1, "more than the change of the leader");
    return Promise.resolve();
  }, { log });
});

test("begin() prefers the records of a formatted directory", async () => {
  const bootstrapRecords: MetadataRecordInput[] = [
    { name: "FeatureLevelRecord", value: { name: "metadata.version", featureLevel: 30 } },
  ];
  await withActive([], (quorum) => {
    assertEquals(quorum.names(), ["FeatureLevelRecord"]);
    assertEquals(quorum.controller.active!.image.features.get("metadata.version"), 30);
    return Promise.resolve();
  }, { bootstrapRecords });
});

for (const isSoleVoter of [true, false]) {
  test(`begin() aborts an open transaction, sole voter: ${isSoleVoter}`, async () => {
    const open: MetadataRecordInput[] = [
      { name: "BeginTransactionRecord", value: { name: "bootstrap" } },
      topic("events", EVENTS),
    ];
    const log = [batchOf([registered(1)]), batchOf(open, { baseOffset: 1 })];
    await withActive([], async (quorum) => {
      assertEquals(quorum.names(3)[0], "AbortTransactionRecord");
      await quorum.controller.createTopics([{ name: "chat" }]);
      await settled();
      for (const image of [quorum.controller.active!.image, quorum.loader.image]) {
        assertEquals(Array.from(image.topics(), ({ name }) => name), ["chat"]);
      }
    }, { isSoleVoter, log });
  });
}

test("begin() elects leaders of partitions that have none", async () => {
  const leaderless = partitionWith(EVENTS, 0, {
    replicas: [1, 2],
    isr: [2],
    leader: -1,
    directories: [directory(1), directory(2)],
  });
  const records = [registered(1), registered(2), topic("events", EVENTS), leaderless];
  await withActive(records, (quorum) => {
    const { image } = quorum.controller.active!;
    assertEquals(image.topicById(EVENTS)!.partitions[0]!.leader, 2);
    return Promise.resolve();
  });
});

test("requests made before begin() is committed are answered after it", async () => {
  const quorum = new FakeQuorum();
  quorum.log.push(batchOf([registered(1)]));
  quorum.commitsAtOnce = false;
  quorum.lead();
  const created = quorum.controller.createTopics([{ name: "events" }]);
  assertEquals(await stateOf(created), "pending");
  assertEquals(quorum.names(1)[0], "FeatureLevelRecord");
  quorum.commit();
  assertEquals((await created)[0]!.errorCode, ErrorCode.NONE);
  await quorum.close();
});

test("updateFeatures() raises kraft.version, unless that is refused or only validated", async () => {
  const featureUpdates = [{ feature: "kraft.version", maxVersionLevel: 1 }];
  await withActive([], async (quorum) => {
    const update = (validateOnly: boolean) =>
      quorum.controller.run((active) =>
        active.updateFeatures({ featureUpdates }, { validateOnly })
      );
    await update(true);
    assertEquals(quorum.kraftVersion, 0);
    const { length } = quorum.log;
    quorum.upgradeRefusal = new KafkaError(ErrorCode.INVALID_UPDATE_VERSION, "node 3 cannot");
    await assertRejects(() => update(false), KafkaError, "node 3 cannot");
    // Only the record that confirms the leadership.
    assertEquals(quorum.log.length, length + 1);
    assertEquals(quorum.names().at(-1), "NoOpRecord");
    quorum.upgradeRefusal = null;
    quorum.commitsAtOnce = false;
    const upgraded = update(false);
    assertEquals(await stateOf(upgraded), "pending");
    quorum.commit();
    await upgraded;
    assertEquals(quorum.kraftVersion, 1);
  });
});

test("a state that cannot be applied makes the controller resign", async () => {
  await withActive([registered(1)], async (quorum) => {
    const { image } = quorum.controller.active!;
    // The node's own state is gone.
    Object.defineProperty(image, "stage", {
      value: () => {
        throw new Error("broken");
      },
    });
    const error = await assertRejects(
      () => quorum.controller.createTopics([{ name: "events" }]),
      KafkaError,
    );
    assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
    assertEquals(quorum.resignations, 1);
    assertEquals(quorum.messages, [
      "error: Resigned as the active controller of epoch 1: broken",
    ]);
  });
});
