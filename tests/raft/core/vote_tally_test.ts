import { assert, assertEquals } from "@std/assert";
import { VoteTally } from "../../../src/raft/core/vote_tally.ts";
import { test } from "../../harness.ts";
import { voterSet } from "./voters.ts";

test("an election of three is won by two votes", () => {
  const tally = new VoteTally(voterSet(1, 2, 3));
  tally.record(1, true);
  assert(!tally.isWon);
  tally.record(3, true);
  assert(tally.isWon);
  assert(!tally.isLost);
  assertEquals([...tally.granted], [1, 3]);
});

test("an election of four is lost by two rejections", () => {
  const tally = new VoteTally(voterSet(1, 2, 3, 4));
  tally.record(1, true);
  tally.record(2, false);
  assert(!tally.isLost);
  tally.record(3, false);
  assert(tally.isLost);
});

test("the votes of other replicas and second votes do not count", () => {
  const tally = new VoteTally(voterSet(1, 2, 3));
  tally.record(9, true);
  tally.record(1, true);
  tally.record(1, true);
  assert(!tally.isWon);
  tally.record(2, false);
  tally.record(2, true);
  assert(!tally.isWon);
  assertEquals([tally.hasVoted(2), tally.hasVoted(3), tally.hasVoted(9)], [true, false, false]);
});

test("an election without voters is never won", () => {
  assert(!new VoteTally(voterSet()).isWon);
});
