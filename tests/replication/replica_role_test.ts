import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../src/assert.ts";
import { ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import { type Effect, type LeaderState, ReplicaRole } from "../../src/replication/replica_role.ts";
import { test } from "../harness.ts";

const LEADER: LeaderState = { leaderEpoch: 3, replicas: [1, 2], isr: [1] };
const OFFLINE = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is gone");

/** The effects as words, an error by its name. */
function words(effects: readonly Effect[]): string[] {
  return effects.map((effect) =>
    effect.type === "fail-waiting"
      ? `${effect.type} ${errorName(effect.error.code)}`
      : effect.type === "begin-epoch"
      ? `${effect.type} ${effect.leaderEpoch}`
      : effect.type
  );
}

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KafkaError) return errorName(error.code);
    throw error;
  }
  return "NONE";
}

function leader(state: Partial<LeaderState> = {}, highWatermark = 0): ReplicaRole {
  const role = new ReplicaRole("events-0", 1, highWatermark);
  role.becomeLeader({ ...LEADER, ...state }, -1);
  return role;
}

test("becomeLeader() begins an epoch that the log does not have, and notifies readers of a new one", () => {
  const role = new ReplicaRole("events-0", 1, 0);
  assertEquals(words(role.becomeLeader(LEADER, 2)), ["begin-epoch 3", "notify-readers"]);
  assertEquals(words(role.becomeLeader({ ...LEADER, isr: [1, 2] }, 3)), []);
  const next = { ...LEADER, leaderEpoch: 4 };
  assertEquals(words(role.becomeLeader(next, 3)), ["begin-epoch 4", "notify-readers"]);
});

test("becomeFollower() and becomeOffline() fail the requests that wait", () => {
  const follows = { leaderEpoch: 4, leader: 2 };
  assertEquals(words(leader().becomeFollower(follows)), [
    "fail-waiting NOT_LEADER_OR_FOLLOWER",
    "notify-readers",
  ]);
  assertEquals(words(leader().becomeOffline(OFFLINE)), [
    "fail-waiting KAFKA_STORAGE_ERROR",
    "notify-readers",
  ]);
});

test("becomeFollower() has no effects while the epoch stays the same", () => {
  const role = leader();
  role.becomeFollower({ leaderEpoch: 4, leader: 2 });
  assertEquals(role.becomeFollower({ leaderEpoch: 4, leader: 2 }), []);
});

test("checkLeader() and checkLeaderEpoch() answer by role and epoch", () => {
  const role = new ReplicaRole("events-0", 1, 0);
  const answers = () => [
    errorOf(() => role.checkLeader()),
    ...[-1, 2, 3, 4].map((epoch) => errorOf(() => role.checkLeaderEpoch(epoch))),
  ];
  assertEquals(answers()[0], "NOT_LEADER_OR_FOLLOWER");
  role.becomeLeader(LEADER, -1);
  assertEquals(answers(), [
    "NONE",
    "NONE",
    "FENCED_LEADER_EPOCH",
    "NONE",
    "UNKNOWN_LEADER_EPOCH",
  ]);
  role.becomeFollower({ leaderEpoch: 3, leader: 2 });
  assertEquals(answers(), [
    "NOT_LEADER_OR_FOLLOWER",
    "NOT_LEADER_OR_FOLLOWER",
    "FENCED_LEADER_EPOCH",
    "NOT_LEADER_OR_FOLLOWER",
    "UNKNOWN_LEADER_EPOCH",
  ]);
  role.becomeOffline(OFFLINE);
  assertEquals(answers(), Array.from({ length: 5 }, () => "KAFKA_STORAGE_ERROR"));
});

test("onStored() raises the high watermark only of a leader that is the whole ISR", () => {
  const table: [Partial<LeaderState>, boolean][] = [
    [{ isr: [1] }, true],
    [{ isr: [2] }, false],
    [{ isr: [1, 2] }, false],
    [{ isr: [] }, false],
  ];
  for (const [state, rises] of table) {
    const role = leader(state, 5);
    assertEquals([role.onStored(7), role.highWatermark], [rises, rises ? 7 : 5], `${state.isr}`);
  }
  const follower = leader({}, 5);
  follower.becomeFollower({ leaderEpoch: 4, leader: 2 });
  assertEquals([follower.onStored(7), follower.highWatermark], [false, 5]);
});

test("onStored() never lowers the high watermark", () => {
  const role = leader({}, 5);
  assertEquals([role.onStored(4), role.onStored(5), role.highWatermark], [false, false, 5]);
});

test("checkInSync() requires min.insync.replicas, or all replicas where there are fewer", () => {
  const both = leader({ isr: [1, 2] });
  const one = leader({ isr: [1] });
  const needs = (role: ReplicaRole) =>
    [1, 2, 3].map((least) => errorOf(() => role.checkInSync(least)));
  assertEquals(needs(both), ["NONE", "NONE", "NONE"]);
  assertEquals(needs(one), ["NONE", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS"]);
  const alone = leader({ replicas: [1] });
  assertEquals(needs(alone), ["NONE", "NONE", "NONE"]);
});

test("checkReplica() accepts only the other replicas of the partition", () => {
  const role = leader();
  assertEquals(
    [1, 2, 3].map((id) => errorOf(() => role.checkReplica(id))),
    ["UNKNOWN_LEADER_EPOCH", "NONE", "UNKNOWN_LEADER_EPOCH"],
  );
});

test("a leader epoch that goes back fails an assertion", () => {
  assertThrows(() => leader().becomeFollower({ leaderEpoch: 2, leader: 2 }), AssertionFailure);
});
