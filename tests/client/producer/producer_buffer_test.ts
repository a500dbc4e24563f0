/** Buffering of a producer while a topic is unknown, and closing its stream. */
import { assertEquals, assertRejects } from "@std/assert";
import { Producer } from "../../../src/client/producer/producer.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { initProducerId } from "../../../src/protocol/messages/init_producer_id.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { test } from "../../harness.ts";
import { ScriptedBroker } from "../scripted_broker.ts";

/** Returns a broker that answers every batch with `errorCode`. */
function brokerAnswering(errorCode: ErrorCode): ScriptedBroker {
  const broker = new ScriptedBroker();
  broker.onMetadata({ events: 1 });
  broker.on(initProducerId, () => ({ errorCode: 0, producerId: 1, producerEpoch: 0 }));
  broker.on(produce, ({ topicData }) => ({
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => {
        return { index, errorCode, baseOffset: errorCode === ErrorCode.NONE ? 0 : -1 };
      }),
    })),
  }));
  return broker;
}

async function connected(broker: ScriptedBroker, bufferBytes?: number): Promise<Producer> {
  return await Producer.connect({
    bootstrapServers: broker.bootstrapServers,
    runtime: { ...hostRuntime(), network: broker.network },
    ...(bufferBytes !== undefined && { bufferBytes }),
  });
}

test("Producer.ready is pending while records wait for the metadata of their topic", async () => {
  const broker = brokerAnswering(ErrorCode.NONE);
  const next = broker.queue(metadata);
  const producer = await connected(broker, 1_000);
  const value = new Uint8Array(100);
  const sends = Array.from({ length: 20 }, () => producer.send({ topic: "events", value }));
  // The size includes key, value and overhead of each record.
  assertEquals(producer.bufferedBytes >= 2_000, true);
  let isReady = false;
  const ready = producer.ready.then(() => isReady = true);
  const asked = await next();
  assertEquals(isReady, false);
  broker.onMetadata({ events: 1 });
  asked.answer({
    brokers: [{ nodeId: 1, ...broker.address, rack: null }],
    clusterId: "scripted",
    controllerId: 1,
    topics: [{
      errorCode: 0,
      name: "events",
      partitions: [{
        errorCode: 0,
        partitionIndex: 0,
        leaderId: 1,
        leaderEpoch: 0,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [],
      }],
    }],
  });
  await ready;
  await Promise.all(sends);
  assertEquals(producer.bufferedBytes, 0);
  await producer.close();
});

test("Producer rejects records beyond its limit and writes all accepted ones", async () => {
  const producer = await connected(brokerAnswering(ErrorCode.NONE), 100);
  const value = new Uint8Array(100);
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => producer.send({ topic: "events", value })),
  );
  const refused = results.filter(({ status }) => status === "rejected");
  assertEquals([refused.length > 5, refused.length < 15], [true, true]);
  for (const one of refused) {
    const { code } = (one as PromiseRejectedResult).reason as KafkaError;
    assertEquals(code, ErrorCode.RECORD_LIST_TOO_LARGE);
  }
  // The last records are rejected.
  assertEquals(results.slice(-refused.length), refused);
  assertEquals(producer.bufferedBytes, 0);
  await producer.close();
});

test("Producer.writable fails to close if one of its last records is not written", async () => {
  const producer = await connected(brokerAnswering(ErrorCode.INVALID_RECORD));
  const writer = producer.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write({ topic: "events", value: "lost" });
  const error = await assertRejects(() => writer.close(), KafkaError);
  assertEquals(error.code, ErrorCode.INVALID_RECORD);
  await producer.close();
});
