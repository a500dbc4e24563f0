import { assertEquals, assertThrows } from "@std/assert";
import {
  type FetchPlan,
  FetchSessionCache,
  sessionEpochAfter,
} from "../../src/broker/fetch_session_cache.ts";
import { CONSUMER, type Reader } from "../../src/replication/partition_read.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { fetch, type FetchRequest } from "../../src/protocol/messages/fetch.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import type { Clock } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";

const CONSUMES: Reader = { replicaId: CONSUMER, committedOnly: false, allowZstd: true };
const REPLICATES: Reader = { ...CONSUMES, replicaId: 2 };

function setUp(maxSessions = 10) {
  let now = 0;
  let id = 100;
  const clock = { monotonicMs: () => now } as Clock;
  const random = { fill: (target: Uint8Array) => target, below: () => id++ };
  const cache = new FetchSessionCache(clock, random, () => maxSessions);
  const sessions = {
    plan: (request: FetchRequest, usesTopicIds: boolean, reader: Reader = CONSUMES) =>
      cache.plan(request, reader, usesTopicIds),
    get size() {
      return cache.size;
    },
  };
  return { sessions, pass: (ms: number) => void (now += ms) };
}

/** A request as it comes off the wire. */
function request(
  sessionId: number,
  sessionEpoch: number,
  partitions: Record<number, number>,
  forgotten: number[] = [],
): FetchRequest {
  const writer = new ByteWriter();
  fetch.requestCodec(12).write(writer, {
    maxWaitMs: 0,
    minBytes: 1,
    sessionId,
    sessionEpoch,
    topics: [{
      topic: "events",
      partitions: Object.entries(partitions).map(([partition, fetchOffset]) => ({
        partition: Number(partition),
        fetchOffset,
        partitionMaxBytes: 1000,
      })),
    }],
    forgottenTopicsData: [{ topic: "events", partitions: forgotten }],
  });
  return fetch.requestCodec(12).read(new ByteReader(writer.toBytes()));
}

const offsets = ({ session }: FetchPlan) =>
  session.ready().map(({ index, fetchOffset }) => [index, fetchOffset]);

function codeOf(run: () => unknown): number {
  const error = assertThrows(run, KafkaError);
  return (error as KafkaError).code;
}

test("plan() reads the named partitions for a request without a session", () => {
  const { sessions } = setUp();
  const plan = sessions.plan(request(0, -1, { 0: 5, 1: 6 }), false);
  assertEquals(offsets(plan), [[0, 5], [1, 6]]);
  assertEquals([plan.session.id, plan.isIncremental, sessions.size], [0, false, 0]);
});

test("a session keeps partitions, updates them and removes forgotten ones", () => {
  const { sessions } = setUp();
  const first = sessions.plan(request(0, 0, { 0: 5, 1: 6 }), false);
  const sessionId = first.session.id;
  assertEquals([sessionId > 0, first.isIncremental], [true, false]);
  const second = sessions.plan(request(sessionId, 1, { 1: 9, 2: 1 }), false);
  assertEquals(offsets(second), [[0, 5], [1, 9], [2, 1]]);
  assertEquals(second.isIncremental, true);
  const third = sessions.plan(request(sessionId, 2, {}, [0]), false);
  assertEquals(offsets(third), [[1, 9], [2, 1]]);
});

test("moveToEnd() has a partition read after the others", () => {
  const { sessions } = setUp();
  const first = sessions.plan(request(0, 0, { 0: 0, 1: 0, 2: 0 }), false);
  first.session.moveToEnd(first.session.ready()[0]!);
  assertEquals(offsets(sessions.plan(request(first.session.id, 1, {}), false)), [[1, 0], [2, 0], [
    0,
    0,
  ]]);
});

test("plan() rejects an unknown session, another epoch and another way to name topics", () => {
  const { sessions } = setUp();
  const sessionId = sessions.plan(request(0, 0, { 0: 0 }), false).session.id;
  assertEquals(
    codeOf(() => sessions.plan(request(7, 1, {}), false)),
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  );
  assertEquals(
    codeOf(() => sessions.plan(request(sessionId, 5, {}), false)),
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  );
  assertEquals(
    codeOf(() => sessions.plan(request(sessionId, 1, {}), true)),
    ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
  );
});

test("epoch -1 ends a session, epoch 0 replaces it by a new one", () => {
  const { sessions } = setUp();
  const first = sessions.plan(request(0, 0, { 0: 0 }), false);
  const second = sessions.plan(request(first.session.id, 0, { 0: 0 }), false);
  assertEquals([sessions.size, second.session.id === first.session.id], [1, false]);
  sessions.plan(request(second.session.id, -1, {}), false);
  assertEquals(sessions.size, 0);
});

