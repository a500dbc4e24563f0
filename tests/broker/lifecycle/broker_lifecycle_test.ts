import { assert, assertEquals } from "@std/assert";
import { BrokerLifecycle } from "../../../src/broker/lifecycle/broker_lifecycle.ts";
import type {
  LifecycleEffect,
  LifecycleEvent,
} from "../../../src/broker/lifecycle/lifecycle_types.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";

const SETTINGS = {
  heartbeatIntervalMs: 500,
  sessionTimeoutMs: 3_000,
  registrationTimeoutMs: 60_000,
  controlledShutdownEnable: true,
};
const EPOCH = 40;
const OK = { kind: "heartbeat answered", isFenced: false, shouldShutDown: false } as const;
const FENCED = { ...OK, isFenced: true } as const;

/** A broker whose effects are noted as text. */
class Life {
  readonly machine: BrokerLifecycle;
  now = 1_000;

  constructor(settings: Partial<typeof SETTINGS> = {}) {
    this.machine = new BrokerLifecycle({ ...SETTINGS, ...settings });
  }

  /** Processes an event `afterMs` after the last one. */
  on(event: LifecycleEvent, afterMs = 0): string[] {
    this.now += afterMs;
    return this.machine.handle(event, this.now).map(textOf);
  }

  fail(code: number, afterMs = 0): string[] {
    const { kind } = this.machine.state;
    const failed = kind === "starting" ? "registration failed" : "heartbeat failed";
    return this.on({ kind: failed, code, reason: "the test says so" }, afterMs);
  }

  /** Ticks when the machine asks for it. */
  tick(): string[] {
    this.now = this.machine.tickAt!;
    return this.on({ kind: "tick" });
  }

  get state(): string {
    return this.machine.state.kind;
  }

  /** Brings the broker into service. Its last heartbeat was answered in the same millisecond. */
  run(): this {
    this.on({ kind: "start" });
    this.on({ kind: "registered", epoch: EPOCH });
    this.on(FENCED);
    this.on({ kind: "image reached", offset: EPOCH });
    this.on(FENCED);
    this.on({ kind: "ready" });
    this.on(OK);
    assertEquals(this.state, "running");
    return this;
  }
}

function textOf(effect: LifecycleEffect): string {
  switch (effect.kind) {
    case "heartbeat": {
      const { epoch, wantFence, wantShutDown, offlineDirectories } = effect;
      const flags = [wantFence && "fence", wantShutDown && "shut down", ...offlineDirectories];
      return ["heartbeat", epoch, ...flags.filter((flag) => flag !== false)].join(" ");
    }
    case "await image":
      return `await image ${effect.offset}`;
    case "registration refused":
    case "fatal":
      return `${effect.kind} ${effect.code}`;
    case "notice":
      return effect.level;
    default:
      return effect.kind;
  }
}

test("a broker registers, catches up, becomes ready and is unfenced", () => {
  const life = new Life();
  assertEquals(life.on({ kind: "start" }), ["register"]);
  assertEquals(life.on({ kind: "registered", epoch: EPOCH }, 20), [
    `await image ${EPOCH}`,
    "heartbeat 40 fence",
  ]);
  assertEquals(life.on(FENCED, 5), []);
  assertEquals(life.on({ kind: "image reached", offset: EPOCH }, 5), [
    "caught up",
    "heartbeat 40 fence",
  ]);
  assertEquals([life.on(FENCED, 5), life.state], [[], "recovery"]);
  assertEquals(life.on({ kind: "ready" }, 100), ["heartbeat 40"]);
  assertEquals([life.on(OK, 5), life.state], [["unfenced"], "running"]);
});

test("a broker that is ready before it has caught up stays fenced until both", () => {
  const life = new Life();
  life.on({ kind: "start" });
  life.on({ kind: "registered", epoch: EPOCH });
  life.on(FENCED);
  assertEquals(life.on({ kind: "ready" }), ["heartbeat 40 fence"]);
  life.on(FENCED);
  assertEquals(life.on({ kind: "image reached", offset: EPOCH - 1 }), []);
  assertEquals(life.on({ kind: "image reached", offset: EPOCH }), ["caught up", "heartbeat 40"]);
});

test("heartbeats leave at each interval, never two at a time", () => {
  const life = new Life().run();
  assertEquals(life.machine.tickAt, life.now + 500);
  assertEquals(life.on({ kind: "tick" }, 499), []);
  assertEquals(life.on({ kind: "tick" }, 1), ["heartbeat 40"]);
  assertEquals([life.machine.tickAt, life.on({ kind: "tick" }, 900)], [null, []]);
  assertEquals(life.on(OK), ["heartbeat 40"]);
});

