import { assert, assertEquals, assertRejects } from "@std/assert";
import { Consumer, type ConsumerRecord } from "../../src/client/consumer/consumer.ts";
import { Producer, type ProducerRecord } from "../../src/client/producer/producer.ts";
import { startCluster } from "../../src/cluster/start_cluster.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { MAX_INT64, MIN_INT64 } from "../../src/protocol/int64.ts";
import { test } from "../harness.ts";

/**
 * Runs `body` with an in-memory cluster that has the topic "events" with `partitions` partitions.
 */
async function withCluster(
  partitions: number,
  body: (bootstrapServers: string) => Promise<void>,
  config: Record<string, string> = {},
): Promise<void> {
  const cluster = await startCluster({ topics: [{ name: "events", partitions }], config });
  try {
    await body(cluster.bootstrapServers);
  } finally {
    await cluster.shutdown();
  }
}

async function withProducer(
  options: ConstructorParameters<typeof Producer>[0],
  body: (producer: Producer) => Promise<void>,
): Promise<void> {
  const producer = new Producer(options);
  try {
    await body(producer);
  } finally {
    await producer.close();
  }
}

/** Reads `count` records and closes the consumer. */
async function read(
  options: ConstructorParameters<typeof Consumer>[0],
  count: number,
): Promise<ConsumerRecord[]> {
  const consumer = new Consumer(options);
  const records: ConsumerRecord[] = [];
  try {
    for await (const record of consumer) {
      records.push(record);
      if (records.length === count) break;
    }
  } finally {
    await consumer.close();
  }
  return records;
}

const START_NS = 1_700_000_000_000_000_001n;

test("timestamps beyond 2^53 are sent, looked up and returned without loss", async () => {
  const config = { "log.message.timestamp.after.max.ms": `${MAX_INT64}` };
  await withCluster(1, async (bootstrapServers) => {
    const timestamps = [5, 5n, START_NS, START_NS + 1n, MAX_INT64, MIN_INT64];
    await withProducer({ bootstrapServers }, async (producer) => {
      const placed = await Promise.all(
        timestamps.map((timestamp) => producer.send({ topic: "events", value: "v", timestamp })),
      );
      assertEquals(placed.map(({ timestamp }) => timestamp), timestamps.map(Number));
    });
    const got = await read({ bootstrapServers, topics: "events" }, timestamps.length);
    assertEquals(got.map(({ timestamp }) => timestamp), timestamps.map(Number));
    assertEquals(
      got.map(({ exactTimestamp }) => exactTimestamp),
      [5, 5, START_NS, START_NS + 1n, MAX_INT64, MIN_INT64],
    );
    const from = { timestamp: START_NS + 1n };
    const [first] = await read({ bootstrapServers, topics: "events", from }, 1);
    assertEquals(first!.offset, 3);
  }, config);
});

test("Producer.send() rejects a timestamp that is not a 64-bit integer", async () => {
  await withCluster(1, async (bootstrapServers) => {
    await withProducer({ bootstrapServers }, async (producer) => {
      for (const timestamp of [0.5, NaN, 2 ** 53, MAX_INT64 + 1n, MIN_INT64 - 1n]) {
        await assertRejects(
          () => producer.send({ topic: "events", value: "v", timestamp }),
          TypeError,
          `"timestamp" cannot be ${timestamp}`,
        );
      }
      const error = await assertRejects(
        () => producer.send({ topic: "events", value: "v", timestamp: START_NS }),
        KafkaError,
      );
      assertEquals(error.code, ErrorCode.INVALID_TIMESTAMP);
      assertEquals((await producer.send({ topic: "events", value: "v" })).offset, 0);
    });
  });
});

test("Producer sends keys, values, headers and timestamps unchanged", async () => {
  await withCluster(1, async (bootstrapServers) => {
    await withProducer({ bootstrapServers }, async (producer) => {
      const sent: ProducerRecord[] = [
        { topic: "events", key: "k", value: "größe", headers: { a: "1", b: null }, timestamp: 5 },
        { topic: "events", key: new Uint8Array([0, 255]), value: new Uint8Array(0), timestamp: 6 },
        { topic: "events", key: null, value: null, timestamp: 7 },
        { topic: "events", value: "no key", timestamp: 8 },
      ];
      const placed = await Promise.all(sent.map((record) => producer.send(record)));
      assertEquals(
        placed,
        [5, 6, 7, 8].map((timestamp, offset) => ({
          topic: "events",
          partition: 0,
          offset,
          timestamp,
        })),
      );
      const got = await read({ bootstrapServers, topics: "events" }, 4);
      assertEquals(got.map(({ offset, timestamp }) => [offset, timestamp]), [
        [0, 5],
        [1, 6],
        [2, 7],
        [3, 8],
      ]);
      assertEquals([got[0]!.keyText, got[0]!.valueText], ["k", "größe"]);
      assertEquals(got[0]!.headers.map(({ key, value }) => [key, value && [...value]]), [
        ["a", [49]],
        ["b", null],
      ]);
      assertEquals([[...got[1]!.key!], [...got[1]!.value!]], [[0, 255], []]);
      assertEquals([got[2]!.key, got[2]!.value, got[3]!.keyText], [null, null, null]);
    });
  });
});

