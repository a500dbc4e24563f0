/** The batches and sequence numbers of a producer, with a scripted broker. */
import { assertEquals, assertRejects } from "@std/assert";
import { Producer, type ProducerOptions } from "../../../src/client/producer/producer.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { initProducerId } from "../../../src/protocol/messages/init_producer_id.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { readBaseSequence, readProducerId } from "../../../src/protocol/records/batch.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { type ManualClock, manualClock } from "../../broker/manual_clock.ts";
import { test } from "../../harness.ts";
import { ScriptedBroker } from "../scripted_broker.ts";

interface Fixture {
  readonly producer: Producer;
  readonly clock: ManualClock;
  /** Sends a record to the partition, without awaiting its result. */
  send(partition: number, value?: Uint8Array): Promise<{ offset: number }>;
  /** Returns the next Produce request: producer id and base sequence of each batch. */
  next(): Promise<Sent>;
}

interface Sent {
  readonly batches: readonly [partition: number, producerId: number, baseSequence: number][];
  readonly bytes: number;
  /** Answers all of its batches with this code. */
  answer(errorCode: ErrorCode): void;
}

/**
 * Runs `body` with a producer of topic "events", whose broker allocates the producer ids 1, 2, …
 */
async function withProducer(
  options: Partial<ProducerOptions>,
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const broker = new ScriptedBroker();
  broker.onMetadata({ events: 3 });
  let producerId = 0;
  broker.on(initProducerId, () => ({
    errorCode: 0,
    producerId: ++producerId,
    producerEpoch: 0,
  }));
  const received = broker.queue(produce);
  const clock = manualClock();
  const runtime = { ...hostRuntime(), network: broker.network, clock };
  const { bootstrapServers } = broker;
  const producer = new Producer({ bootstrapServers, runtime, ...options });
  await body({
    producer,
    clock,
    send: (partition, value = Uint8Array.of(1)) => {
      const sent = producer.send({ topic: "events", partition, value });
      sent.catch(() => {});
      return sent;
    },
    async next() {
      const { request, answer } = await received();
      const parts = request.topicData.flatMap(({ partitionData }) => partitionData);
      return {
        batches: parts.map(({ index, records }) => {
          return [index, Number(readProducerId(records!, 0)), readBaseSequence(records!, 0)];
        }),
        bytes: parts.reduce((sum, { records }) => sum + records!.length, 0),
        answer: (errorCode) =>
          answer({
            responses: request.topicData.map(({ name, topicId }) => ({
              name,
              topicId,
              partitionResponses: parts.map(({ index }) => {
                return { index, errorCode, baseOffset: errorCode === 0 ? 7 : -1 };
              }),
            })),
          }),
      };
    },
  });
  await producer.close();
}

/** Sends a record that is stored, in a batch with this producer id and sequence number. */
async function sendAs({ send, next }: Fixture, id: number, sequence: number): Promise<void> {
  const result = send(0);
  const sent = await next();
  assertEquals(sent.batches, [[0, id, sequence]]);
  sent.answer(ErrorCode.NONE);
  assertEquals((await result).offset, 7);
}

/** Sends a record that is stored, so that the broker knows the producer. */
function sendFirst(fixture: Fixture): Promise<void> {
  return sendAs(fixture, 1, 0);
}

test("Producer uses a new producer id after failing a batch of unknown outcome", async () => {
  await withProducer({ retries: 0 }, async (fixture) => {
    const { send, next } = fixture;
    await sendFirst(fixture);
    const lost = send(0);
    const uncertain = await next();
    assertEquals(uncertain.batches, [[0, 1, 1]]);
    uncertain.answer(ErrorCode.REQUEST_TIMED_OUT);
    const error = await assertRejects(() => lost, KafkaError);
    assertEquals(error.code, ErrorCode.REQUEST_TIMED_OUT);
    // The lost batch may have sequence number 1 of the first id.
    await sendAs(fixture, 2, 0);
  });
});

test("Producer reuses the sequence number of a permanently rejected batch", async () => {
  await withProducer({ retries: 0 }, async (fixture) => {
    const { send, next } = fixture;
    await sendFirst(fixture);
    const refused = send(0);
    (await next()).answer(ErrorCode.INVALID_RECORD);
    await assertRejects(() => refused, KafkaError);
    await sendAs(fixture, 1, 1);
  });
});

test("Producer uses a new producer id after a batch that was sent once has expired", async () => {
  await withProducer({ deliveryTimeoutMs: 1_000 }, async (fixture) => {
    const { send, next, clock } = fixture;
    await sendFirst(fixture);
    const expired = send(0);
    const sentOnce = await next();
    const backsOff = clock.timerWithin(200);
    sentOnce.answer(ErrorCode.NOT_ENOUGH_REPLICAS);
    await backsOff;
    clock.advance(1_001);
    const error = await assertRejects(() => expired, KafkaError, "within 1,000 ms");
    assertEquals(error.code, ErrorCode.REQUEST_TIMED_OUT);
    await sendAs(fixture, 2, 0);
  });
});

test("Producer limits requests of several batches to maxRequestBytes", async () => {
  const options = { maxRequestBytes: 400, batchSize: 400, idempotent: false, maxInFlight: 1 };
  await withProducer(options, async ({ send, next }) => {
    const value = new Uint8Array(100);
    const all = [send(0, value), send(1, value), send(2, value)];
    const sizes: number[] = [];
    for (let batches = 0; batches < 3;) {
      const sent = await next();
      sizes.push(sent.bytes);
      batches += sent.batches.length;
      sent.answer(ErrorCode.NONE);
    }
    await Promise.all(all);
    // Two batches fit, three do not.
    assertEquals(sizes.length, 2);
    assertEquals(sizes.every((size) => size <= 400), true);
  });
});
