import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokerSession } from "../../../src/broker/lifecycle/broker_session.ts";
import type { ActiveControllerLocation } from "../../../src/broker/controller_channel.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import {
  brokerHeartbeat,
  type BrokerHeartbeatRequest,
} from "../../../src/protocol/messages/broker_heartbeat.ts";
import {
  brokerRegistration,
  type BrokerRegistrationRequest,
} from "../../../src/protocol/messages/broker_registration.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { test } from "../../harness.ts";
import {
  answering,
  at,
  MovedController,
  withChannel,
  withController,
} from "../controller_fixture.ts";

const INCARNATION = "AAAAAAAAAAAAAAAAAAAAEQ";
const DIRECTORY = "AAAAAAAAAAAAAAAAAAAAIg";
const EPOCH = 40;

/** A controller that the test scripts, and the session of a broker with it. */
class Scripted {
  readonly registrations: BrokerRegistrationRequest[] = [];
  readonly heartbeats: BrokerHeartbeatRequest[] = [];
  readonly messages: string[] = [];
  /** The codes of the next answers, NONE after the last. */
  readonly registrationCodes: number[] = [];
  readonly heartbeatCodes: number[] = [];
  epoch = EPOCH;
  /** The offset of the broker's image. */
  offset = -1;
  #reached = Promise.withResolvers<void>();
  #waiting: { readonly test: () => boolean; readonly resolve: () => void }[] = [];

  /** Calls `use` with a session that has not been started. */
  run(
    use: (session: BrokerSession) => Promise<void>,
    settings: { registrationTimeoutMs?: number; location?: ActiveControllerLocation } = {},
  ): Promise<void> {
    const handlers = [
      answering(brokerRegistration, (request) => {
        this.registrations.push(request);
        const errorCode = this.registrationCodes.shift() ?? ErrorCode.NONE;
        return { errorCode, brokerEpoch: this.epoch };
      }),
      answering(brokerHeartbeat, (request) => {
        this.heartbeats.push(request);
        for (const { test, resolve } of this.#waiting) if (test()) resolve();
        const isCaughtUp = request.currentMetadataOffset >= this.epoch;
        return {
          errorCode: this.heartbeatCodes.shift() ?? ErrorCode.NONE,
          isCaughtUp,
          isFenced: request.wantFence || !isCaughtUp,
          shouldShutDown: request.wantShutDown,
        };
      }),
    ];
    const { registrationTimeoutMs = 60_000 } = settings;
    return withController(handlers, (address) => {
      const { location = new MovedController(at(address)) } = settings;
      return withChannel({ location }, async (channel) => {
        const session = new BrokerSession({
          clock: hostRuntime().clock,
          channel,
          settings: {
            heartbeatIntervalMs: 5,
            sessionTimeoutMs: 30_000,
            registrationTimeoutMs,
            controlledShutdownEnable: true,
            maxStartupTimeMs: 60_000,
          },
          identity: {
            nodeId: 1,
            clusterId: "cluster",
            incarnationId: INCARNATION,
            endpoints: [{ name: "PLAINTEXT", host: "a", port: 9092, securityProtocol: 0 }],
            rack: "r",
            previousBrokerEpoch: 30,
            onlineDirectories: () => [DIRECTORY],
          },
          image: this.#image(),
          logger: { log: (_level, message) => void this.messages.push(message) },
        });
        try {
          await use(session);
        } finally {
          session.stop();
        }
      });
    });
  }

  /** Moves the broker's image to `offset`. */
  reach(offset: number): void {
    this.offset = offset;
    this.#reached.resolve();
  }

  /** Resolves after a heartbeat for which `test` returns true. */
  heartbeat(test: (last: BrokerHeartbeatRequest) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ test: () => test(this.heartbeats.at(-1)!), resolve });
    });
  }

  /** Brings the session's broker into service. */
  async serve(session: BrokerSession): Promise<void> {
    this.reach(this.epoch);
    await session.start();
    await session.becomeReady();
  }

  #image() {
    const offset = () => this.offset;
    return {
      get offset() {
        return offset();
      },
      waitFor: async (awaited: number) => {
        while (this.offset < awaited) {
          await this.#reached.promise;
          this.#reached = Promise.withResolvers<void>();
        }
      },
    };
  }
}

