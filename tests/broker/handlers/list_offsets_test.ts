import { assertEquals } from "@std/assert";
import { listOffsetsHandler } from "../../../src/broker/handlers/list_offsets.ts";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";
import { ACKS_ALL, ACKS_LEADER, DirectBroker, stateOf } from "../direct_broker.ts";
import { type Fixture, produceTo, withBroker } from "../fixture.ts";

const stamped = (...timestamps: number[]) =>
  encodeBatch(timestamps.map((timestamp) => ({ timestamp, value: new Uint8Array(10) })));

async function look({ client }: Fixture, timestamp: number, version = 11) {
  const { topics } = await client.request(listOffsets, version, {
    replicaId: -1,
    isolationLevel: 0,
    timeoutMs: 1_000,
    topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  const { errorCode, offset, timestamp: at } = topics[0]!.partitions[0]!;
  return [errorCode, offset, at];
}

test("ListOffsets finds the ends, and records by their time, in every version", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({ name: "events" });
    await produceTo(fixture.client, "events", 0, stamped(100, 200));
    await produceTo(fixture.client, "events", 0, stamped(400, 300));
    for (let version = 1; version <= 11; version++) {
      assertEquals(await look(fixture, -1, version), [0, 4, -1]);
      assertEquals(await look(fixture, -2, version), [0, 0, -1]);
      assertEquals(await look(fixture, 150, version), [0, 1, 200]);
      assertEquals(await look(fixture, 200, version), [0, 1, 200]);
      assertEquals(await look(fixture, 201, version), [0, 2, 400]);
      assertEquals(await look(fixture, 0, version), [0, 0, 100]);
      assertEquals(await look(fixture, 401, version), [0, -1, -1]);
      assertEquals(await look(fixture, -3, version), version < 7 ? [35, -1, -1] : [0, 2, 400]);
      assertEquals(await look(fixture, -4, version), version < 8 ? [35, -1, -1] : [0, 0, -1]);
      assertEquals(await look(fixture, -5, version), version < 9 ? [35, -1, -1] : [0, -1, -1]);
      assertEquals(await look(fixture, -6, version), version < 11 ? [35, -1, -1] : [0, -1, -1]);
      assertEquals((await look(fixture, -7, version))[0], 35);
    }
  }));

test("ListOffsets finds the ends of an empty partition and no record", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({ name: "events" });
    assertEquals(await look(fixture, -1), [0, 0, -1]);
    assertEquals(await look(fixture, -2), [0, 0, -1]);
    assertEquals(await look(fixture, -3), [0, -1, -1]);
    assertEquals(await look(fixture, 5), [0, -1, -1]);
  }));

test("ListOffsets answers the log start offset after DeleteRecords", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({ name: "events" });
    await produceTo(fixture.client, "events", 0, stamped(1, 2, 3));
    await fixture.client.request(deleteRecords, 2, {
      timeoutMs: 1_000,
      topics: [{ name: "events", partitions: [{ partitionIndex: 0, offset: 2 }] }],
    });
    assertEquals(await look(fixture, -2), [0, 2, -1]);
    assertEquals(await look(fixture, 0), [0, 2, 3]);
  }));

test("ListOffsets reports errors, each for its partition", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const { topics } = await client.request(listOffsets, 6, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        { name: "nothing", partitions: [{ partitionIndex: 0, timestamp: -1 }] },
        {
          name: "events",
          partitions: [
            { partitionIndex: 5, timestamp: -1 },
            { partitionIndex: 0, timestamp: -1, currentLeaderEpoch: 8 },
          ],
        },
      ],
    });
    assertEquals(
      topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
      [3, 3, 75],
    );
  }));

test("ListOffsets rejects a partition that is named twice", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const asked = { partitionIndex: 0, timestamp: -1 };
    const { topics } = await client.request(listOffsets, 6, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "events", partitions: [asked, asked] }],
    });
    assertEquals(topics[0]!.partitions.map(({ errorCode }) => errorCode), [42, 42]);
  }));

test("ListOffsets by time finds no record at or above the last stable offset or high watermark", async () => {
  const broker = new DirectBroker();
  const partition = broker.add();
  partition.append(stamped(100, 200), ACKS_ALL);
  partition.log.append(
    encodeBatch([{ timestamp: 300, value: new Uint8Array(10) }], {
      producerId: 7,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    }),
    { leaderEpoch: 0, origin: "coordinator" },
  );
  await partition.flush();
  partition.becomeLeader(stateOf({ replicas: [1, 2], isr: [1, 2] }));
  // Not on every replica: the high watermark stays before it.
  partition.append(stamped(400), ACKS_LEADER);
  assertEquals([partition.lastStableOffset, partition.highWatermark], [2, 3]);
  const find = async (timestamp: number, isolationLevel: number) => {
    const { topics } = await broker.ask(listOffsets, listOffsetsHandler, 7, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    return topics[0]!.partitions[0]!.offset;
  };
  assertEquals([await find(200, 0), await find(200, 1)], [1, 1]);
  // The record at 2 is part of an open transaction, and that at 3 is at the high watermark.
  assertEquals([await find(300, 0), await find(300, 1)], [2, -1]);
  assertEquals([await find(400, 0), await find(400, 1)], [-1, -1]);
});

test("ListOffsets returns the leader epoch of the earliest record, or the current one if there is none", async () => {
  const earliest = async (broker: DirectBroker, timestamp: number) => {
    const { topics } = await broker.ask(listOffsets, listOffsetsHandler, 9, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    const { offset, leaderEpoch } = topics[0]!.partitions[0]!;
    return [offset, leaderEpoch];
  };
  const empty = new DirectBroker();
  empty.add({}, { leaderEpoch: 3 });
  assertEquals(await earliest(empty, -2), [0, 3]);
  const broker = new DirectBroker();
  const partition = broker.add();
  partition.append(stamped(1, 2), ACKS_ALL);
  partition.becomeLeader(stateOf({ leaderEpoch: 3 }));
  partition.append(stamped(3), ACKS_ALL);
  for (const timestamp of [-2, -4]) assertEquals(await earliest(broker, timestamp), [0, 0]);
  partition.deleteRecordsBefore(2);
  for (const timestamp of [-2, -4]) assertEquals(await earliest(broker, timestamp), [2, 3]);
});