test("what happens during a heartbeat is reported by the next one, at once", () => {
  const life = new Life().run();
  life.tick();
  assertEquals(life.on({ kind: "directory failed", id: "A" }), []);
  assertEquals(life.on({ kind: "directory failed", id: "B" }), []);
  assertEquals(life.on(OK), ["heartbeat 40 A B"]);
  assertEquals(life.on(OK), []);
  assertEquals(life.on({ kind: "directory failed", id: "A" }), []);
  assertEquals(life.tick(), ["heartbeat 40 A B"]);
});

test("a failed directory is reported at once", () => {
  const life = new Life().run();
  assertEquals(life.on({ kind: "directory failed", id: "A" }, 10), ["heartbeat 40 A"]);
});

test("a failed heartbeat is repeated before the interval", () => {
  const life = new Life().run();
  life.tick();
  assertEquals(life.fail(ErrorCode.REQUEST_TIMED_OUT, 1_000), ["debug"]);
  assertEquals(life.machine.tickAt, life.now + 50);
  assertEquals(life.tick(), ["heartbeat 40"]);
});

test("a broker that is fenced while it runs is unfenced by its heartbeats", () => {
  const life = new Life().run();
  life.tick();
  assertEquals([life.on(FENCED), life.state], [["warn"], "running"]);
  assertEquals(life.tick(), ["heartbeat 40"]);
  assertEquals(life.on(OK), ["info"]);
});

for (const code of [ErrorCode.STALE_BROKER_EPOCH, ErrorCode.BROKER_ID_NOT_REGISTERED]) {
  test(`a running broker registers again after error ${code}`, () => {
    const life = new Life().run();
    life.tick();
    assertEquals([life.fail(code), life.state], [["warn", "register"], "starting"]);
    assertEquals(life.machine.brokerEpoch, EPOCH);
    // The record of the first registration does not make it catch up with the second.
    assertEquals(life.on({ kind: "image reached", offset: EPOCH }), []);
    assertEquals(life.on({ kind: "registered", epoch: 90 }), [
      "await image 90",
      "heartbeat 90 fence",
    ]);
    life.on(FENCED);
    assertEquals(life.on({ kind: "image reached", offset: EPOCH }), []);
    assertEquals(life.on({ kind: "image reached", offset: 90 }), ["caught up", "heartbeat 90"]);
    assertEquals([life.on(OK), life.state], [["unfenced"], "running"]);
  });
}

test("a broker that another process replaces twice soon after its registration stops", () => {
  const life = new Life().run();
  const isReplaced = (afterMs: number) => {
    life.tick();
    return life.fail(ErrorCode.STALE_BROKER_EPOCH, afterMs);
  };
  const registers = () => {
    life.on({ kind: "registered", epoch: EPOCH });
    life.on(FENCED);
  };
  // It has served for long: the other one is new.
  assertEquals(isReplaced(60_000), ["warn", "register"]);
  registers();
  assertEquals(isReplaced(100), ["warn", "register"]);
  registers();
  assertEquals(isReplaced(60_000), ["warn", "register"], "not in a row");
  registers();
  assertEquals(isReplaced(100), ["warn", "register"]);
  registers();
  assertEquals(isReplaced(100), ["fatal 77"]);
  assertEquals(life.state, "stopped");
  // An administrator who unregisters it is no other process.
  const unregistered = new Life().run();
  for (let times = 0; times < 5; times++) {
    unregistered.tick();
    assertEquals(unregistered.fail(ErrorCode.BROKER_ID_NOT_REGISTERED), ["warn", "register"]);
    unregistered.on({ kind: "registered", epoch: EPOCH });
    unregistered.on(FENCED);
  }
});

test("a registration is retried until its time is over", () => {
  const life = new Life();
  life.on({ kind: "start" });
  assertEquals(life.fail(ErrorCode.REQUEST_TIMED_OUT, 30_000), []);
  assertEquals(life.machine.tickAt, life.now + 100);
  assertEquals(life.tick(), ["register"]);
  assertEquals(life.fail(ErrorCode.REQUEST_TIMED_OUT, 29_000), []);
  life.tick();
  assertEquals(life.fail(ErrorCode.REQUEST_TIMED_OUT, 1_000), ["fatal 7"]);
  assertEquals([life.state, life.machine.tickAt], ["stopped", null]);
});

test("a refused registration is reported once, retried and fatal in the end", () => {
  const life = new Life();
  life.on({ kind: "start" });
  const { INCONSISTENT_CLUSTER_ID } = ErrorCode;
  assertEquals(life.fail(INCONSISTENT_CLUSTER_ID, 10), ["registration refused 104"]);
  life.tick();
  assertEquals(life.fail(INCONSISTENT_CLUSTER_ID, 10), []);
  life.tick();
  assertEquals(life.fail(INCONSISTENT_CLUSTER_ID, 60_000), ["fatal 104"]);
});