test("Producer preserves the order of each partition with many batches in flight", async () => {
  await withCluster(3, async (bootstrapServers) => {
    await withProducer({ bootstrapServers, batchSize: 500 }, async (producer) => {
      const count = 5_000;
      const sends = Array.from(
        { length: count },
        (_, i) => producer.send({ topic: "events", partition: i % 3, value: String(i) }),
      );
      const placed = await Promise.all(sends);
      for (let i = 3; i < count; i++) assertEquals(placed[i]!.offset, placed[i - 3]!.offset + 1);
      const got = await read({ bootstrapServers, topics: "events" }, count);
      for (const { partition, offset, valueText } of got) {
        assertEquals(Number(valueText), offset * 3 + partition);
      }
    });
  });
});

for (const acks of ["all", 1, 0] as const) {
  test(`Producer with acks ${acks} writes every record`, async () => {
    await withCluster(1, async (bootstrapServers) => {
      await withProducer({ bootstrapServers, acks }, async (producer) => {
        const values = Array.from({ length: 100 }, (_, i) => `value ${i}`);
        const placed = await Promise.all(
          values.map((value) => producer.send({ topic: "events", value })),
        );
        assertEquals(placed.map(({ offset }) => offset), values.map((_, i) => acks === 0 ? -1 : i));
        const got = await read({ bootstrapServers, topics: "events" }, 100);
        assertEquals(got.map(({ valueText }) => valueText), values);
      });
    });
  });
}

test("Producer.writable accepts a stream, and closing it flushes all records", async () => {
  await withCluster(2, async (bootstrapServers) => {
    await withProducer({ bootstrapServers, bufferBytes: 2_000 }, async (producer) => {
      let next = 0;
      const source = new ReadableStream<ProducerRecord>({
        pull(controller) {
          if (next === 1_000) return controller.close();
          controller.enqueue({ topic: "events", key: `k${next}`, value: `v${next++}` });
        },
      });
      await source.pipeTo(producer.writable);
      assertEquals(producer.bufferedBytes, 0);
      const got = await read({ bootstrapServers, topics: "events" }, 1_000);
      assertEquals(new Set(got.map(({ valueText }) => valueText)).size, 1_000);
    });
  });
});

test("Producer.ready is pending while the buffer is full and resolves afterwards", async () => {
  await withCluster(1, async (bootstrapServers) => {
    await withProducer({ bootstrapServers, bufferBytes: 1_000 }, async (producer) => {
      await producer.send({ topic: "events", value: "first" });
      const sends = Array.from(
        { length: 20 },
        () => producer.send({ topic: "events", value: "x".repeat(100) }),
      );
      let isReady = false;
      const ready = producer.ready.then(() => isReady = true);
      await Promise.resolve();
      assert(producer.bufferedBytes >= 1_000);
      assertEquals(isReady, false);
      await ready;
      await Promise.all(sends);
      assertEquals(producer.bufferedBytes, 0);
    });
  });
});

test("Producer rejects records that cannot be sent, with a reason", async () => {
  await withCluster(1, async (bootstrapServers) => {
    await withProducer({ bootstrapServers, maxRequestBytes: 10_000 }, async (producer) => {
      const refused = async (record: ProducerRecord, code: number, text: string) => {
        const error = await assertRejects(() => producer.send(record), KafkaError, text);
        assertEquals((error as KafkaError).code, code);
      };
      const value = "x".repeat(10_000);
      await refused({ topic: "events", value }, ErrorCode.MESSAGE_TOO_LARGE, "maxRequestBytes");
      await refused(
        { topic: "events", partition: 1 },
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        "the partitions 0 to 0",
      );
      await refused({ topic: "no/good" }, ErrorCode.INVALID_TOPIC_EXCEPTION, `"no/good"`);
      // The producer continues.
      assertEquals((await producer.send({ topic: "events", value: "fine" })).offset, 0);
    });
  });
});

test("Producer fails records that the broker rejects permanently and sends the following ones", async () => {
  const cluster = await startCluster({ config: { "message.max.bytes": "3000" } });
  try {
    // One batch per record, all in flight at once.
    const options = { bootstrapServers: cluster.bootstrapServers, batchSize: 50 };
    await withProducer(options, async (producer) => {
      const values = ["a", "x".repeat(5_000), "b", "c"];
      const results = await Promise.allSettled(
        values.map((value) => producer.send({ topic: "events", partition: 0, value })),
      );
      assertEquals(results.map(({ status }) => status), [
        "fulfilled",
        "rejected",
        "fulfilled",
        "fulfilled",
      ]);
      const refused = results[1] as PromiseRejectedResult;
      assertEquals((refused.reason as KafkaError).code, ErrorCode.MESSAGE_TOO_LARGE);
      await producer.send({ topic: "events", partition: 0, value: "d" });
      const { bootstrapServers } = cluster;
      const got = await read({ bootstrapServers, topics: "events" }, 4);
      assertEquals(got.map(({ valueText }) => valueText), ["a", "b", "c", "d"]);
    });
  } finally {
    await cluster.shutdown();
  }
});

