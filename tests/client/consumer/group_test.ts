import { assertEquals, assertRejects } from "@std/assert";
import { ClusterClient } from "../../../src/client/cluster/cluster_client.ts";
import { Consumer } from "../../../src/client/consumer/consumer.ts";
import { GroupMember } from "../../../src/client/consumer/group_member.ts";
import { Producer } from "../../../src/client/producer/producer.ts";
import { startCluster } from "../../../src/cluster/start_cluster.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { createPartitions } from "../../../src/protocol/messages/create_partitions.ts";
import { describeGroups } from "../../../src/protocol/messages/describe_groups.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import { offsetCommit } from "../../../src/protocol/messages/offset_commit.ts";
import { offsetFetch } from "../../../src/protocol/messages/offset_fetch.ts";
import { type Int64, MAX_INT64 } from "../../../src/protocol/int64.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { holdTimers } from "../held_timers.ts";

const CONFIG = {
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "100",
};

async function withCluster(
  partitions: number,
  body: (bootstrapServers: string, producer: Producer) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ topics: [{ name: "events", partitions }], config: CONFIG });
  const { bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers });
  try {
    await body(bootstrapServers, producer);
  } finally {
    await producer.close();
    await cluster.shutdown();
  }
}

const member = (bootstrapServers: string, options: { autoCommit?: boolean } = {}) =>
  new Consumer({
    bootstrapServers,
    topics: "events",
    groupId: "readers",
    heartbeatIntervalMs: 30,
    ...options,
  });

/** Options of a member whose heartbeats, due every `heartbeatIntervalMs`, are never sent. */
function withoutHeartbeats(heartbeatIntervalMs: number) {
  const runtime = hostRuntime();
  const clock: Clock = {
    ...runtime.clock,
    setTimer: (delayMs, callback) =>
      runtime.clock.setTimer(delayMs === heartbeatIntervalMs ? 2_147_483_647 : delayMs, callback),
  };
  return { heartbeatIntervalMs, runtime: { ...runtime, clock } };
}

/** Sends one request to the coordinator. */
async function ask<Q, QI, R, RI>(
  bootstrapServers: string,
  api: Api<Q, QI, R, RI>,
  query: QI,
  maxVersion?: number,
): Promise<R> {
  const client = new ClusterClient({ bootstrapServers });
  try {
    return await client.ask(api, query, maxVersion === undefined ? {} : { maxVersion });
  } finally {
    client.close();
  }
}

/** Returns the committed offsets of these partitions, -1 if there is none. */
async function committed(bootstrapServers: string, partitions: number): Promise<Int64[]> {
  const partitionIndexes = Array.from({ length: partitions }, (_, index) => index);
  const topics = [{ name: "events", topicId: ZERO_UUID, partitionIndexes }];
  const groups = [{ groupId: "readers", topics }];
  const answer = await ask(bootstrapServers, offsetFetch, { groupId: "readers", groups }, 8);
  return answer.groups[0]!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset);
}

/** Polls the coordinator until the group is in `state`. */
async function untilGroupIs(state: string, bootstrapServers: string): Promise<void> {
  const client = new ClusterClient({ bootstrapServers });
  try {
    for (;;) {
      const { groups } = await client.ask(describeGroups, { groups: ["readers"] });
      if (groups[0]?.groupState === state) return;
    }
  } finally {
    client.close();
  }
}

/** Sends "0", "1", … to each partition. */
async function fill(producer: Producer, partitions: number, each: number): Promise<void> {
  await Promise.all(Array.from({ length: partitions * each }, (_, i) =>
    producer.send({
      topic: "events",
      partition: i % partitions,
      value: String(Math.floor(i / partitions)),
    })));
}

/** Returns the next `count` records as "partition:value". */
async function take(consumer: Consumer, count: number): Promise<string[]> {
  const iterator = consumer[Symbol.asyncIterator]();
  const taken: string[] = [];
  while (taken.length < count) {
    const { value } = await iterator.next();
    taken.push(`${value!.partition}:${value!.valueText}`);
  }
  return taken;
}

test("a new member continues at the committed offsets of its group", async () => {
  await withCluster(1, async (bootstrapServers, producer) => {
    await fill(producer, 1, 6);
    for (const expected of [["0:0", "0:1"], ["0:2", "0:3"], ["0:4", "0:5"]]) {
      const consumer = member(bootstrapServers);
      assertEquals(await take(consumer, 2), expected);
      await consumer.close();
    }
  });
});

test("Consumer without autoCommit continues at its last explicit commit", async () => {
  await withCluster(1, async (bootstrapServers, producer) => {
    await fill(producer, 1, 5);
    const first = member(bootstrapServers, { autoCommit: false });
    await take(first, 2);
    await first.commit();
    await take(first, 2);
    await first.close();
    const second = member(bootstrapServers, { autoCommit: false });
    assertEquals(await take(second, 1), ["0:2"]);
    await second.close();
  });
});

test("members share the partitions, and a remaining member takes over those of one that leaves", async () => {
  await withCluster(4, async (bootstrapServers, producer) => {
    const first = member(bootstrapServers);
    await first.start();
    assertEquals(first.assignment.length, 4);
    const second = member(bootstrapServers);
    await second.start();
    assertEquals(second.assignment.length, 2);
    // The first member has rejoined by the time both receive records.
    await fill(producer, 4, 3);
    const both = [...await take(first, 6), ...await take(second, 6)];
    assertEquals(new Set(both).size, 12);
    await first.close();
    await fill(producer, 4, 1);
    assertEquals((await take(second, 4)).sort(), ["0:0", "1:0", "2:0", "3:0"]);
    assertEquals(second.assignment.length, 4);
    await second.close();
  });
});

