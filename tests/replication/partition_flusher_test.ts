import { assertEquals } from "@std/assert";
import { appendTo, DirectBroker, settle } from "../broker/direct_broker.ts";
import { batchOf } from "../broker/fixture.ts";
import { test } from "../harness.ts";

test("a flush by age that gets no descriptor is retried", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({ flushMs: 100 });
  appendTo(partition, batchOf(["a"]));
  // Its leader epochs have to be opened for the sync.
  broker.machine.memory.maxOpenFiles = 0;
  broker.clock.advance(100);
  await settle();
  assertEquals([partition.needsFlush, partition.log.failure], [true, null]);
  broker.clock.advance(1_000);
  await settle();
  assertEquals(partition.needsFlush, true);
  broker.machine.memory.maxOpenFiles = Infinity;
  broker.clock.advance(999);
  await settle();
  assertEquals(partition.needsFlush, true);
  broker.clock.advance(1);
  await settle();
  assertEquals([partition.needsFlush, broker.clock.pending()], [false, 0]);
});
