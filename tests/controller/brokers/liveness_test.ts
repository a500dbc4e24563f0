import { assertEquals } from "@std/assert";
import { BrokerLiveness } from "../../../src/controller/brokers/liveness.ts";
import { test } from "../../harness.ts";

const SESSION = 1_000;
const MINUTE = 60_000;

/** Returns a liveness in which the brokers have registered at time 0 with epoch 10 times their id. */
function live(...ids: number[]): BrokerLiveness {
  const liveness = new BrokerLiveness({ sessionTimeoutMs: SESSION });
  for (const id of ids) liveness.register(id, 10 * id, 0);
  return liveness;
}

/** Fences broker 1 because of a refused connect. Returns whether that was allowed. */
function fenceFast(liveness: BrokerLiveness, now: number): boolean {
  return liveness.connectionsClosed(1, now) && liveness.refused(1) !== undefined;
}

test("a session ends a timeout after the last heartbeat", () => {
  const liveness = live(1);
  assertEquals(liveness.touch(1, 10, 600), true);
  assertEquals(liveness.nextDeadline, 1_600);
  assertEquals(liveness.sweep(1_599), undefined);
  assertEquals(liveness.hasSession(1, 10, 1_599), true);
  assertEquals(liveness.hasSession(1, 10, 1_600), false);
  assertEquals(liveness.sweep(1_600), { brokerId: 1, brokerEpoch: 10 });
  assertEquals(liveness.sweep(1_600), undefined);
  assertEquals(liveness.nextDeadline, undefined);
  assertEquals(liveness.touch(1, 10, 2_000), true);
  assertEquals(liveness.hasSession(1, 10, 2_999), true);
});

test("sweep() returns one broker at a time, that of the oldest session first", () => {
  const liveness = live(1, 2, 3);
  liveness.touch(1, 10, 20);
  liveness.touch(2, 20, 10);
  assertEquals([1, 2, 3, 4].map(() => liveness.sweep(5_000)?.brokerId), [3, 2, 1, undefined]);
});

test("touch() ignores another registration", () => {
  const liveness = live(1);
  assertEquals(liveness.touch(1, 9, 500), false);
  assertEquals(liveness.touch(1, 11, 500), false);
  assertEquals(liveness.touch(2, 20, 500), false);
  assertEquals(liveness.nextDeadline, SESSION);
  assertEquals(liveness.hasSession(1, 11, 0), false);
});

test("register() begins a session of a new epoch and extends that of the same", () => {
  const liveness = live(1);
  liveness.touch(1, 10, 0, 44);
  liveness.register(1, 10, 300);
  assertEquals([liveness.nextDeadline, liveness.lowestOffset([1])], [1_300, 44]);
  liveness.register(1, 50, 400);
  assertEquals([liveness.nextDeadline, liveness.lowestOffset([1])], [1_400, -1]);
  assertEquals(liveness.touch(1, 10, 500), false);
});

test("begin() gives every unfenced broker a whole session, and fenced ones none", () => {
  const liveness = live(7);
  liveness.begin([
    { id: 1, epoch: 10, fenced: false },
    { id: 2, epoch: 20, fenced: true },
  ], 5_000);
  assertEquals(liveness.nextDeadline, 6_000);
  assertEquals([1, 2, 7].map((id) => liveness.hasSession(id, 10 * id, 5_000)), [
    true,
    false,
    false,
  ]);
  assertEquals(liveness.touch(2, 20, 5_500), true, "a fenced broker may come back");
});

test("extendAll() extends the sessions of a controller that was late", () => {
  const liveness = live(1, 2);
  liveness.end(2);
  liveness.extendAll(5_000);
  assertEquals(liveness.sweep(5_999), undefined);
  assertEquals(liveness.sweep(6_000)?.brokerId, 1);
  assertEquals(liveness.hasSession(2, 20, 0), false);
});

