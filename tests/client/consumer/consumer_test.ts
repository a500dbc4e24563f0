/** How a consumer fetches and finds new partitions, without waiting for real time. */
import { assertEquals } from "@std/assert";
import { ClusterClient } from "../../../src/client/cluster/cluster_client.ts";
import { Consumer, type ConsumerOptions } from "../../../src/client/consumer/consumer.ts";
import { Producer } from "../../../src/client/producer/producer.ts";
import { startCluster } from "../../../src/cluster/start_cluster.ts";
import type { ResponseInputOf } from "../../../src/protocol/api.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { createPartitions } from "../../../src/protocol/messages/create_partitions.ts";
import { fetch, type FetchRequest } from "../../../src/protocol/messages/fetch.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { type ManualClock, manualClock } from "../../broker/manual_clock.ts";
import { test } from "../../harness.ts";
import { holdTimers } from "../held_timers.ts";
import { type Received, ScriptedBroker } from "../scripted_broker.ts";

interface Fixture {
  readonly consumer: Consumer;
  readonly clock: ManualClock;
  /** Returns the next Fetch request. */
  next(): Promise<Received<FetchRequest, ResponseInputOf<typeof fetch>>>;
}

/** Runs `body` with a consumer of events-0 from offset 0, and closes the consumer. */
async function withConsumer(
  options: Partial<ConsumerOptions>,
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const broker = new ScriptedBroker();
  broker.onMetadata({ events: 1 });
  const next = broker.queue(fetch);
  const clock = manualClock();
  const consumer = new Consumer({
    bootstrapServers: broker.bootstrapServers,
    topics: "events",
    from: 0,
    runtime: { ...hostRuntime(), network: broker.network, clock },
    ...options,
  });
  await body({ consumer, clock, next });
  await consumer.close();
}

/** Returns a fetch response for events-0. */
function partitionAnswer(errorCode: ErrorCode, records: Uint8Array | null) {
  const partition = { partitionIndex: 0, errorCode, highWatermark: 1, abortedTransactions: null };
  return { responses: [{ topic: "events", partitions: [{ ...partition, records }] }] };
}

const BATCH = encodeBatch([{ value: Uint8Array.of(7), timestamp: 1 }]);

test("Consumer waits for a long poll beyond requestTimeoutMs", async () => {
  await withConsumer(
    { maxWaitMs: 5_000, requestTimeoutMs: 1_000 },
    async ({ consumer, clock, next }) => {
      const record = consumer[Symbol.asyncIterator]().next();
      const poll = await next();
      clock.advance(5_500);
      assertEquals([poll.request.maxWaitMs, poll.isAbandoned], [5_000, false]);
      poll.answer(partitionAnswer(ErrorCode.NONE, BATCH));
      assertEquals((await record).value!.value, Uint8Array.of(7));
      const last = await next();
      clock.advance(6_001);
      assertEquals(last.isAbandoned, true);
    },
  );
});

test("Consumer fetches again after repeated errors", async () => {
  await withConsumer({}, async ({ consumer, clock, next }) => {
    const record = consumer[Symbol.asyncIterator]().next();
    for (let i = 0; i < 3; i++) {
      const refused = await next();
      const backsOff = clock.timerWithin(1_000);
      refused.answer(partitionAnswer(ErrorCode.NOT_LEADER_OR_FOLLOWER, null));
      await backsOff;
      // The consumer refreshes the metadata and continues at once.
      clock.advance(1_000);
    }
    (await next()).answer(partitionAnswer(ErrorCode.NONE, BATCH));
    assertEquals((await record).value!.value, Uint8Array.of(7));
  });
});

test("Consumer with from: latest reads new partitions from their beginning", async () => {
  const cluster = await startCluster({ topics: [{ name: "events", partitions: 1 }] });
  const { bootstrapServers } = cluster;
  const timers = holdTimers(4_321);
  const consumer = new Consumer({
    bootstrapServers,
    topics: "events",
    from: "latest",
    metadataMaxAgeMs: 4_321,
    runtime: timers.runtime,
  });
  await consumer.start();
  const client = new ClusterClient({ bootstrapServers });
  await client.ask(createPartitions, {
    topics: [{ name: "events", count: 2, assignments: null }],
    timeoutMs: 5_000,
    validateOnly: false,
  });
  client.close();
  const producer = new Producer({ bootstrapServers });
  await producer.send({ topic: "events", partition: 1, value: "first" });
  timers.fire();
  // The timer is set again after the partitions have been looked up.
  await timers.armed();
  assertEquals(consumer.assignment.length, 2);
  let isRead = false;
  const next = consumer[Symbol.asyncIterator]().next().finally(() => isRead = true);
  while (!isRead) await producer.send({ topic: "events", partition: 1, value: "later" });
  assertEquals((await next).value!.valueText, "first");
  await producer.close();
  await consumer.close();
  await cluster.shutdown();
});
