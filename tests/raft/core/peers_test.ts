import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../src/assert.ts";
import type { Destination } from "../../../src/raft/core/effects.ts";
import type { PeerRequest } from "../../../src/raft/core/messages.ts";
import { Peers } from "../../../src/raft/core/peers.ts";
import { DEFAULT_RAFT_TIMING, SEARCH_TIMEOUT_MS } from "../../../src/raft/core/timing.ts";
import { test } from "../../harness.ts";

const TO: Destination = { id: 2, address: { host: "host", port: 2 } };
const OTHER: Destination = { id: 3, address: { host: "host", port: 3 } };
const KEY = { id: 1, directoryId: "d1" };
const FETCH: PeerRequest = {
  type: "fetch",
  epoch: 1,
  replica: KEY,
  offset: 0,
  lastEpoch: 0,
  highWatermark: -1,
  maxWaitMs: 0,
  maxBytes: 1,
};
const BEGIN: PeerRequest = {
  type: "begin-quorum-epoch",
  epoch: 1,
  leaderId: 1,
  voter: KEY,
  endpoints: [],
};

const { requestTimeoutMs, retryBackoffMs } = DEFAULT_RAFT_TIMING;

test("a node with a request in flight gets no other one", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  assertEquals(peers.readyAt(2), 0);
  const { correlationId } = peers.begin(TO, BEGIN, 10);
  assertEquals(peers.readyAt(2), Infinity);
  assertThrows(() => peers.begin(TO, BEGIN, 11), AssertionFailure, "node 2");
  assertEquals(peers.readyAt(3), 0);
  assertEquals(peers.end(correlationId, false, 12)?.to, TO);
  assertEquals(peers.readyAt(2), 0);
});

test("isFetching is true while a fetch is in flight to any node", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  peers.begin(TO, BEGIN, 0);
  assert(!peers.isFetching);
  const { correlationId } = peers.begin(OTHER, FETCH, 0);
  assert(peers.isFetching);
  peers.end(correlationId, true, 1);
  assert(!peers.isFetching);
});

test("the waits after failures double up to 16 times the first", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  const waits: number[] = [];
  for (let failures = 0; failures < 6; failures++) {
    peers.end(peers.begin(TO, BEGIN, 0).correlationId, true, 0);
    waits.push(peers.readyAt(2) / retryBackoffMs);
  }
  assertEquals(waits, [1, 2, 4, 8, 16, 16]);
  assert(peers.isFailing(2));
  peers.end(peers.begin(TO, BEGIN, 0).correlationId, false, 0);
  assert(!peers.isFailing(2));
});

test("the waits after useless answers double only after many of them", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  const ask = (): number => {
    peers.end(peers.begin(TO, FETCH, 0).correlationId, false, 0);
    peers.delay(2, 0);
    return peers.readyAt(2) / retryBackoffMs;
  };
  assertEquals(Array.from({ length: 17 }, ask), Array(17).fill(1));
  assertEquals(Array.from({ length: 5 }, ask), [2, 4, 8, 16, 16]);
  assert(peers.isFailing(2));
  peers.accept(2);
  assertEquals(ask(), 1);
  Array.from({ length: 20 }, ask);
  peers.reset();
  assertEquals(ask(), 1, "it may be the leader of another epoch");
});

test("expire() ends the requests that have waited too long as failures", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  const { correlationId } = peers.begin(TO, FETCH, 100);
  peers.begin(OTHER, BEGIN, 200);
  assertEquals(peers.nextDeadline, 100 + requestTimeoutMs);
  assertEquals(peers.expire(99 + requestTimeoutMs), []);
  assertEquals(peers.expire(100 + requestTimeoutMs).map(({ to }) => to.id), [2]);
  assert(peers.isFailing(2));
  assertEquals(peers.end(correlationId, false, 9_999), null, "its late answer does not count");
  assertEquals(peers.nextDeadline, 200 + requestTimeoutMs);
});

test("reset() forgets the requests in flight, whose answers do not count", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  const { correlationId } = peers.begin(TO, FETCH, 0);
  peers.reset();
  assertEquals([peers.readyAt(2), peers.nextDeadline, peers.isFetching], [0, Infinity, false]);
  assertEquals(peers.end(correlationId, false, 1), null);
});

test("a request has a number of its own after a reset, too", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  const first = peers.begin(TO, FETCH, 0).correlationId;
  peers.reset();
  assert(peers.begin(TO, FETCH, 0).correlationId !== first);
});

test("a search for the leader is given up sooner, and later each time a node stays silent", () => {
  const peers = new Peers(DEFAULT_RAFT_TIMING);
  const search = (now: number) => peers.begin(TO, FETCH, now, { isSearch: true });
  let now = 0;
  for (const timeoutMs of [1, 2, 4, 8].map((times) => times * SEARCH_TIMEOUT_MS)) {
    const { deadline } = search(now);
    assertEquals(deadline - now, Math.min(timeoutMs, requestTimeoutMs));
    assertEquals(peers.expire(deadline - 1), []);
    assertEquals(peers.expire(deadline).length, 1);
    now = deadline;
  }
  assertEquals(peers.silencesOf(2), 4);
  // A useless answer, or a refused connection, is no silence.
  peers.end(search(now).correlationId, true, now);
  assertEquals(peers.silencesOf(2), 4);
  const { correlationId } = search(now);
  peers.end(correlationId, false, now);
  peers.delay(2, now);
  assertEquals([peers.silencesOf(2), search(now).deadline - now], [0, SEARCH_TIMEOUT_MS]);
});
