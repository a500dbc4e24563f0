import { assertEquals } from "@std/assert";
import {
  ProducerState,
  sequenceAfter,
  sequenceBefore,
} from "../../../src/log/producers/producer_state.ts";
import { refusal } from "../fixture.ts";
import { test } from "../../harness.ts";

const MAX = 2_147_483_647;

function batch(producerEpoch: number, baseSequence: number, count = 1) {
  return {
    producerId: 9,
    producerEpoch,
    baseSequence,
    lastOffsetDelta: count - 1,
    isTransactional: false,
  };
}

test("sequence numbers wrap around from 2^31 - 1 to 0", () => {
  assertEquals(sequenceAfter(0, 1), 1);
  assertEquals(sequenceAfter(MAX, 1), 0);
  assertEquals(sequenceAfter(MAX - 2, 10), 7);
  assertEquals(sequenceAfter(-1, 1), 0);
  for (const [sequence, count] of [[0, 1], [5, 5], [3, 10], [MAX, MAX]] as const) {
    assertEquals(sequenceAfter(sequenceBefore(sequence, count), count), sequence);
  }
});

test("ProducerState.check() accepts and rejects batches like Kafka", () => {
  // What was appended before as [epoch, sequence, records], the next batch, and the result.
  const table: [[number, number, number][], [number, number], string][] = [
    [[], [0, 0], "NONE"],
    [[], [3, 77], "NONE"], // An unknown producer: retention may have removed its state.
    [[[0, 0, 5]], [0, 5], "NONE"],
    [[[0, 0, 5]], [0, 6], "OUT_OF_ORDER_SEQUENCE_NUMBER"],
    [[[0, 0, 5]], [0, 4], "OUT_OF_ORDER_SEQUENCE_NUMBER"],
    [[[0, 0, 5]], [0, 0], "OUT_OF_ORDER_SEQUENCE_NUMBER"],
    [[[1, 0, 5]], [0, 5], "INVALID_PRODUCER_EPOCH"],
    [[[1, 0, 5]], [2, 0], "NONE"],
    [[[1, 0, 5]], [2, 5], "OUT_OF_ORDER_SEQUENCE_NUMBER"],
    [[[1, 0, 5]], [9, 0], "NONE"],
    [[[0, MAX - 1, 2]], [0, 0], "NONE"],
    [[[0, MAX - 1, 3]], [0, 1], "NONE"],
    [[[0, MAX, 1]], [0, 1], "OUT_OF_ORDER_SEQUENCE_NUMBER"],
  ];
  for (const [stored, [epoch, sequence], answer] of table) {
    const producers = new ProducerState();
    let offset = 100;
    for (const [storedEpoch, storedSequence, count] of stored) {
      producers.add(batch(storedEpoch, storedSequence, count), offset, 0);
      offset += count;
    }
    const { name } = refusal(() => producers.check(batch(epoch, sequence), true, "x"));
    assertEquals(name, answer, JSON.stringify([stored, epoch, sequence]));
  }
});

test("ProducerState.findDuplicate() finds the last five batches of each producer", () => {
  const producers = new ProducerState();
  for (let i = 0; i < 7; i++) producers.add(batch(0, i * 3, 3), 100 + i * 3, 1_000 + i);
  for (let i = 0; i < 7; i++) {
    const found = producers.findDuplicate(batch(0, i * 3, 3));
    const stored = { baseOffset: 100 + i * 3, lastOffset: 102 + i * 3, timestamp: 1_000 + i };
    assertEquals(found, i < 2 ? null : stored, `batch ${i}`);
  }
  // The same start with another end, and the same batch of another epoch or producer, are no
  // duplicates.
  assertEquals(producers.findDuplicate(batch(0, 18, 2)), null);
  assertEquals(producers.findDuplicate(batch(1, 18, 3)), null);
  assertEquals(producers.findDuplicate({ ...batch(0, 18, 3), producerId: 10 }), null);
});

test("ProducerState finds a duplicate whose sequence numbers wrap around", () => {
  const producers = new ProducerState();
  producers.add(batch(0, MAX - 1, 5), 40, 0);
  assertEquals(producers.findDuplicate(batch(0, MAX - 1, 5))?.baseOffset, 40);
  assertEquals(refusal(() => producers.check(batch(0, 3), true, "x")).name, "NONE");
});

test("ProducerState finds no duplicates of a former epoch", () => {
  const producers = new ProducerState();
  producers.add(batch(0, 0, 3), 0, 0);
  producers.add(batch(1, 0, 3), 3, 0);
  assertEquals(producers.findDuplicate(batch(0, 0, 3)), null);
  assertEquals(producers.findDuplicate(batch(1, 0, 3))?.baseOffset, 3);
});