test("calls on a closed producer or consumer are rejected", async () => {
  await withCluster(1, async (bootstrapServers) => {
    const producer = await Producer.connect({ bootstrapServers });
    await producer.close();
    await producer.close();
    await assertRejects(() => producer.send({ topic: "events" }), TypeError, "it is closed");
    const consumer = new Consumer({ bootstrapServers, topics: "events" });
    await consumer.close();
    await assertRejects(() => consumer.start(), TypeError, "it is closed");
    assertEquals((await consumer[Symbol.asyncIterator]().next()).done, true);
    await assertRejects(() => consumer.commit(), TypeError, `no "groupId"`);
  });
});

test("Producer.connect() and Consumer.start() name the unreachable address", async () => {
  const options = { bootstrapServers: "127.0.0.1:1", retries: 0 };
  const error = await assertRejects(() => Producer.connect(options), KafkaError, "127.0.0.1:1");
  assertEquals((error as KafkaError).code, ErrorCode.NETWORK_EXCEPTION);
  assertEquals((error as KafkaError).retriable, true);
  const consumer = new Consumer({ ...options, topics: "events" });
  await assertRejects(() => consumer.start(), KafkaError, "127.0.0.1:1");
  await consumer.close();
});

test("Consumer starts at the position `from`", async () => {
  await withCluster(1, async (bootstrapServers) => {
    await withProducer({ bootstrapServers }, async (producer) => {
      for (let i = 0; i < 10; i++) {
        await producer.send({ topic: "events", value: String(i), timestamp: 1_000 + i });
      }
      const options = { bootstrapServers, topics: "events" };
      const first = async (from: number | "earliest" | { timestamp: number }) =>
        (await read({ ...options, from }, 1))[0]!.valueText;
      assertEquals(await first("earliest"), "0");
      assertEquals(await first(7), "7");
      assertEquals(await first({ timestamp: 1_004 }), "4");
      const late = new Consumer({ ...options, from: "latest" });
      const afterAll = new Consumer({ ...options, from: { timestamp: 99_999 } });
      await Promise.all([late.start(), afterAll.start()]);
      assertEquals(late.positions, [{ topic: "events", partition: 0, offset: 10 }]);
      assertEquals(afterAll.positions, late.positions);
      await producer.send({ topic: "events", value: "new" });
      assertEquals((await late[Symbol.asyncIterator]().next()).value!.valueText, "new");
      await Promise.all([late.close(), afterAll.close()]);
    });
  });
});

test("Consumer applies onOffsetOutOfRange when its offset is not in the log", async () => {
  await withCluster(1, async (bootstrapServers) => {
    await withProducer({ bootstrapServers }, async (producer) => {
      await producer.send({ topic: "events", value: "only" });
      const options = { bootstrapServers, topics: "events", from: 500 };
      const [record] = await read(options, 1);
      assertEquals(record!.valueText, "only");
      const error = await assertRejects(
        () => read({ ...options, onOffsetOutOfRange: "fail" }, 1),
        KafkaError,
        "offset 500",
      );
      assertEquals((error as KafkaError).code, ErrorCode.OFFSET_OUT_OF_RANGE);
    });
  });
});

test("Consumer.readable and Consumer.batches return every record once", async () => {
  await withCluster(2, async (bootstrapServers) => {
    await withProducer({ bootstrapServers, batchSize: 1_000 }, async (producer) => {
      const count = 2_000;
      await Promise.all(Array.from(
        { length: count },
        (_, i) => producer.send({ topic: "events", value: String(i) }),
      ));
      const options = { bootstrapServers, topics: "events", maxBytes: 5_000 };
      const seen = new Set<string>();
      for await (const { valueText } of new Consumer(options).readable) {
        seen.add(valueText!);
        if (seen.size === count) break;
      }
      const inBatches: string[] = [];
      const consumer = new Consumer(options);
      for await (const records of consumer.batches) {
        for (const { valueText } of records) inBatches.push(valueText!);
        if (inBatches.length >= count) break;
      }
      assertEquals([inBatches.length, new Set(inBatches).size], [count, count]);
      assertEquals(consumer.lag, 0);
    });
  });
});

test("Consumer reads only the partitions of its options", async () => {
  await withCluster(3, async (bootstrapServers) => {
    await withProducer({ bootstrapServers }, async (producer) => {
      for (let partition = 0; partition < 3; partition++) {
        await producer.send({ topic: "events", partition, value: String(partition) });
      }
      const options = { bootstrapServers, topics: "events" };
      const got = await read({ ...options, partitions: [2, 0] }, 2);
      assertEquals(got.map(({ partition }) => partition).sort(), [0, 2]);
      const consumer = new Consumer({ ...options, partitions: [3] });
      await assertRejects(() => consumer.start(), TypeError, "the partitions 0 to 2");
      await consumer.close();
    });
  });
});
