/**
 * Sessions of brokers with the active controller itself, whose log is committed at once.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ControllerChannel } from "../../../src/broker/controller_channel.ts";
import { BrokerSession } from "../../../src/broker/lifecycle/broker_session.ts";
import { BrokerConfig } from "../../../src/config/broker_config.ts";
import { ActiveController } from "../../../src/controller/active_controller.ts";
import { CommittedState } from "../../../src/controller/active/decision_state.ts";
import { MetadataLoader } from "../../../src/metadata/loader.ts";
import { brokerHeartbeat } from "../../../src/protocol/messages/broker_heartbeat.ts";
import { brokerRegistration } from "../../../src/protocol/messages/broker_registration.ts";
import { NO_PAUSE } from "../../../src/protocol/records/compression/steps.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { directory, uuidOf } from "../../controller/fixture.ts";
import { test } from "../../harness.ts";
import { answering, ownController } from "../controller_fixture.ts";
import { settle } from "../direct_broker.ts";
import { manualClock } from "../manual_clock.ts";

const EPOCH = 1;
const STEP_MS = 50;
/** The default of `broker.heartbeat.interval.ms`. */
const INTERVAL_MS = 500;

/** A controller and the sessions of brokers with it, which share its image. */
class Cluster {
  readonly clock = manualClock();
  readonly messages: string[] = [];
  readonly #runtime = { ...hostRuntime(), clock: this.clock };
  readonly #logger = { log: (_level: string, text: string) => void this.messages.push(text) };
  readonly #loader = new MetadataLoader({
    logger: this.#logger,
    newPause: () => NO_PAUSE,
    nowMs: 0,
  });
  readonly #channels: ControllerChannel[] = [];
  readonly #sessions: BrokerSession[] = [];
  readonly controller: ActiveController;
  #incarnations = 0;

  constructor() {
    let endOffset = 0;
    const loader = this.#loader;
    const propose = (batch: Uint8Array, recordCount: number) => {
      const offset = endOffset;
      endOffset += recordCount;
      loader.load(batch).then(() => this.controller.onCommitted(offset + recordCount));
      return { offset, epoch: EPOCH };
    };
    this.controller = new ActiveController({
      runtime: this.#runtime,
      config: new BrokerConfig({}),
      logger: this.#logger,
      clusterId: "cluster",
      epoch: EPOCH,
      quorum: {
        get endOffset() {
          return endOffset;
        },
        propose,
        kraftVersion: 1,
        hasFollowers: false,
        isSoleVoter: true,
        upgradeKRaftVersion() {},
        resign() {},
      },
      state: new CommittedState(loader),
      bootstrapRecords: [],
    });
  }

  get image() {
    return this.#loader.image;
  }

  /** A session of a new process of broker `nodeId`, which has not been started. */
  session(nodeId: number, previousBrokerEpoch = -1): BrokerSession {
    const loader = this.#loader;
    const channel = new ControllerChannel({
      runtime: this.#runtime,
      nodeId,
      location: {
        current: () => ({ id: nodeId, address: null }),
        changed: () => new Promise(() => {}),
      },
      own: ownController([
        answering(
          brokerRegistration,
          async (request) => ({ errorCode: 0, ...await this.controller.registerBroker(request) }),
          (errorCode) => ({ errorCode }),
        ),
        answering(
          brokerHeartbeat,
          async (request) => ({ errorCode: 0, ...await this.controller.heartbeat(request) }),
          (errorCode) => ({ errorCode, shouldShutDown: false }),
        ),
      ]),
      remote: null,
      requestTimeoutMs: 30_000,
      retryBackoffMs: 20,
    });
    const session = new BrokerSession({
      clock: this.clock,
      channel,
      settings: new BrokerConfig({}).brokerLifecycle,
      identity: {
        nodeId,
        clusterId: "cluster",
        incarnationId: uuidOf(++this.#incarnations),
        endpoints: [
          { name: "PLAINTEXT", host: `h${nodeId}`, port: 9092, securityProtocol: 0 },
        ],
        rack: null,
        previousBrokerEpoch,
        onlineDirectories: () => [directory(nodeId)],
      },
      image: {
        get offset() {
          return loader.offset;
        },
        waitFor: (offset) => loader.waitFor(offset),
      },
      logger: this.#logger,
    });
    this.#channels.push(channel);
    this.#sessions.push(session);
    return session;
  }

  /** Brings brokers into service. */
  async serve(...sessions: BrokerSession[]): Promise<void> {
    const serving = sessions.map(async (session) => {
      await session.start();
      await session.becomeReady();
    });
    await this.passes(Promise.all(serving));
  }

  /** Lets the time pass until `promise` has settled. */
  async passes<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => isSettled = true);
    settled.catch(() => {});
    await this.until(() => isSettled);
    return await settled;
  }

  /** Lets the time pass until `condition` holds. Returns how long that took, ms. */
  async until(condition: () => boolean): Promise<number> {
    const began = this.clock.monotonicMs();
    await settle();
    while (!condition()) {
      this.clock.advance(STEP_MS);
      await settle();
      assert(this.clock.monotonicMs() - began < 60_000, "it does not come about in a minute");
    }
    return this.clock.monotonicMs() - began;
  }

  /** Creates a topic whose only partition is on the brokers 1, 2 and 3. */
  async createTopic(): Promise<void> {
    await this.passes(this.controller.createTopics([{
      name: "events",
      assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }],
    }]));
  }

  get partition() {
    return this.image.topicByName("events")!.partitions[0]!;
  }

  async end(): Promise<void> {
    for (const session of this.#sessions) session.stop();
    for (const channel of this.#channels) channel.close();
    this.controller.end(new Error("the test ends") as never);
    await this.controller.settled();
  }
}

/** Calls `use` with a cluster of the brokers 1, 2 and 3 in service. */
async function withCluster(
  use: (cluster: Cluster, sessions: BrokerSession[]) => Promise<void>,
): Promise<void> {
  const cluster = new Cluster();
  try {
    await cluster.passes(cluster.controller.begin(false));
    const sessions = [1, 2, 3].map((id) => cluster.session(id));
    await cluster.serve(...sessions);
    await use(cluster, sessions);
  } finally {
    await cluster.end();
  }
}

test("brokers are in service before the first interval of their heartbeats ends", () =>
  withCluster((cluster, sessions) => {
    assert(cluster.clock.monotonicMs() < INTERVAL_MS);
    for (const [index, session] of sessions.entries()) {
      const { fenced, epoch } = cluster.image.broker(index + 1)!;
      assertEquals([fenced, session.brokerEpoch], [false, epoch]);
    }
    return Promise.resolve();
  }));

test("a broker in controlled shutdown hands its leaderships over before it stops", () =>
  withCluster(async (cluster, [first]) => {
    await cluster.createTopic();
    assertEquals(cluster.partition.leader, 1);
    await cluster.passes(first!.shutDown());
    const { leader, isr } = cluster.partition;
    assertEquals([leader, [...isr].sort()], [2, [2, 3]]);
    assert(cluster.image.broker(1)!.fenced);
    assertEquals(cluster.messages, []);
  }));

test("a process that follows an orderly shutdown registers at once", () =>
  withCluster(async (cluster, [first]) => {
    await cluster.createTopic();
    const { brokerEpoch } = first!;
    await cluster.passes(first!.shutDown());
    first!.stop();
    const next = cluster.session(1, brokerEpoch);
    const began = cluster.clock.monotonicMs();
    await cluster.serve(next);
    assert(cluster.clock.monotonicMs() - began < INTERVAL_MS);
    assert(next.brokerEpoch > brokerEpoch);
    assert(!cluster.image.broker(1)!.fenced);
  }));

test("a process whose predecessor was killed registers within its session", () =>
  withCluster(async (cluster, [first]) => {
    const { brokerEpoch } = first!;
    first!.stop();
    const next = cluster.session(1);
    await cluster.serve(next);
    assert(cluster.clock.monotonicMs() < 3_000);
    assert(next.brokerEpoch > brokerEpoch);
  }));

test("a broker that is unregistered while it runs comes back", () =>
  withCluster(async (cluster, [, second]) => {
    const { brokerEpoch } = second!;
    await cluster.passes(cluster.controller.unregisterBroker(2));
    const tookMs = await cluster.until(() => cluster.image.broker(2)?.fenced === false);
    assert(tookMs <= 1_000, `${tookMs} ms`);
    assert(second!.brokerEpoch > brokerEpoch);
    assertEquals([second!.state.kind, second!.brokerEpoch], [
      "running",
      cluster.image.broker(2)!.epoch,
    ]);
  }));

test("a killed broker is fenced when its session ends, and the others are not", () =>
  withCluster(async (cluster, [first]) => {
    await cluster.createTopic();
    first!.stop();
    const tookMs = await cluster.until(() => cluster.image.broker(1)!.fenced);
    assert(tookMs >= 2_400 && tookMs <= 3_600, `${tookMs} ms`);
    assertEquals([2, 3].map((id) => cluster.image.broker(id)!.fenced), [false, false]);
    assertEquals(cluster.partition.leader, 2);
    assert(first!.isIsolated);
  }));
