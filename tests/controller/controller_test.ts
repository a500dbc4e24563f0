import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConfigResourceType } from "../../src/config/definition.ts";
import type { ActiveController } from "../../src/controller/active_controller.ts";
import { ConfigOperation } from "../../src/controller/configs.ts";
import type { MetadataDelta } from "../../src/metadata/image.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { EVENTS, topic } from "../metadata/fixture.ts";
import { batchOf, FakeQuorum, type FakeQuorumOptions, settled, stateOf } from "./fake_quorum.ts";
import { directory, outcomes, registered, uuidOf } from "./fixture.ts";

const { TOPIC } = ConfigResourceType;

/** Runs `use` with a quorum whose node 1 leads with a broker in service. */
async function withLeader(
  options: FakeQuorumOptions,
  use: (quorum: FakeQuorum) => Promise<void>,
): Promise<void> {
  const quorum = new FakeQuorum(options);
  try {
    quorum.lead();
    await quorum.controller.run((active) =>
      active.registerOwnBroker({
        nodeId: 1,
        incarnationId: EVENTS,
        endpoints: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
        rack: null,
        logDirs: [directory(1)],
      })
    );
    await use(quorum);
  } finally {
    await quorum.close();
    assertEquals(quorum.clock.pending, 0, "timers are left");
  }
}

/** The state of a sole voter, and that of a leader with followers. */
for (const isSoleVoter of [true, false]) {
  const kind = isSoleVoter ? "sole voter" : "leader with followers";

  test(`concurrent requests are processed one at a time (${kind})`, async () => {
    await withLeader({ isSoleVoter }, async ({ controller, loader }) => {
      const results = await Promise.all(
        Array.from({ length: 5 }, () => controller.createTopics([{ name: "events" }])),
      );
      assertEquals(outcomes(results.flat()), [
        "events: NONE",
        ...Array.from({ length: 4 }, () => "events: TOPIC_ALREADY_EXISTS"),
      ]);
      await settled();
      assertEquals(loader.image.topicCount, 1);
    });
  });

  test(`answered changes are committed (${kind})`, async () => {
    await withLeader({ isSoleVoter }, async (quorum) => {
      quorum.commitsAtOnce = false;
      const created = quorum.controller.createTopics([{ name: "events" }]);
      assertEquals(await stateOf(created), "pending");
      quorum.commit();
      assertEquals(outcomes(await created), ["events: NONE"]);
    });
  });

  test(`validateOnly returns the results without making changes (${kind})`, async () => {
    await withLeader({ isSoleVoter }, async (quorum) => {
      const { controller } = quorum;
      await controller.createTopics([{ name: "events" }]);
      // Each answer of one of several voters waits for a record without effect.
      const changes = () => quorum.names().filter((name) => name !== "NoOpRecord").length;
      const before = changes();
      const validateOnly = { validateOnly: true };
      const created = await controller.createTopics([{ name: "chat" }], validateOnly);
      assertEquals([created[0]!.errorCode, created[0]!.numPartitions], [0, 1]);
      assertEquals(
        outcomes(await controller.createTopics([{ name: "events" }], validateOnly)),
        ["events: TOPIC_ALREADY_EXISTS"],
      );
      await controller.createPartitions([{ name: "events", count: 9 }], validateOnly);
      await controller.incrementalAlterConfigs([{
        resourceType: TOPIC,
        resourceName: "events",
        changes: [{ name: "retention.ms", operation: ConfigOperation.SET, value: "5" }],
      }], validateOnly);
      assertEquals(changes(), before);
    });
  });

  test(`topics, partitions and configs are restored after a restart (${kind})`, async () => {
    let before: unknown;
    let log: FakeQuorum["log"] = [];
    await withLeader({ isSoleVoter }, async (quorum) => {
      const { controller, loader } = quorum;
      await controller.createTopics([
        { name: "events", configs: [{ name: "retention.ms", value: "5" }] },
        { name: "chat" },
        { name: "gone" },
      ]);
      await controller.createPartitions([{ name: "events", count: 3 }]);
      await controller.deleteTopics([{ name: "gone" }]);
      await settled();
      before = [...loader.image.topics()];
      log = quorum.log;
    });
    await withLeader({ isSoleVoter, log }, async ({ loader, controller }) => {
      await settled();
      assertEquals([...loader.image.topics()], before);
      assertEquals([...loader.image.configs(TOPIC, "events")], [["retention.ms", "5"]]);
      assertEquals([...controller.active!.image.topics()], before);
    });
  });

  test(`allocateProducerIds() never returns an id twice, across restarts (${kind})`, async () => {
    let log: FakeQuorum["log"] = [];
    const allocate = ({ controller, loader }: FakeQuorum) =>
      controller.run((active) =>
        active.allocateProducerIds({
          brokerId: 1,
          brokerEpoch: loader.image.broker(1)!.epoch,
        })
      );
    await withLeader({ isSoleVoter }, async (quorum) => {
      await settled();
      assertEquals(await Promise.all([allocate(quorum), allocate(quorum)]), [
        { producerIdStart: 0, producerIdLen: 1_000 },
        { producerIdStart: 1_000, producerIdLen: 1_000 },
      ]);
      log = quorum.log;
    });
    await withLeader({ isSoleVoter, log }, async (quorum) => {
      await settled();
      assertEquals(await allocate(quorum), { producerIdStart: 2_000, producerIdLen: 1_000 });
    });
  });
}