test("a duplicate registration is retried as long as the session of the other process may last", () => {
  const life = new Life({ registrationTimeoutMs: 1_000 });
  life.on({ kind: "start" });
  const { DUPLICATE_BROKER_REGISTRATION } = ErrorCode;
  assertEquals(life.fail(DUPLICATE_BROKER_REGISTRATION, 2_000), ["registration refused 101"]);
  life.tick();
  assertEquals(life.fail(DUPLICATE_BROKER_REGISTRATION, 3_000), []);
  life.tick();
  assertEquals(life.fail(DUPLICATE_BROKER_REGISTRATION, 1_000), ["fatal 101"]);
});

test("a broker that has served waits for its controllers for ever", () => {
  const life = new Life().run();
  life.tick();
  life.fail(ErrorCode.STALE_BROKER_EPOCH);
  for (let i = 0; i < 5; i++) {
    assertEquals(life.fail(ErrorCode.REQUEST_TIMED_OUT, 50_000), []);
    assertEquals(life.tick(), ["register"]);
  }
  // But not for a configuration that cannot work.
  assertEquals(life.fail(ErrorCode.INVALID_REGISTRATION), ["registration refused 119"]);
  life.tick();
  assertEquals(life.fail(ErrorCode.INVALID_REGISTRATION, 60_000), ["fatal 119"]);
});

test("a controlled shutdown ends when the controller allows it", () => {
  const life = new Life().run();
  assertEquals(life.on({ kind: "shut down" }, 10), ["heartbeat 40 shut down"]);
  assertEquals([life.on(OK, 5), life.state], [[], "controlled shutdown"]);
  assertEquals(life.on({ kind: "shut down" }), []);
  assertEquals(life.tick(), ["heartbeat 40 shut down"]);
  assertEquals(life.on({ ...OK, shouldShutDown: true }, 5), ["may stop"]);
  assertEquals([life.state, life.on(OK), life.machine.tickAt], ["stopped", [], null]);
});

test("heartbeats are frequent during a controlled shutdown, less so with time", () => {
  const life = new Life().run();
  life.on({ kind: "shut down" });
  for (const intervalMs of [10, 20, 40, 80, 100, 100]) {
    life.on(OK);
    assertEquals(life.machine.tickAt, life.now + intervalMs);
    life.tick();
  }
});

test("the offset that another broker's shutdown waits for is reported at once", () => {
  const life = new Life().run();
  assertEquals(life.on({ kind: "offset awaited" }, 10), ["heartbeat 40"]);
  assertEquals(life.on({ kind: "offset awaited" }), []);
  assertEquals(life.on(OK), ["heartbeat 40"]);
  assertEquals(life.on(OK), []);
  // Only brokers in service are waited for.
  const starting = new Life();
  starting.on({ kind: "start" });
  starting.on({ kind: "registered", epoch: EPOCH });
  assertEquals(starting.on({ kind: "offset awaited" }), []);
  assertEquals(starting.on(FENCED), []);
});

test("a controlled shutdown is given up when no controller answers for a session", () => {
  const life = new Life().run();
  life.on({ kind: "shut down" }, 100);
  assertEquals(life.machine.tickAt, life.now + 3_000);
  assertEquals(life.on({ kind: "tick" }, 2_999), []);
  assertEquals(life.on({ kind: "tick" }, 1), ["warn", "may stop"]);
});

test("a controlled shutdown takes at most five minutes", () => {
  const life = new Life().run();
  life.on({ kind: "shut down" });
  const began = life.now;
  for (let i = 0; life.state !== "stopped"; i++) {
    assert(i < 4_000, "it does not end");
    if (life.on(OK).includes("may stop")) break;
    life.tick();
  }
  assertEquals(life.now - began, 300_000);
});

test("a broker stops at once without a registration or without controlled shutdown", () => {
  const starting = new Life();
  starting.on({ kind: "start" });
  assertEquals(starting.on({ kind: "shut down" }), ["may stop"]);
  assertEquals(starting.on({ kind: "registered", epoch: EPOCH }), []);
  const disabled = new Life({ controlledShutdownEnable: false }).run();
  assertEquals(disabled.on({ kind: "shut down" }), ["may stop"]);
  const gone = new Life().run();
  gone.on({ kind: "shut down" });
  assertEquals(gone.fail(ErrorCode.STALE_BROKER_EPOCH), ["may stop"]);
});

test("isIsolated() counts from the time at which the last accepted request was sent", () => {
  const life = new Life();
  assert(life.machine.isIsolated(life.now));
  life.run();
  const sentAt = life.machine.tickAt!;
  life.tick();
  // The answer is late, and the session began when the request arrived.
  life.on(OK, 2_000);
  assert(!life.machine.isIsolated(sentAt + 2_999));
  assert(life.machine.isIsolated(sentAt + 3_000));
  life.fail(ErrorCode.REQUEST_TIMED_OUT, 500);
  assert(life.machine.isIsolated(sentAt + 3_000));
});
