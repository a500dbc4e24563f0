import { assertEquals } from "@std/assert";
import { advance, PartitionQueue } from "../../src/client/partition_queue.ts";
import { ProducerBatch } from "../../src/client/producer_batch.ts";
import { readBaseSequence, readProducerId } from "../../src/protocol/records/batch.ts";
import { test } from "../harness.ts";

const identity = { producerId: 7, producerEpoch: 0 };

/** A queue with batches of these record counts waiting, opened at 0, 1, 2, … ms. */
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

test("PartitionQueue numbers batches by their records", () => {
  const batches = takeAll(queueOf(2, 3, 1));
  assertEquals(sequences(batches), [0, 2, 5]);
  assertEquals(batches.map((one) => readBaseSequence(one.bytes(), 0)), [0, 2, 5]);
  assertEquals(batches.map((one) => readProducerId(one.bytes(), 0)), [7, 7, 7]);
});

test("PartitionQueue sends failed batches again in order, with the numbers they had", () => {
  const queue = queueOf(1, 1, 1, 1);
  const [a, b, c] = [queue.take(identity), queue.take(identity), queue.take(identity)];
  queue.settle(a);
  queue.again(b, 500);
  assertEquals([queue.isRecovering, queue.hasWaiting], [true, true]);
  queue.again(c, 400);
  assertEquals([queue.isRecovering, queue.notBeforeMs], [false, 500]);
  assertEquals(takeAll(queue).slice(0, 2), [b, c]);
  assertEquals(sequences([b, c]), [1, 2]);
});

test("PartitionQueue numbers what follows a refused batch anew", () => {
  const queue = queueOf(1, 2, 3, 4);
  const [a, b, c] = [queue.take(identity), queue.take(identity), queue.take(identity)];
  queue.settle(a);
  queue.refuse(b);
  queue.again(c, 0);
  assertEquals(queue.isRecovering, false);
  assertEquals(sequences(takeAll(queue)), [1, 4]);
  assertEquals(readBaseSequence(c.bytes(), 0), 1);
});

test("PartitionQueue keeps the numbers of what failed before a refused batch", () => {
  const queue = queueOf(1, 1, 1);
  const [a, b, c] = [queue.take(identity), queue.take(identity), queue.take(identity)];
  queue.again(a, 0);
  queue.refuse(b);
  queue.again(c, 0);
  assertEquals(takeAll(queue), [a, c]);
  assertEquals(sequences([a, c]), [0, 1]);
});

test("PartitionQueue renew() begins at 0 and gives back what may be written already", () => {
  const queue = queueOf(2, 2, 2);
  const [a, b] = [queue.take(identity), queue.take(identity)];
  a.isUncertain = true;
  queue.again(a, 0);
  queue.again(b, 0);
  assertEquals(queue.renew(), [a]);
  assertEquals(sequences(takeAll(queue)), [0, 2]);
});

test("PartitionQueue gives up what waited too long, oldest first", () => {
  const queue = queueOf(1, 1, 1);
  assertEquals(queue.takeExpired(2).length, 2);
  assertEquals(queue.takeExpired(2).length, 0);
  assertEquals(queue.batches().length, 1);
});

test("PartitionQueue gives up nothing while batches before it are unresolved", () => {
  const queue = queueOf(1, 1, 1);
  const [a, b] = [queue.take(identity), queue.take(identity)];
  queue.again(a, 0);
  assertEquals([queue.isRecovering, queue.takeExpired(100)], [true, []]);
  queue.settle(b);
  assertEquals(queue.isRecovering, false);
  assertEquals(queue.takeExpired(100)[0], a);
});

test("PartitionQueue renew() sends the first batch alone until the broker knows the identity", () => {
  const queue = queueOf(1, 1, 1);
  queue.settle(queue.take(identity));
  assertEquals(queue.renew(), []);
  const first = queue.take({ producerId: 8, producerEpoch: 0 });
  assertEquals(queue.mustWait, true);
  queue.settle(first);
  assertEquals(queue.mustWait, false);
});

test("PartitionQueue takeAll() takes out failed, waiting and open batches, in this order", () => {
  const queue = queueOf(1, 1, 1);
  const [a, b] = [queue.take(identity), queue.take(identity)];
  queue.again(a, 0);
  const [waiting] = queue.batches().slice(-1);
  const open = new ProducerBatch(3, "none", undefined);
  open.append({ timestamp: 0 }, null);
  queue.open = open;
  assertEquals(queue.takeAll(), [a, waiting, open]);
  assertEquals(queue.batches(), [b]);
});

test("advance() goes around after the largest sequence number", () => {
  assertEquals(advance(2_147_483_646, 1), 2_147_483_647);
  assertEquals(advance(2_147_483_647, 1), 0);
  assertEquals(advance(2_147_483_640, 10), 2);
});
