/**
 * When a fetch that waits for data is answered.
 */
import { assertEquals } from "@std/assert";
import { fetchHandler } from "../../../src/broker/handlers/fetch.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import type { RequestInputOf } from "../../../src/protocol/api.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import { test } from "../../harness.ts";
import {
  ACKS_LEADER,
  appendTo,
  DirectBroker,
  settle,
  stateOf,
  TOPIC_ID,
} from "../direct_broker.ts";
import { batchOf } from "../fixture.ts";

const BOTH = { replicas: [1, 2], isr: [1, 2] };

type Request = RequestInputOf<typeof fetch>;

/** A fetch of partition 0 and its answer, as the error's name and the number of bytes. */
class Fetching {
  answer: [string, number] | null = null;

  constructor(broker: DirectBroker, version: number, more: Partial<Request> = {}, fetchOffset = 0) {
    broker.ask(fetch, fetchHandler, version, {
      maxWaitMs: 60_000,
      minBytes: 1,
      topics: [{
        topic: "events",
        topicId: TOPIC_ID,
        partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 100_000 }],
      }],
      ...more,
    }).then(({ responses }) => {
      const { errorCode, records } = responses[0]!.partitions[0]!;
      this.answer = [errorName(errorCode), records!.length];
    });
  }
}

const SIZE = batchOf(["a"]).length;

/** What each change of partition 0 answers to a fetch by name and to one by id. */
const CHANGES: Record<
  string,
  [change: (partition: Partition) => unknown, name: string, id: string]
> = {
  "a smaller ISR": [
    (partition) => partition.becomeLeader(stateOf({ replicas: [1, 2], isr: [1] })),
    "NONE",
    "NONE",
  ],
  "another leader": [
    (partition) => partition.becomeFollower({ leaderEpoch: 1, leader: 2 }),
    "NOT_LEADER_OR_FOLLOWER",
    "NOT_LEADER_OR_FOLLOWER",
  ],
};

for (const [what, [change, byName, byId]] of Object.entries(CHANGES)) {
  test(`a waiting fetch is answered on ${what}`, async () => {
    for (const [version, expected] of [[12, byName], [13, byId]] as const) {
      const broker = new DirectBroker();
      const partition = broker.add({}, BOTH);
      appendTo(partition, batchOf(["a"]), ACKS_LEADER);
      const fetching = new Fetching(broker, version);
      await settle();
      assertEquals(fetching.answer, null);
      change(partition);
      await settle();
      assertEquals(fetching.answer, [expected, expected === "NONE" ? SIZE : 0]);
      assertEquals([partition.readerCount, broker.clock.pending()], [0, 0]);
    }
  });
}

test("a waiting fetch is answered when its topic is deleted, by name or by id", async () => {
  for (
    const [version, expected] of [
      [12, "UNKNOWN_TOPIC_OR_PARTITION"],
      [13, "UNKNOWN_TOPIC_ID"],
    ] as const
  ) {
    const broker = new DirectBroker();
    broker.add();
    const fetching = new Fetching(broker, version);
    await settle();
    broker.partitions.removeTopic("events");
    await settle();
    assertEquals(fetching.answer, [expected, 0]);
  }
});

test("a waiting fetch is answered when flush.messages no longer holds the high watermark back", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({ flushMessages: 1 });
  const fetching = new Fetching(broker, 12);
  appendTo(partition, batchOf(["a"]));
  await settle();
  assertEquals(fetching.answer, null);
  partition.configure(DEFAULT_LOG_CONFIG, 1);
  await settle();
  assertEquals(fetching.answer, ["NONE", SIZE]);
});

test("a waiting fetch of a replica is answered by records above the high watermark", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({}, BOTH);
  const consumer = new Fetching(broker, 12);
  const replicas = [
    new Fetching(broker, 12, { replicaId: 2 }),
    new Fetching(broker, 15, { replicaState: { replicaId: 2 } }),
  ];
  await settle();
  appendTo(partition, batchOf(["a"]), ACKS_LEADER);
  await settle();
  assertEquals(replicas.map(({ answer }) => answer), [["NONE", SIZE], ["NONE", SIZE]]);
  assertEquals(consumer.answer, null);
  broker.clock.advance(60_000);
  await settle();
  assertEquals(consumer.answer, ["NONE", 0]);
});

test("a waiting fetch counts the bytes of several appends", async () => {
  const broker = new DirectBroker();
  const partition = broker.add();
  appendTo(partition, batchOf(["a"]));
  const fetching = new Fetching(broker, 12, { minBytes: 3 * SIZE });
  for (let i = 0; i < 2; i++) {
    await settle();
    assertEquals(fetching.answer, null);
    appendTo(partition, batchOf(["a"]));
  }
  await settle();
  assertEquals(fetching.answer, ["NONE", 3 * SIZE]);
});

test("a waiting fetch of a session is answered when its client sends the next one, or ends the session", async () => {
  for (const sessionEpoch of [2, -1]) {
    const broker = new DirectBroker();
    const partition = broker.add();
    const first = await broker.ask(fetch, fetchHandler, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      sessionEpoch: 0,
      topics: [{
        topic: "events",
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }],
      }],
    });
    const { sessionId } = first;
    const ends: string[] = [];
    const next = (epoch: number, name: string) =>
      broker.ask(fetch, fetchHandler, 12, {
        maxWaitMs: 60_000,
        minBytes: 1,
        sessionId,
        sessionEpoch: epoch,
        topics: [],
      }).then(() => ends.push(name));
    next(1, "waiting");
    await settle();
    assertEquals([ends, partition.readerCount], [[], 1]);
    next(sessionEpoch, "next");
    await settle();
    const isLast = sessionEpoch === -1;
    assertEquals(
      // A connection puts its answers into the order of their requests.
      [ends.sort(), partition.readerCount],
      isLast ? [["next", "waiting"], 0] : [["waiting"], 1],
    );
    broker.clock.advance(60_000);
    await settle();
    assertEquals([ends.sort(), broker.clock.pending()], [["next", "waiting"], 0]);
  }
});