test("a session without partitions is removed", () => {
  const { sessions } = setUp();
  const sessionId = sessions.plan(request(0, 0, { 0: 0 }), false).session.id;
  assertEquals(sessions.plan(request(sessionId, 1, {}, [0]), false).session.size, 0);
  assertEquals(sessions.size, 0);
});

test("a full cache creates no session until one has been idle for two minutes", () => {
  const { sessions, pass } = setUp(1);
  const first = sessions.plan(request(0, 0, { 0: 0 }), false);
  assertEquals(sessions.plan(request(0, 0, { 0: 0 }), false).session.id, 0);
  pass(120_000);
  const later = sessions.plan(request(0, 0, { 0: 0 }), false);
  assertEquals([later.session.id > 0, sessions.size], [true, 1]);
  assertEquals(
    codeOf(() => sessions.plan(request(first.session.id, 1, {}), false)),
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  );
});

test("sessionEpochAfter() counts from 1 again after the largest epoch", () => {
  assertEquals([1, 2, 0x7ffffffe, 0x7fffffff].map(sessionEpochAfter), [2, 3, 0x7fffffff, 1]);
});

test("a later request updates every limit and epoch of a partition", () => {
  const { sessions } = setUp();
  const change = (sessionId: number, sessionEpoch: number, value: number): FetchRequest => {
    const whole = request(sessionId, sessionEpoch, { 0: value });
    const [topic] = whole.topics;
    const partitions = topic!.partitions.map((partition) => ({
      ...partition,
      currentLeaderEpoch: value,
      lastFetchedEpoch: value,
      partitionMaxBytes: value,
    }));
    return { ...whole, topics: [{ ...topic!, partitions }] };
  };
  const sessionId = sessions.plan(change(0, 0, 1), false).session.id;
  const [target] = sessions.plan(change(sessionId, 1, 2), false).session.ready();
  const { fetchOffset, currentLeaderEpoch, lastFetchedEpoch, maxBytes } = target!;
  assertEquals([fetchOffset, currentLeaderEpoch, lastFetchedEpoch, maxBytes], [2, 2, 2, 2]);
});

test("a session that was used recently is not evicted, one that has been idle is", () => {
  const { sessions, pass } = setUp(2);
  const first = sessions.plan(request(0, 0, { 0: 0 }), false);
  const second = sessions.plan(request(0, 0, { 0: 0 }), false);
  pass(119_999);
  sessions.plan(request(first.session.id, 1, {}), false);
  pass(1);
  const third = sessions.plan(request(0, 0, { 0: 0 }), false);
  assertEquals(third.session.id > 0, true);
  sessions.plan(request(first.session.id, 2, {}), false);
  assertEquals(
    codeOf(() => sessions.plan(request(second.session.id, 1, {}), false)),
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  );
});

test("a replica's session is never evicted for a consumer's", () => {
  const { sessions, pass } = setUp(2);
  for (let i = 0; i < 2; i++) sessions.plan(request(0, 0, { 0: 0 }), false, REPLICATES);
  pass(1_000_000);
  assertEquals(sessions.plan(request(0, 0, { 0: 0 }), false).session.id, 0);
  assertEquals(sessions.size, 2);
});

test("a replica's session takes the place of the consumer's that was used least recently", () => {
  const { sessions, pass } = setUp(2);
  const first = sessions.plan(request(0, 0, { 0: 0 }), false);
  const second = sessions.plan(request(0, 0, { 0: 0 }), false);
  pass(1);
  sessions.plan(request(first.session.id, 1, {}), false);
  for (let i = 0; i < 2; i++) {
    const replica = sessions.plan(request(0, 0, { 0: 0 }), false, REPLICATES);
    assertEquals([replica.session.id > 0, replica.session.isReplica, sessions.size], [
      true,
      true,
      2,
    ]);
    const gone = (i === 0 ? second : first).session.id;
    assertEquals(
      codeOf(() => sessions.plan(request(gone, 2 - i, {}), false)),
      ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    );
  }
  // Only replicas are left, and none of them has been idle.
  assertEquals(sessions.plan(request(0, 0, { 0: 0 }), false, REPLICATES).session.id, 0);
  pass(120_000);
  assertEquals(sessions.plan(request(0, 0, { 0: 0 }), false, REPLICATES).session.id > 0, true);
});

test("a cache for no sessions creates none", () => {
  const { sessions } = setUp(0);
  for (const reader of [CONSUMES, REPLICATES]) {
    assertEquals(sessions.plan(request(0, 0, { 0: 0 }), false, reader).session.id, 0);
  }
});
