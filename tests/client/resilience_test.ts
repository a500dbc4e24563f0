import { assert, assertEquals, assertRejects } from "@std/assert";
import { Consumer } from "../../src/client/consumer/consumer.ts";
import { Producer, type RecordMetadata } from "../../src/client/producer/producer.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { startCluster } from "../../src/cluster/start_cluster.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { FileHandle, OpenMode } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { FilesOver } from "../log/files_over.ts";
import { FailingFiles } from "../log/fixture.ts";

/** Returns a function that starts a cluster whose data and port survive a shutdown. */
function restartable(): () => Promise<Cluster> {
  const runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  let port = 0;
  return async () => {
    const cluster = await startCluster({ runtime, port, dataDir: "/kept" });
    port = cluster.port;
    return cluster;
  };
}

const FAST = {
  retryBackoffMs: 10,
  retryBackoffMaxMs: 50,
  reconnectBackoffMs: 10,
  reconnectBackoffMaxMs: 50,
};

test("an idempotent producer writes everything once and in order across restarts of the broker", async () => {
  const start = restartable();
  let cluster = await start();
  const { bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, batchSize: 200, ...FAST });
  await producer.send({ topic: "events", value: "0" });
  const sends: Promise<RecordMetadata>[] = [];
  const sendSome = () => {
    for (let i = 0; i < 500; i++) {
      sends.push(producer.send({ topic: "events", value: String(sends.length + 1) }));
    }
  };
  for (let round = 0; round < 3; round++) {
    sendSome();
    // Some records are written, some in flight, some waiting.
    await sends.at(-250);
    await cluster.shutdown();
    sendSome();
    cluster = await start();
  }
  const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
  assertEquals(offsets, offsets.map((_, i) => i + 1));
  const consumer = new Consumer({ bootstrapServers, topics: "events" });
  let next = 0;
  for await (const record of consumer) {
    assertEquals([record.offset, record.valueText], [next, String(next)]);
    if (++next === sends.length + 1) break;
  }
  await consumer.close();
  await producer.close();
  await cluster.shutdown();
});

test("Consumer continues after a restart of the broker", async () => {
  const start = restartable();
  let cluster = await start();
  const { bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, ...FAST });
  const consumer = new Consumer({ bootstrapServers, topics: "events", ...FAST });
  const records = consumer[Symbol.asyncIterator]();
  for (let i = 0; i < 5; i++) {
    await producer.send({ topic: "events", value: String(i) });
    assertEquals((await records.next()).value?.valueText, String(i));
    const next = records.next();
    await cluster.shutdown();
    cluster = await start();
    await producer.send({ topic: "events", value: `again ${i}` });
    assertEquals((await next).value?.valueText, `again ${i}`);
  }
  await consumer.close();
  await producer.close();
  await cluster.shutdown();
});

test("Producer fails records after deliveryTimeoutMs with the cause", async () => {
  const start = restartable();
  let cluster = await start();
  const { bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 150, ...FAST });
  await producer.send({ topic: "events", value: "first" });
  await cluster.shutdown();
  const error = await assertRejects(
    () => producer.send({ topic: "events", value: "lost" }),
    KafkaError,
    "within 150 ms",
  );
  assertEquals((error as KafkaError).code, ErrorCode.REQUEST_TIMED_OUT);
  cluster = await start();
  // The producer continues with the next record.
  const { offset } = await producer.send({ topic: "events", value: "second" });
  assertEquals(offset, 1);
  await producer.close();
  await cluster.shutdown();
});

/** Counts the writes to the log of events-0, including failed ones. */
class CountedWrites extends FilesOver {
  count = 0;

  override open(path: string, mode: OpenMode): FileHandle {
    const file = this.files.open(path, mode);
    if (!/events-0\/\d+\.log$/.test(path)) return file;
    return {
      ...file,
      writeAt: (bytes, position) => {
        this.count++;
        file.writeAt(bytes, position);
      },
    };
  }
}

test("Producer fails records after its retries and continues with the next", async () => {
  const disk = new FailingFiles(new MemoryFileSystem());
  const files = new CountedWrites(disk);
  const runtime = { ...hostRuntime(), files };
  const cluster = await startCluster({ runtime, dataDir: "/data", topics: [{ name: "events" }] });
  const { bootstrapServers } = cluster;
  disk.failsAt = "events-0";
  for (const [index, retries] of [0, 2].entries()) {
    const producer = new Producer({ bootstrapServers, retries, ...FAST });
    disk.failing.add("write");
    const before = files.count;
    const error = await assertRejects(
      () => producer.send({ topic: "events", value: "lost" }),
      KafkaError,
    );
    assertEquals((error as KafkaError).code, ErrorCode.KAFKA_STORAGE_ERROR);
    assertEquals(files.count - before, retries + 1);
    const failed = ["a", "b", "c"].map((value) =>
      assertRejects(() => producer.send({ topic: "events", value }), KafkaError)
    );
    await Promise.all(failed);
    disk.failing.clear();
    assertEquals((await producer.send({ topic: "events", value: "kept" })).offset, index);
    await producer.close();
  }
  await cluster.shutdown();
});

test("Producer without retries fails a record when its broker is gone", async () => {
  const cluster = await startCluster();
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers, retries: 0 });
  await producer.send({ topic: "events", value: "first" });
  await cluster.shutdown();
  const error = await assertRejects(
    () => producer.send({ topic: "events", value: "lost" }),
    KafkaError,
  );
  assertEquals((error as KafkaError).code, ErrorCode.NETWORK_EXCEPTION);
  await producer.close();
});

test("Producer.close() ends within deliveryTimeoutMs if records cannot be delivered", async () => {
  const cluster = await startCluster();
  const { bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 100, ...FAST });
  await producer.send({ topic: "events", value: "first" });
  await cluster.shutdown();
  const sent = producer.send({ topic: "events", value: "lost" }).catch((error) => error);
  await producer.close();
  assert(await sent instanceof KafkaError);
});

test("Consumer.close() ends a waiting consumer and its reader", async () => {
  const cluster = await startCluster({ topics: [{ name: "events" }] });
  const consumer = new Consumer({ bootstrapServers: cluster.bootstrapServers, topics: "events" });
  await consumer.start();
  const next = consumer[Symbol.asyncIterator]().next();
  await consumer.close();
  assertEquals((await next).done, true);
  await cluster.shutdown();
});