test("Consumer.commit() fails if the group has continued without the member", async () => {
  await withCluster(1, async (bootstrapServers, producer) => {
    await fill(producer, 1, 2);
    const options = { bootstrapServers, topics: "events", groupId: "readers", autoCommit: false };
    // It sends no heartbeats, so the group removes it when its session expires.
    const silent = new Consumer({
      ...options,
      ...withoutHeartbeats(199),
      sessionTimeoutMs: 200,
    });
    await take(silent, 1);
    const other = member(bootstrapServers);
    await other.start();
    assertEquals(other.assignment.length, 1);
    const error = await assertRejects(() => silent.commit(), KafkaError, "events-0");
    assertEquals((error as KafkaError).code, ErrorCode.UNKNOWN_MEMBER_ID);
    assertEquals(await take(other, 2), ["0:0", "0:1"]);
    await silent.close();
    await other.close();
  });
});

test("Consumer.close() ends a member that waits for a rebalance", async () => {
  await withCluster(1, async (bootstrapServers) => {
    const options = { bootstrapServers, topics: "events", groupId: "readers" };
    const silent = new Consumer({ ...options, ...withoutHeartbeats(44_999) });
    await silent.start();
    const waiting = member(bootstrapServers);
    const started = assertRejects(() => waiting.start(), TypeError, "it is closed");
    // The coordinator now waits for the silent member, and so does the joining one.
    await untilGroupIs("PreparingRebalance", bootstrapServers);
    await waiting.close();
    await started;
    await silent.close();
  });
});

test("Consumer treats a committed offset beyond 2^53 as out of range", async () => {
  await withCluster(1, async (bootstrapServers, producer) => {
    await fill(producer, 1, 2);
    const client = new ClusterClient({ bootstrapServers });
    await client.ask(offsetCommit, {
      groupId: "readers",
      memberId: "",
      topics: [{
        name: "events",
        partitions: [{ partitionIndex: 0, committedOffset: MAX_INT64, committedMetadata: null }],
      }],
    }, { maxVersion: 9 });
    client.close();
    const consumer = member(bootstrapServers);
    for await (const { offset } of consumer) {
      assertEquals(offset, 0);
      break;
    }
    await consumer.commit();
    assertEquals(consumer.positions.map(({ offset }) => offset), [1]);
    await consumer.close();
    const next = member(bootstrapServers);
    for await (const { offset } of next) {
      assertEquals(offset, 1);
      break;
    }
    await next.close();
  });
});

test("Consumer commits its positions when its partitions are revoked", async () => {
  await withCluster(2, async (bootstrapServers, producer) => {
    await fill(producer, 2, 3);
    const options = { bootstrapServers, topics: "events", groupId: "readers" };
    const first = new Consumer({
      ...options,
      autoCommitIntervalMs: 1_000_000,
      heartbeatIntervalMs: 30,
    });
    const taken = await take(first, 4);
    const handedOut = [0, 1].map((partition) =>
      taken.filter((one) => one.startsWith(`${partition}:`)).length
    );
    const second = member(bootstrapServers);
    await second.start();
    const offsets = await committed(bootstrapServers, 2);
    assertEquals(offsets, handedOut.map((count) => count === 0 ? -1 : count));
    await first.close();
    await second.close();
  });
});

test("auto-commit excludes the record that the reader may still process", async () => {
  await withCluster(1, async (bootstrapServers, producer) => {
    await fill(producer, 1, 3);
    const timers = holdTimers(4_321);
    const consumer = new Consumer({
      bootstrapServers,
      topics: "events",
      groupId: "readers",
      autoCommitIntervalMs: 4_321,
      runtime: timers.runtime,
    });
    await take(consumer, 2);
    await timers.armed();
    timers.fire();
    // The timer is set again when the commit has completed.
    await timers.armed();
    assertEquals(await committed(bootstrapServers, 1), [1]);
    await consumer.close();
    assertEquals(await committed(bootstrapServers, 1), [2]);
  });
});

test("a closed static member stays in its group", async () => {
  await withCluster(1, async (bootstrapServers) => {
    const options = { bootstrapServers, topics: "events", groupId: "readers" };
    const consumer = new Consumer({ ...options, groupInstanceId: "reader-1" });
    await consumer.start();
    await consumer.close();
    const { groups } = await ask(bootstrapServers, describeGroups, { groups: ["readers"] });
    const members = groups[0]!.members;
    assertEquals(members.map(({ groupInstanceId }) => groupInstanceId), ["reader-1"]);
  });
});

test("the group leader rejoins when its topic gets more partitions", async () => {
  await withCluster(1, async (bootstrapServers) => {
    const { runtime, armed, fire } = holdTimers(4_321);
    const client = new ClusterClient({ bootstrapServers, runtime });
    const assigned: number[] = [];
    const member = new GroupMember(
      client,
      runtime,
      {
        groupId: "readers",
        groupInstanceId: null,
        topics: ["events"],
        sessionTimeoutMs: 45_000,
        rebalanceTimeoutMs: 60_000,
        heartbeatIntervalMs: 4_321,
      },
      {
        revoked: () => Promise.resolve(),
        assigned: (partitions) => Promise.resolve(void assigned.push(partitions.length)),
        lost: () => {},
        failed: () => {},
      },
    );
    const running = member.run();
    await armed();
    await ask(bootstrapServers, createPartitions, {
      topics: [{ name: "events", count: 3, assignments: null }],
      timeoutMs: 5_000,
      validateOnly: false,
    });
    await client.refresh(["events"]);
    fire();
    // The next heartbeat is scheduled once the member has rejoined.
    await armed();
    assertEquals(assigned, [1, 3]);
    await member.leave();
    await running;
    client.close();
  });
});
