import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../src/assert.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { isSameReplica, replicaName, VoterSet } from "../../../src/raft/core/voter_set.ts";
import { test } from "../../harness.ts";
import { voter, voterSet } from "./voters.ts";

test("the majority is more than half of the voters", () => {
  const majorities = [1, 2, 3, 4, 5].map((size) =>
    voterSet(...Array.from({ length: size }, (_, index) => index)).majority
  );
  assertEquals(majorities, [1, 2, 2, 3, 3]);
});

test("has() tells a node with another directory from the voter that it was", () => {
  const set = voterSet(1, 2);
  assert(set.has({ id: 1, directoryId: "d1" }));
  assert(!set.has({ id: 1, directoryId: "other" }));
  assert(!set.has({ id: 3, directoryId: "d3" }));
});

test("has() accepts any directory of a voter whose directory is unknown", () => {
  const set = new VoterSet([voter(1, ZERO_UUID)]);
  assert(set.has({ id: 1, directoryId: "any" }));
  assert(set.isOnly({ id: 1, directoryId: "any" }));
});

test("has() does not accept an unknown directory for a voter whose directory is known", () => {
  assert(!voterSet(1).has({ id: 1, directoryId: ZERO_UUID }));
});

test("isOnly() is true for a sole voter with its directory", () => {
  assert(voterSet(1).isOnly(voter(1)));
  assert(!voterSet(1).isOnly(voter(1, "other")));
  assert(!voterSet(1, 2).isOnly(voter(1)));
});

test("with() adds or replaces, without() removes, and the set itself stays", () => {
  const set = voterSet(1, 2);
  assertEquals([...set.with(voter(3))].map(({ id }) => id), [1, 2, 3]);
  assertEquals(set.with(voter(2, "new")).byId(2)?.directoryId, "new");
  assertEquals([...set.without(1)].map(({ id }) => id), [2]);
  assertEquals(set.size, 2);
});

test("equals() compares voters with endpoints and versions, in any order", () => {
  assert(voterSet(1, 2).equals(voterSet(2, 1)));
  assert(!voterSet(1, 2).equals(voterSet(1)));
  assert(!voterSet(1, 2).equals(voterSet(1, 3)));
  const moved = { ...voter(2), endpoints: [{ name: "CONTROLLER", host: "host", port: 9 }] };
  assert(!voterSet(1, 2).equals(voterSet(1, 2).with(moved)));
});

test("a set rejects two voters with one id", () => {
  assertThrows(() => new VoterSet([voter(1), voter(1, "other")]), AssertionFailure, "1 twice");
});

test("isSameReplica() takes an unknown directory for any", () => {
  assert(isSameReplica({ id: 1, directoryId: ZERO_UUID }, voter(1)));
  assert(isSameReplica(voter(1), { id: 1, directoryId: ZERO_UUID }));
  assert(!isSameReplica(voter(1), voter(1, "other")));
  assert(!isSameReplica(voter(1, ZERO_UUID), voter(2, ZERO_UUID)));
});

test("replicaName() names a directory that is known", () => {
  assertEquals(replicaName(voter(1)), "1 (d1)");
  assertEquals(replicaName(voter(1, ZERO_UUID)), "1");
});
