import { assertEquals } from "@std/assert";
import { PartitionQueue, sequenceAfter } from "../../../src/client/producer/partition_queue.ts";
import { ProducerBatch } from "../../../src/client/producer/producer_batch.ts";
import { readBaseSequence, readProducerId } from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";

const identity = { producerId: 7, producerEpoch: 0 };

/** Returns a queue with waiting batches of these record counts, opened at 0, 1, 2, … ms. */
function queueOf(...recordCounts: number[]): PartitionQueue {
  const queue = new PartitionQueue("t", 0);
  recordCounts.forEach((count, index) => {
    const batch = new ProducerBatch(index, "none", undefined);
    for (let i = 0; i < count; i++) batch.append({ timestamp: 0 }, null);
    queue.open = batch;
    queue.closeOpen();
  });
  return queue;
}

const takeAll = (queue: PartitionQueue) => {
  const taken: ProducerBatch[] = [];
  while (queue.hasWaiting) taken.push(queue.take(identity));
  return taken;
};
const sequences = (batches: readonly ProducerBatch[]) => batches.map((one) => one.baseSequence);

test("PartitionQueue.take() numbers batches by their record counts", () => {
  const batches = takeAll(queueOf(2, 3, 1));
  assertEquals(sequences(batches), [0, 2, 5]);
  assertEquals(batches.map((one) => readBaseSequence(one.bytes(), 0)), [0, 2, 5]);
  assertEquals(batches.map((one) => readProducerId(one.bytes(), 0)), [7, 7, 7]);
});

test("PartitionQueue sends failed batches again in order, with unchanged sequence numbers", () => {
  const queue = queueOf(1, 1, 1, 1);
  const [a, b, c] = [queue.take(identity), queue.take(identity), queue.take(identity)];
  queue.complete(a);
  queue.requeue(b, 500);
  assertEquals([queue.isRecovering, queue.hasWaiting], [true, true]);
  queue.requeue(c, 400);
  assertEquals([queue.isRecovering, queue.notBeforeMs], [false, 500]);
  assertEquals(takeAll(queue).slice(0, 2), [b, c]);
  assertEquals(sequences([b, c]), [1, 2]);
});

test("PartitionQueue renumbers the batches after a rejected one", () => {
  const queue = queueOf(1, 2, 3, 4);
  const [a, b, c] = [queue.take(identity), queue.take(identity), queue.take(identity)];
  queue.complete(a);
  queue.reject(b);
  queue.requeue(c, 0);
  assertEquals(queue.isRecovering, false);
  assertEquals(sequences(takeAll(queue)), [1, 4]);
  assertEquals(readBaseSequence(c.bytes(), 0), 1);
});

test("PartitionQueue keeps the numbers of batches that failed before a rejected one", () => {
  const queue = queueOf(1, 1, 1);
  const [a, b, c] = [queue.take(identity), queue.take(identity), queue.take(identity)];
  queue.requeue(a, 0);
  queue.reject(b);
  queue.requeue(c, 0);
  assertEquals(takeAll(queue), [a, c]);
  assertEquals(sequences([a, c]), [0, 1]);
});

test("PartitionQueue.resetIdentity() restarts at 0 and returns batches that may have been written", () => {
  const queue = queueOf(2, 2, 2);
  const [a, b] = [queue.take(identity), queue.take(identity)];
  a.isUncertain = true;
  queue.requeue(a, 0);
  queue.requeue(b, 0);
  assertEquals(queue.resetIdentity(), [a]);
  assertEquals(sequences(takeAll(queue)), [0, 2]);
});

test("PartitionQueue.takeExpired() returns expired batches, oldest first", () => {
  const queue = queueOf(1, 1, 1);
  assertEquals(queue.takeExpired(2).length, 2);
  assertEquals(queue.takeExpired(2).length, 0);
  assertEquals(queue.batches().length, 1);
});

test("PartitionQueue.takeExpired() returns nothing while earlier batches are unresolved", () => {
  const queue = queueOf(1, 1, 1);
  const [a, b] = [queue.take(identity), queue.take(identity)];
  queue.requeue(a, 0);
  assertEquals([queue.isRecovering, queue.takeExpired(100)], [true, []]);
  queue.complete(b);
  assertEquals(queue.isRecovering, false);
  assertEquals(queue.takeExpired(100)[0], a);
});

test("PartitionQueue sends the first batch of a new identity alone", () => {
  const queue = queueOf(1, 1, 1);
  queue.complete(queue.take(identity));
  assertEquals(queue.resetIdentity(), []);
  const first = queue.take({ producerId: 8, producerEpoch: 0 });
  assertEquals(queue.isBlocked, true);
  queue.complete(first);
  assertEquals(queue.isBlocked, false);
});

test("PartitionQueue.takeAll() returns failed, waiting and open batches, in this order", () => {
  const queue = queueOf(1, 1, 1);
  const [a, b] = [queue.take(identity), queue.take(identity)];
  queue.requeue(a, 0);
  const [waiting] = queue.batches().slice(-1);
  const open = new ProducerBatch(3, "none", undefined);
  open.append({ timestamp: 0 }, null);
  queue.open = open;
  assertEquals(queue.takeAll(), [a, waiting, open]);
  assertEquals(queue.batches(), [b]);
});

test("sequenceAfter() wraps around after the largest sequence number", () => {
  assertEquals(sequenceAfter(2_147_483_646, 1), 2_147_483_647);
  assertEquals(sequenceAfter(2_147_483_647, 1), 0);
  assertEquals(sequenceAfter(2_147_483_640, 10), 2);
});