test("a sole voter answers after the listeners have processed the change", async () => {
  await withLeader({ isSoleVoter: true }, async ({ controller, loader }) => {
    const events: string[] = [];
    const listen = (what: string) => async ({ createdTopics }: MetadataDelta) => {
      await Promise.resolve();
      for (const { name } of createdTopics) {
        const isShown = loader.image.topicByName(name) !== undefined;
        events.push(`${what} ${name}, in image: ${isShown}`);
      }
    };
    await loader.addListener({
      prepare: listen("prepare"),
      apply: listen("apply"),
      finish: () => void events.push("finish"),
    });
    await controller.createTopics([{ name: "events" }]);
    events.push("answered");
    assertEquals(events, [
      "prepare events, in image: false",
      "apply events, in image: true",
      "finish",
      "answered",
    ]);
  });
});

test("a failing listener is logged, and the change remains", async () => {
  await withLeader({ isSoleVoter: true }, async ({ controller, loader, messages }) => {
    const heard: string[] = [];
    await loader.addListener({
      apply() {
        throw new Error("no space");
      },
    });
    await loader.addListener({
      apply: ({ createdTopics }) => void heard.push(createdTopics[0]!.name),
    });
    assertEquals(outcomes(await controller.createTopics([{ name: "events" }])), ["events: NONE"]);
    assertEquals(heard, ["events"]);
    assertEquals(messages, [
      `error: Cannot process the metadata from offset ${loader.nextOffset - 2}: no space`,
    ]);
  });
});

test("a request with too many records is rejected as a whole", async () => {
  await withLeader({ isSoleVoter: true }, async (quorum) => {
    const { controller, loader } = quorum;
    const names = Array.from({ length: 10_001 }, (_, i) => `t${i}`);
    for (let at = 0; at < names.length; at += 5_000) {
      await quorum.complete(
        controller.createTopics(names.slice(at, at + 5_000).map((name) => ({ name }))),
      );
    }
    const error = await assertRejects(
      () => quorum.complete(controller.deleteTopics(names.map((name) => ({ name })))),
      KafkaError,
    );
    assertEquals(error.code, ErrorCode.POLICY_VIOLATION);
    assertEquals(loader.image.topicCount, 10_001);
  });
});

test("requests wait until the state is loaded", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const quorum = new FakeQuorum({ newPause: () => () => promise });
  quorum.log.push(
    batchOf(Array.from({ length: 200 }, (_, index) => topic(`t${index}`, uuidOf(index)))),
  );
  quorum.lead();
  const answer = quorum.controller.run((active) => Promise.resolve(active.image.topicCount));
  assertEquals(await stateOf(answer), "pending");
  assertEquals(quorum.controller.active, null);
  resolve();
  assertEquals(await answer, 200);
  assert(quorum.controller.active !== null);
  await quorum.close();
});

test("follow() calls with each active controller once its state has been loaded", async () => {
  const quorum = new FakeQuorum();
  quorum.log.push(batchOf([topic("events", uuidOf(1))]));
  const seen: string[] = [];
  const follower = (name: string) => (active: ActiveController) =>
    seen.push(`${name} ${active.epoch} ${active.image.topicCount}`);
  quorum.controller.follow(follower("a"));
  quorum.lead();
  await settled();
  quorum.controller.follow(follower("b"));
  quorum.lose();
  quorum.lead();
  await settled();
  assertEquals(seen, ["a 1 1", "b 1 1", "a 2 1", "b 2 1"]);
  await quorum.close();
});

