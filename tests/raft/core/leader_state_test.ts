import { assert, assertEquals } from "@std/assert";
import { LeaderState } from "../../../src/raft/core/leader_state.ts";
import { DEFAULT_RAFT_TIMING, OBSERVER_TIMEOUT_MS } from "../../../src/raft/core/timing.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { VoterSet } from "../../../src/raft/core/voter_set.ts";
import { test } from "../../harness.ts";
import { voter, voterSet } from "./voters.ts";

const { fetchTimeoutMs } = DEFAULT_RAFT_TIMING;
const CHECK_MS = 1.5 * fetchTimeoutMs;

/** Replica 1 leads epoch 5 since time 1,000, from offset 10 on. */
function leader(): LeaderState {
  const start = { epoch: 5, offset: 10, now: 1_000, granting: [1, 2] };
  return new LeaderState(voter(1), DEFAULT_RAFT_TIMING, start);
}

test("replicatedOffset() is what a majority has", () => {
  const state = leader();
  const voters = voterSet(1, 2, 3);
  assertEquals(state.replicatedOffset(voters, 20), -1);
  state.recordFetch(voter(2), 15, 20, 1_001);
  assertEquals(state.replicatedOffset(voters, 20), 15);
  assertEquals(state.replicatedOffset(voters, 12), 12);
  state.recordFetch(voter(3), 18, 20, 1_002);
  assertEquals(state.replicatedOffset(voters, 12), 15);
});

test("replicatedOffset() of an even number of voters needs more than half", () => {
  const state = leader();
  const voters = voterSet(1, 2, 3, 4);
  state.recordFetch(voter(2), 15, 20, 1_001);
  assertEquals(state.replicatedOffset(voters, 20), -1);
  state.recordFetch(voter(3), 12, 20, 1_001);
  assertEquals(state.replicatedOffset(voters, 20), 12);
});

test("replicatedOffset() does not count observers, nor a leader that was removed", () => {
  const state = leader();
  state.recordFetch(voter(9), 20, 20, 1_001);
  state.recordFetch(voter(2), 12, 20, 1_001);
  assertEquals(state.replicatedOffset(voterSet(2, 3), 20), -1);
  state.recordFetch(voter(3), 11, 20, 1_001);
  assertEquals(state.replicatedOffset(voterSet(2, 3), 20), 11);
});

test("replicatedOffset() does not count another disk of a voter", () => {
  const state = leader();
  state.recordFetch(voter(2, "other"), 20, 20, 1_001);
  assertEquals(state.replicatedOffset(voterSet(1, 2), 20), -1);
});

test("of a voter without a known directory the disk that fetched last counts", () => {
  const state = leader();
  const voters = new VoterSet([voter(1, ZERO_UUID), voter(2, ZERO_UUID)]);
  state.recordFetch(voter(2, "old"), 20, 20, 1_001);
  state.recordFetch(voter(2, "new"), 3, 20, 1_002);
  assertEquals(state.replicatedOffset(voters, 20), 3);
});

test("a voter may fall back, since it may have lost what was acknowledged before it was durable", () => {
  const state = leader();
  state.recordFetch(voter(2), 20, 20, 1_001);
  state.recordFetch(voter(2), 12, 20, 1_002);
  assertEquals(state.replicatedOffset(voterSet(1, 2), 20), 12);
});

test("checkQuorumAt() follows the latest fetch of the voter that completes a majority", () => {
  const state = leader();
  const voters = voterSet(1, 2, 3, 4, 5);
  assertEquals(state.checkQuorumAt(voters), 1_000 + CHECK_MS);
  state.recordFetch(voter(2), 10, 10, 3_000);
  assertEquals(state.checkQuorumAt(voters), 1_000 + CHECK_MS);
  state.recordContact(voter(3), 2_000);
  assertEquals(state.checkQuorumAt(voters), 2_000 + CHECK_MS);
  state.recordFetch(voter(9), 10, 10, 9_000);
  assertEquals(state.checkQuorumAt(voters), 2_000 + CHECK_MS);
});

test("checkQuorumAt() is never for a sole voter, and needs all of a majority from a removed leader", () => {
  const state = leader();
  assertEquals(state.checkQuorumAt(voterSet(1)), Infinity);
  assertEquals(state.checkQuorumAt(voterSet(2)), 1_000 + CHECK_MS);
});

test("announceAt() is half a fetch timeout after the last announcement or fetch", () => {
  const state = leader();
  assertEquals(state.announceAt(voter(2)), 0);
  state.recordAnnouncement(voter(2), 1_000);
  assertEquals(state.announceAt(voter(2)), 1_000 + fetchTimeoutMs / 2);
  state.recordFetch(voter(2), 10, 10, 1_500);
  assertEquals(state.announceAt(voter(2)), 1_500 + fetchTimeoutMs / 2);
  state.repeatAnnouncement(2);
  assertEquals(state.announceAt(voter(2)), 0);
});

test("a replica has caught up if it has the end of the log of its fetch before", () => {
  const state = leader();
  state.recordFetch(voter(2), 10, 20, 2_000);
  state.recordFetch(voter(2), 20, 25, 3_000);
  assertEquals(state.progress(voter(2))?.lastCaughtUpAt, 2_000);
  state.recordFetch(voter(2), 25, 25, 4_000);
  assertEquals(state.progress(voter(2))?.lastCaughtUpAt, 4_000);
});

test("forgetSilentObservers() keeps voters and those that have fetched", () => {
  const state = leader();
  state.recordFetch(voter(2), 10, 10, 1_000);
  state.recordFetch(voter(8), 10, 10, 1_000);
  state.recordFetch(voter(9), 10, 10, 1_001);
  state.forgetSilentObservers(voterSet(1, 2), 1_001 + OBSERVER_TIMEOUT_MS);
  assertEquals([...state.replicas].map(({ key }) => key.id), [2, 9]);
});

test("forgetSilentObservers() keeps a bounded number of replicas, and all voters", () => {
  const state = leader();
  // Of a voter without a known directory, only the disk that fetched last counts.
  const voters = new VoterSet([voter(1, ZERO_UUID), voter(2, ZERO_UUID), voter(3)]);
  state.recordFetch(voter(2, "now"), 15, 20, 3_000);
  state.recordFetch(voter(3), 12, 20, 1_001);
  for (let id = 0; id < 20_000; id++) {
    state.recordFetch(voter(2 + id % 2 * 98, `d${id}`), 0, 20, 1_002);
    state.forgetSilentObservers(voters, 3_000);
  }
  const count = [...state.replicas].length;
  assert(count > 1_000 && count < 5_000, `${count} replicas`);
  assertEquals(state.progress(voter(2, ZERO_UUID))?.endOffset, 15);
  assertEquals(state.progress(voter(3))?.endOffset, 12);
});