test("a session registers the broker and brings it into service", () => {
  const controller = new Scripted();
  return controller.run(async (session) => {
    const started = session.start();
    await controller.heartbeat(({ wantFence }) => wantFence);
    assertEquals([session.state.kind, session.brokerEpoch], ["recovery", EPOCH]);
    controller.reach(EPOCH + 2);
    await started;
    assert(controller.heartbeats.every(({ wantFence }) => wantFence));
    await session.becomeReady();
    assertEquals([session.state.kind, session.isIsolated], ["running", false]);
    const [{ features, ...registration }] = controller.registrations as [BrokerRegistrationRequest];
    assertEquals(registration, {
      brokerId: 1,
      clusterId: "cluster",
      incarnationId: INCARNATION,
      listeners: [{ name: "PLAINTEXT", host: "a", port: 9092, securityProtocol: 0 }],
      rack: "r",
      isMigratingZkBroker: false,
      logDirs: [DIRECTORY],
      previousBrokerEpoch: 30,
    });
    assert(features.some(({ name }) => name === "metadata.version"));
    assertEquals(controller.heartbeats.at(-1), {
      brokerId: 1,
      brokerEpoch: EPOCH,
      currentMetadataOffset: EPOCH + 2,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
      cordonedLogDirs: null,
    });
    assertEquals(controller.registrations.length, 1);
  });
});

test("a session reports failed directories", () => {
  const controller = new Scripted();
  return controller.run(async (session) => {
    await controller.serve(session);
    const reported = controller.heartbeat(({ offlineLogDirs }) => offlineLogDirs.length > 0);
    session.reportFailedDirectory(DIRECTORY);
    await reported;
    assertEquals(controller.heartbeats.at(-1)!.offlineLogDirs, [DIRECTORY]);
  });
});

test("a session registers again when its registration is gone, with its last epoch", () => {
  const controller = new Scripted();
  return controller.run(async (session) => {
    await controller.serve(session);
    controller.epoch = 90;
    controller.heartbeatCodes.push(ErrorCode.BROKER_ID_NOT_REGISTERED);
    await controller.heartbeat(({ brokerEpoch, wantFence }) => brokerEpoch === 90 && wantFence);
    const unfenced = controller.heartbeat(({ brokerEpoch, wantFence }) =>
      brokerEpoch === 90 && !wantFence
    );
    controller.reach(90);
    await unfenced;
    const { previousBrokerEpoch, incarnationId } = controller.registrations.at(-1)!;
    assertEquals([previousBrokerEpoch, incarnationId], [EPOCH, INCARNATION]);
    assertEquals(controller.messages, [
      "The controllers do not know the registration of this broker (BROKER_ID_NOT_REGISTERED): it " +
      "registers again",
    ]);
  });
});

test("shutDown() asks for a controlled shutdown and resolves when the broker may stop", () => {
  const controller = new Scripted();
  return controller.run(async (session) => {
    await controller.serve(session);
    await session.shutDown();
    assertEquals(controller.heartbeats.at(-1)!.wantShutDown, true);
    assertEquals(session.state.kind, "stopped");
    await session.shutDown();
  });
});

test("a session fails with what to do if the controllers refuse the registration", async () => {
  const { DUPLICATE_BROKER_REGISTRATION, INCONSISTENT_CLUSTER_ID, INVALID_REGISTRATION } =
    ErrorCode;
  for (
    const [code, sentence] of [
      [
        INCONSISTENT_CLUSTER_ID,
        'this broker belong to cluster "cluster", the controllers to another',
      ],
      [INVALID_REGISTRATION, "rejects the listeners PLAINTEXT://a:9092 or the ids of the data"],
      [ErrorCode.UNSUPPORTED_VERSION, "run the same version on all nodes"],
      [DUPLICATE_BROKER_REGISTRATION, "stop that process, or set another node.id here"],
    ] as const
  ) {
    const controller = new Scripted();
    const isDuplicate = code === DUPLICATE_BROKER_REGISTRATION;
    controller.registrationCodes.push(...Array(isDuplicate ? 1 : 100).fill(code));
    controller.reach(EPOCH);
    await controller.run(async (session) => {
      const started = session.start();
      // The other process may die in time.
      if (isDuplicate) await started;
      else {
        const error = await assertRejects(() => started, KafkaError, sentence);
        assertEquals([error.code, await session.failed], [code, error]);
      }
      assertEquals(controller.messages.length, 1);
      assert(controller.messages[0]!.includes(sentence), controller.messages[0]);
      assert(controller.messages[0]!.endsWith("; it tries again"));
    }, { registrationTimeoutMs: 150 });
  }
});

test("a session fails if no controller answers within initial.broker.registration.timeout.ms", () =>
  new Scripted().run(async (session) => {
    assert(session.isIsolated);
    await assertRejects(
      () => session.start(),
      KafkaError,
      "Cannot register broker 1 with the active controller: none has answered; start the controllers",
    );
  }, { registrationTimeoutMs: 20, location: new MovedController(null) }));

test("stop() ends a session that waits", () =>
  new Scripted().run(async (session) => {
    const started = session.start();
    session.stop();
    await assertRejects(() => started, KafkaError, "this broker has been stopped");
    await session.shutDown();
  }, { location: new MovedController(null) }));
