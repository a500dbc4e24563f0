import { assertEquals, assertThrows } from "@std/assert";
import { Partition } from "../../src/replication/partition.ts";
import type { PartitionLog } from "../../src/log/partition_log.ts";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import { batchOf } from "../broker/fixture.ts";
import { DirectBroker, settle, stateOf, TOPIC_ID } from "../broker/direct_broker.ts";

const NEW_ID = "AAAAAAAAAAAAAAAAAAAAEQ";

function errorOf(run: () => unknown): string {
  return errorName((assertThrows(run, KafkaError) as KafkaError).code);
}

test("removeTopic() forgets the topic's id, also if its name is used again", () => {
  const { partitions, machine, ...broker } = withPartition();
  assertEquals(partitions.byId(TOPIC_ID, 0), broker.partition);
  partitions.removeTopic("events");
  assertEquals(broker.partition.isGone, true);
  assertEquals(errorOf(() => partitions.byId(TOPIC_ID, 0)), "UNKNOWN_TOPIC_ID");
  assertEquals(errorOf(() => partitions.byName("events", 0)), "UNKNOWN_TOPIC_OR_PARTITION");
  const log: PartitionLog = machine.open({}, { directory: "/data/again" });
  const again = new Partition(log, stateOf(), 1);
  partitions.add("events", NEW_ID, 0, again);
  // A client that knows the old topic must not read the new one.
  assertEquals(errorOf(() => partitions.byId(TOPIC_ID, 0)), "UNKNOWN_TOPIC_ID");
  assertEquals([partitions.byId(NEW_ID, 0), partitions.byName("events", 0)], [again, again]);
});

function withPartition() {
  const broker = new DirectBroker();
  const partition = broker.add();
  partition.append(batchOf(["a"]), true);
  return { partitions: broker.partitions, machine: broker.machine, partition };
}

test("a flush by age that gets no descriptor is tried again", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({ flushMs: 100 });
  broker.partitions.append(partition, batchOf(["a"]), true, true);
  // Its leader epochs have to be opened for the sync.
  broker.machine.memory.maxOpenFiles = 0;
  broker.clock.advance(100);
  await settle();
  assertEquals([partition.hasUnflushed, partition.log.failure], [true, null]);
  broker.clock.advance(1_000);
  await settle();
  assertEquals(partition.hasUnflushed, true);
  broker.machine.memory.maxOpenFiles = Infinity;
  broker.clock.advance(999);
  await settle();
  assertEquals(partition.hasUnflushed, true);
  broker.clock.advance(1);
  await settle();
  assertEquals([partition.hasUnflushed, broker.clock.pending()], [false, 0]);
});