test("refused() fences a broker whose connections have ended", () => {
  const liveness = live(1);
  assertEquals(liveness.refused(1), undefined, "it still has connections");
  assertEquals(liveness.connectionsClosed(1, 100), true);
  assertEquals(liveness.isKnownDead(1), false);
  assertEquals(liveness.refused(1), { brokerId: 1, brokerEpoch: 10 });
  assertEquals(liveness.isKnownDead(1), true);
  assertEquals(liveness.hasSession(1, 10, 100), false);
  assertEquals(liveness.refused(1), undefined, "it is fenced");
  assertEquals(liveness.connectionsClosed(1, 100), false);
  assertEquals(liveness.connectionsClosed(2, 100), false, "it is unknown");
});

test("refused() spares a broker that sent a heartbeat or registered meanwhile", () => {
  const liveness = live(1);
  liveness.connectionsClosed(1, 100);
  liveness.touch(1, 10, 110);
  assertEquals(liveness.refused(1), undefined);
  liveness.connectionsClosed(1, 120);
  liveness.register(1, 30, 130);
  assertEquals(liveness.refused(1), undefined);
});

test("two wrong fast fences in a minute disable them, twice as long each time", () => {
  const liveness = live(1);
  let now = 0;
  /** Makes two mistakes. Returns for how many minutes no fast fence is allowed afterwards. */
  const distrustAfterTwo = () => {
    for (let mistake = 0; mistake < 2; mistake++) {
      assertEquals(fenceFast(liveness, now), true);
      now += 10;
      liveness.touch(1, 10, now);
    }
    const from = now;
    while (!liveness.connectionsClosed(1, now)) now += MINUTE / 2;
    liveness.touch(1, 10, now);
    return (now - from) / MINUTE;
  };
  assertEquals([1, 2, 3].map(distrustAfterTwo), [1, 2, 4]);
});

test("wrong fast fences more than a minute apart, and right ones, are allowed", () => {
  const liveness = live(1);
  for (let turn = 0; turn < 5; turn++) {
    const now = turn * (MINUTE + 1);
    assertEquals(fenceFast(liveness, now), true, `wrong fence ${turn}`);
    liveness.touch(1, 10, now);
  }
  const restarted = live(1);
  for (let turn = 0; turn < 5; turn++) {
    assertEquals(fenceFast(restarted, turn), true, `right fence ${turn}`);
    restarted.register(1, 100 + turn, turn);
  }
});

test("mistakes are remembered over registrations, but not of an unregistered broker", () => {
  const liveness = live(1);
  for (const epoch of [10, 11]) {
    liveness.register(1, epoch, 0);
    fenceFast(liveness, 0);
    liveness.touch(1, epoch, 0);
  }
  assertEquals(liveness.connectionsClosed(1, 1), false);
  liveness.remove(1);
  assertEquals(liveness.hasSession(1, 11, 1), false);
  liveness.register(1, 12, 1);
  assertEquals(liveness.connectionsClosed(1, 1), true);
});

test("lowestOffset() is that of the broker that is furthest behind", () => {
  const liveness = live(1, 2, 3);
  liveness.touch(1, 10, 0, 50);
  liveness.touch(2, 20, 0, 40);
  liveness.touch(2, 20, 0, 30);
  assertEquals(liveness.lowestOffset([1, 2]), 40, "offsets do not go back");
  assertEquals(liveness.lowestOffset([1, 3]), -1, "3 has reported none");
  assertEquals(liveness.lowestOffset([1, 9]), -1);
  assertEquals(liveness.lowestOffset([]), Infinity);
});

test("beginShutdown() keeps the offset of the first request", () => {
  const liveness = live(1);
  assertEquals(liveness.shutdownOffset(1), undefined);
  liveness.beginShutdown(1, 70);
  liveness.beginShutdown(1, 90);
  liveness.beginShutdown(2, 90);
  assertEquals([1, 2].map((id) => liveness.shutdownOffset(id)), [70, undefined]);
  liveness.register(1, 99, 0);
  assertEquals(liveness.shutdownOffset(1), undefined);
});
