import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../src/assert.ts";
import { VoterHistory } from "../../../src/raft/core/voter_history.ts";
import type { VoterSet } from "../../../src/raft/core/voter_set.ts";
import { test } from "../../harness.ts";
import { voter, voterSet } from "./voters.ts";

const ids = (voters: VoterSet) => [...voters].map(({ id }) => id);

/** Sets {1}, {1, 2} at 10, {1, 2, 3} at 20. */
function history(): VoterHistory {
  const history = new VoterHistory(voterSet(1), 1);
  history.addVoters(10, voterSet(1, 2));
  history.addVoters(20, voterSet(1, 2, 3));
  return history;
}

test("a set acts from its record on, and before() ignores later ones", () => {
  const voters = history();
  assertEquals(ids(voters.voters), [1, 2, 3]);
  assertEquals(voters.votersOffset, 20);
  assertEquals(ids(voters.before(21).voters), [1, 2, 3]);
  assertEquals(ids(voters.before(20).voters), [1, 2]);
  assertEquals(ids(voters.before(11).voters), [1, 2]);
  assertEquals(ids(voters.before(10).voters), [1]);
});

test("truncateTo() undoes the records at its offset and after", () => {
  const voters = history();
  voters.truncateTo(21);
  assertEquals(ids(voters.voters), [1, 2, 3]);
  voters.truncateTo(20);
  assertEquals(ids(voters.voters), [1, 2]);
  voters.truncateTo(0);
  assertEquals(ids(voters.voters), [1]);
  assertEquals(voters.votersOffset, -1);
});

test("addVoters() rejects an offset that is not after the latest", () => {
  assertThrows(() => history().addVoters(20, voterSet(1)), AssertionFailure, "at 20 after 20");
});

test("the level of kraft.version is undone by truncation as well", () => {
  const voters = new VoterHistory(voterSet(1), 0);
  voters.addKRaftVersion(5, 1);
  assertEquals([voters.kraftVersion, voters.before(5).kraftVersion], [1, 0]);
  voters.truncateTo(5);
  assertEquals(voters.kraftVersion, 0);
});

test("startAt() keeps the set of the snapshot and those after it", () => {
  const voters = history();
  voters.startAt(15);
  assertEquals(ids(voters.before(15).voters), [1, 2]);
  assertEquals(ids(voters.voters), [1, 2, 3]);
  voters.truncateTo(20);
  assertEquals(ids(voters.voters), [1, 2]);
});

test("startAt() the offset of a set keeps the set before it", () => {
  const voters = history();
  voters.startAt(20);
  assertEquals(ids(voters.before(20).voters), [1, 2]);
  assertEquals(ids(voters.voters), [1, 2, 3]);
});

test("loadSnapshot() replaces everything", () => {
  const voters = history();
  voters.loadSnapshot(100, voterSet(4, 5), 1);
  assertEquals(ids(voters.voters), [4, 5]);
  assertEquals(ids(voters.before(100).voters), [4, 5]);
  voters.addVoters(100, voterSet(4));
  assertEquals(ids(voters.voters), [4]);
});

test("loadSnapshot() under kraft.version 0 keeps the static voters", () => {
  const voters = new VoterHistory(voterSet(1, 2), 0);
  voters.loadSnapshot(100, null, 0);
  assertEquals(ids(voters.voters), [1, 2]);
  assertEquals(ids(voters.before(100).voters), [1, 2]);
  assertEquals(voters.kraftVersion, 0);
});

test("wasVoterBefore() knows a removed voter until its removal is committed", () => {
  const voters = new VoterHistory(voterSet(1, 2), 1);
  assert(!voters.wasVoterBefore(voter(1), 0));
  voters.addVoters(10, voterSet(2));
  assert(voters.wasVoterBefore(voter(1), 10));
  assert(!voters.wasVoterBefore(voter(1), 11));
  assert(!voters.wasVoterBefore(voter(1, "other"), 10));
  assert(!voters.wasVoterBefore(voter(3), 10));
});