test("a node that is not the active controller rejects requests and names the active one", async () => {
  const quorum = new FakeQuorum();
  const request = () => quorum.controller.createTopics([{ name: "events" }]);
  const refused = async () => {
    const error = await assertRejects(request, KafkaError);
    assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
    return error.message;
  };
  const NONE = "Cannot change the metadata: no controller is active, try again";
  assertEquals(await refused(), NONE);
  quorum.leaderId = 2;
  assertEquals(
    await refused(),
    "Cannot change the metadata: this node is not the active controller, node 2 is",
  );
  // It has resigned, and knows of no other leader yet.
  quorum.leaderId = 1;
  assertEquals(await refused(), NONE);
  await quorum.close();
});

test("requests that wait for the state fail when the leadership ends before", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const quorum = new FakeQuorum({ newPause: () => () => promise });
  quorum.log.push(batchOf(Array.from({ length: 200 }, () => registered(1))));
  quorum.lead();
  const answer = quorum.controller.createTopics([{ name: "events" }]);
  quorum.lose(2);
  await assertRejects(() => answer, KafkaError, "node 2 is");
  resolve();
  await settled();
  assertEquals(quorum.controller.active, null);
  assertEquals(quorum.names(200), []);
  await quorum.close();
});

test("leaderships in quick succession leave only the last one", async () => {
  const quorum = new FakeQuorum({ settings: { "broker.session.timeout.ms": "5000" } });
  quorum.log.push(batchOf([registered(1), registered(2)]));
  for (let epoch = 1; epoch <= 4; epoch++) {
    quorum.lead();
    // As many microtasks as it takes to be anywhere in the beginning.
    for (let passed = 0; passed < 3 * epoch; passed++) await undefined;
    quorum.lose();
  }
  await settled();
  assertEquals([quorum.controller.active, quorum.clock.pending], [null, 0]);
  const before = quorum.endOffset;
  quorum.lead();
  await settled();
  assertEquals(quorum.controller.active?.epoch, 5);
  assert(quorum.endOffset > before);
  assertEquals(quorum.messages, []);
  // An end of another epoch has no effect.
  quorum.controller.onInactive(4);
  assertEquals(quorum.controller.active?.epoch, 5);
  await quorum.close();
  assertEquals(quorum.clock.pending, 0);
});

test("an epoch that ends while the state is copied leaves nothing behind", async () => {
  const waits: (() => void)[] = [];
  let holds = false;
  const quorum = new FakeQuorum({
    newPause: () => () =>
      holds ? new Promise<void>((resolve) => waits.push(resolve)) : Promise.resolve(),
  });
  quorum.log.push(
    batchOf(Array.from({ length: 200 }, (_, index) => topic(`t${index}`, uuidOf(index)))),
  );
  quorum.commit();
  await settled();
  holds = true;
  quorum.lead();
  await settled();
  assert(waits.length > 0, "nothing was copied");
  quorum.lose();
  quorum.lead();
  holds = false;
  for (const resume of waits) resume();
  await settled();
  assertEquals(quorum.controller.active?.epoch, 2);
  assertEquals(quorum.messages, []);
  await quorum.close();
});

test("a leadership that cannot begin is given up with a message, and requests fail", async () => {
  const quorum = new FakeQuorum();
  await quorum.loader.close(new Error("the log cannot be read"));
  quorum.lead();
  const answer = quorum.controller.createTopics([{ name: "events" }]);
  const error = await assertRejects(() => answer, KafkaError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  assertEquals(quorum.messages, ["error: Cannot lead epoch 1: the log cannot be read"]);
  assertEquals(quorum.resignations, 1);
  await quorum.close();
});

test("settled() waits for the decision that was under way when the leadership ended", async () => {
  await withLeader({}, async (quorum) => {
    const created = quorum.controller.createTopics([{ name: "events" }]);
    created.catch(() => {});
    quorum.lose(3);
    await quorum.controller.settled();
    const { endOffset } = quorum;
    await settled();
    assertEquals(quorum.endOffset, endOffset);
    await assertRejects(() => created, KafkaError, "node 3 is");
  });
});
