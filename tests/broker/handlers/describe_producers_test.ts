import { assertEquals } from "@std/assert";
import { describeProducersHandler } from "../../../src/broker/handlers/describe_producers.ts";
import { ErrorCode, errorName, KafkaError } from "../../../src/protocol/errors.ts";
import { describeProducers } from "../../../src/protocol/messages/describe_producers.ts";
import { test } from "../../harness.ts";
import { abortMarker, batchOf as loggedBatch, Machine, START_MS } from "../../log/fixture.ts";
import { DirectBroker, stateOf } from "../direct_broker.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { steppingClock } from "../../network/server/stepping_clock.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

test("DescribeProducers returns the last batch of each idempotent producer", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    const produce = async (values: string[], producer: [number, number, number]) => {
      const [producerId, producerEpoch, baseSequence] = producer;
      const records = batchOf(values, { producerId, producerEpoch, baseSequence });
      assertEquals((await produceTo(client, "events", 0, records)).errorCode, ErrorCode.NONE);
    };
    await produce(["a", "b", "c"], [77, 0, 0]);
    await produce(["d", "e"], [77, 0, 3]);
    await produce(["f"], [99, 5, 0]);
    const { topics } = await client.request(describeProducers, 0, {
      topics: [{ name: "events", partitionIndexes: [0, 1] }],
    });
    const absent = { coordinatorEpoch: -1, currentTxnStartOffset: -1 };
    assertEquals(topics[0]!.partitions.map(({ activeProducers }) => activeProducers), [
      [
        { producerId: 77, producerEpoch: 0, lastSequence: 4, lastTimestamp: 1_000_001, ...absent },
        { producerId: 99, producerEpoch: 5, lastSequence: 0, lastTimestamp: 1_000_000, ...absent },
      ],
      [],
    ]);
  }));

test("DescribeProducers returns the first offset of a producer's open transaction", async () => {
  const machine = new Machine();
  const log = machine.open({}, { directory: "/data/events-0", topic: "events" });
  const broker = new DirectBroker();
  broker.addFollower({ log }).becomeLeader(stateOf());
  const { partitions } = broker;
  const describe = async () => {
    const { topics } = await askHandler(describeProducersHandler, describeProducers, 0, {
      topics: [{ name: "events", partitionIndexes: [0] }],
    }, { services: { partitions, clock: steppingClock(0) } });
    return topics[0]!.partitions[0]!.activeProducers;
  };
  const producer = { producerId: 5, producerEpoch: 3 };
  log.append(loggedBatch(2), { leaderEpoch: 0, origin: "client" });
  log.append(loggedBatch(2, { ...producer, baseSequence: 0, isTransactional: true }), {
    leaderEpoch: 0,
    origin: "coordinator",
  });
  const { lastTimestamp: _, ...open } = (await describe())[0]!;
  assertEquals(open, {
    ...producer,
    lastSequence: 1,
    coordinatorEpoch: -1,
    currentTxnStartOffset: 2,
  });
  log.append(abortMarker(producer), { leaderEpoch: 0, origin: "coordinator" });
  assertEquals(await describe(), [{
    ...producer,
    lastSequence: 1,
    lastTimestamp: START_MS,
    coordinatorEpoch: 1,
    currentTxnStartOffset: -1,
  }]);
});

test("DescribeProducers answers for each partition that cannot be described", async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { topics } = await client.request(describeProducers, 0, {
      topics: [
        { name: "events", partitionIndexes: [0, 9, -1] },
        { name: "nope", partitionIndexes: [0] },
        { name: "a b", partitionIndexes: [0] },
        { name: "events", partitionIndexes: [] },
      ],
    });
    assertEquals(
      topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode))),
      [
        ["NONE", "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_OR_PARTITION"],
        ["UNKNOWN_TOPIC_OR_PARTITION"],
        ["INVALID_TOPIC_EXCEPTION"],
        [],
      ],
    );
  });
  const broker = new DirectBroker();
  const { partitions } = broker;
  const offline = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "events-0 is offline");
  broker.addFollower({ log: offline });
  const { topics } = await askHandler(describeProducersHandler, describeProducers, 0, {
    topics: [{ name: "events", partitionIndexes: [0] }],
  }, { services: { partitions, clock: steppingClock(0) } });
  const { errorCode, errorMessage } = topics[0]!.partitions[0]!;
  assertEquals([errorName(errorCode), errorMessage], [
    "KAFKA_STORAGE_ERROR",
    "events-0 is offline",
  ]);
});