test("ProducerState rejects non-transactional records during an open transaction, until its marker", () => {
  const producers = new ProducerState();
  producers.add({ ...batch(0, 0, 2), isTransactional: true }, 10, 5);
  assertEquals(producers.hasOpenTransaction(9), true);
  assertEquals(producers.active()[0]!.currentTransactionStartOffset, 10);
  assertEquals(refusal(() => producers.check(batch(0, 2), true, "x")).name, "INVALID_TXN_STATE");
  producers.endTransaction({
    producerId: 9,
    producerEpoch: 0,
    coordinatorEpoch: 4,
    isCommit: true,
    offset: 12,
    timestamp: 6,
  }, -1);
  assertEquals(refusal(() => producers.check(batch(0, 2), true, "x")).name, "NONE");
  assertEquals(producers.active(), [{
    producerId: 9,
    producerEpoch: 0,
    lastSequence: 1,
    lastTimestamp: 6,
    coordinatorEpoch: 4,
    currentTransactionStartOffset: -1,
  }]);
});

test("ProducerState.expire() removes inactive producers, except those with an open transaction", () => {
  const producers = new ProducerState();
  producers.add({ ...batch(0, 0), producerId: 1 }, 0, 1_000);
  producers.add({ ...batch(0, 0), producerId: 2 }, 1, 1_000);
  producers.add({ ...batch(0, 0), producerId: 3, isTransactional: true }, 2, 1_000);
  // The timestamps of records do not matter, however old they are.
  assertEquals(producers.expire(900_000, 4_500), 0);
  producers.add({ ...batch(1, 0), producerId: 2 }, 3, 1_000);
  assertEquals(producers.expire(904_499, 4_500), 0);
  assertEquals(producers.expire(904_500, 4_500), 1);
  assertEquals(producers.active().map((producer) => producer.producerId), [2, 3]);
});

test("a restored producer expires although its timestamps are in the future", () => {
  const producers = new ProducerState();
  const entry = {
    producerId: 1,
    producerEpoch: 0,
    lastSequence: 0,
    lastOffset: 0,
    offsetDelta: 0,
    lastTimestamp: 5_000_000,
    coordinatorEpoch: -1,
    currentTransactionStartOffset: -1,
  };
  producers.restore([entry], 1_000);
  assertEquals(producers.expire(5_499, 4_500), 0);
  assertEquals(producers.expire(5_500, 4_500), 1);
});

test("endTransaction() fences batches of epochs before the marker's", () => {
  const producers = new ProducerState();
  producers.add({ ...batch(3, 0, 2), isTransactional: true }, 10, 5);
  // A coordinator that fences a producer raises its epoch with the marker.
  producers.endTransaction({
    producerId: 9,
    producerEpoch: 4,
    coordinatorEpoch: 1,
    isCommit: false,
    offset: 12,
    timestamp: 6,
  }, -1);
  const zombie = { ...batch(3, 2), isTransactional: true };
  assertEquals(refusal(() => producers.check(zombie, true, "x")).name, "INVALID_PRODUCER_EPOCH");
  assertEquals(producers.findDuplicate(batch(3, 0, 2)), null);
  assertEquals(refusal(() => producers.check(batch(4, 0), true, "x")).name, "NONE");
});

test("ProducerState evicts the producers inactive for longest, except those with an open transaction", () => {
  const producers = new ProducerState(20);
  for (let producerId = 0; producerId < 20; producerId++) {
    const isTransactional = producerId === 1;
    producers.add({ ...batch(0, 0), producerId, isTransactional }, producerId, 0, producerId);
  }
  producers.add({ ...batch(0, 0), producerId: 20 }, 20, 0, 20);
  const left = producers.active().map(({ producerId }) => producerId);
  // A tenth is evicted: the two idle ones that were active first.
  assertEquals(left, [1, ...Array.from({ length: 18 }, (_, i) => i + 3)]);
  assertEquals([producers.lastStableOffset(21), producers.hasOpenTransaction(1)], [1, true]);
});

test("restore() finds the first open transaction, regardless of the order in the snapshot", () => {
  for (const starts of [[5, 20, -1], [20, -1, 5], [-1, 20, 5]]) {
    const producers = new ProducerState();
    const entries = starts.map((currentTransactionStartOffset, producerId) => ({
      producerId,
      producerEpoch: 0,
      lastSequence: 0,
      lastOffset: 30,
      offsetDelta: 0,
      lastTimestamp: 1,
      coordinatorEpoch: -1,
      currentTransactionStartOffset,
    }));
    producers.restore(entries, 1_000);
    assertEquals(producers.lastStableOffset(40), 5, String(starts));
  }
});
