import { assertEquals, assertThrows } from "@std/assert";
import { MetadataApplier } from "../../src/broker/metadata_applier.ts";
import { PartitionTable } from "../../src/replication/partition_table.ts";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import type { DataDirectory } from "../../src/log/directory/data_directory.ts";
import type { LogManager } from "../../src/log/directory/log_manager.ts";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { NO_PAUSE } from "../../src/protocol/records/compression/steps.ts";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { Machine } from "../log/fixture.ts";
import { config, decoded, EVENTS, topic } from "../metadata/fixture.ts";
import { batchOf } from "./fixture.ts";
import { appendTo, needsWith } from "./direct_broker.ts";
import { manualClock } from "./manual_clock.ts";

/** Partition 0 of the topic, led by node 1 by default, with node 2 out of sync. */
function partitionOfTwo(leaderEpoch: number, leader = 1): MetadataRecordInput {
  return {
    name: "PartitionRecord",
    value: {
      topicId: EVENTS,
      partitionId: 0,
      replicas: [1, 2],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderEpoch,
      partitionEpoch: 0,
      directories: [],
    },
  };
}

/** A node to which `apply` adds metadata. */
function hosted(storedHighWatermark = -1) {
  const machine = new Machine();
  const clock = manualClock();
  const lines: string[] = [];
  const state = new MetadataState();
  const partitions = new PartitionTable();
  const logs: Partial<LogManager> = {
    create: (name, number, _id, logConfig) =>
      machine.open(logConfig, {
        directory: `/data/${name}-${number}`,
        topic: name,
        isNew: true,
      }),
    holderOf: () => ({
      directoryId: ZERO_UUID,
      storedHighWatermark: () => storedHighWatermark,
      delete: () => {},
    } as unknown as DataDirectory),
  };
  const applier = new MetadataApplier(
    1,
    new BrokerConfig({}),
    logs as LogManager,
    partitions,
    needsWith(clock),
    () => state,
    { log: (_, message) => void lines.push(message) },
    () => {},
    { clock, random: { fill: (target) => target, below: () => 200 } },
  );
  return {
    machine,
    clock,
    lines,
    applier,
    partitions,
    async apply(...records: MetadataRecordInput[]) {
      const delta = state.stage(decoded(...records));
      await applier.prepare(delta, NO_PAUSE);
      state.publish(delta);
      await applier.apply(delta, NO_PAUSE);
    },
  };
}

test("apply() puts a changed min.insync.replicas in force at once", async () => {
  const { partitions, apply } = hosted();
  await apply(topic("events", EVENTS), partitionOfTwo(0));
  const partition = partitions.byName("events", 0);
  const append = () => appendTo(partition, batchOf(["a"]));
  assertEquals(append().baseOffset, 0);
  const set = (value: string | null) =>
    apply(config(ConfigResourceType.TOPIC, "events", "min.insync.replicas", value));
  await set("2");
  const error = assertThrows(append, KafkaError) as KafkaError;
  assertEquals(errorName(error.code), "NOT_ENOUGH_REPLICAS");
  await set(null);
  assertEquals(append().baseOffset, 1);
});

test("apply() begins the leader epoch of the metadata at the end of the log", async () => {
  const { partitions, apply } = hosted();
  await apply(topic("events", EVENTS), partitionOfTwo(4));
  const { log, leaderEpoch } = partitions.byName("events", 0);
  assertEquals([leaderEpoch, log.latestEpoch, log.epochForOffset(0)], [4, 4, 4]);
});

test("a partition whose log gets no descriptor is opened once there is one", async () => {
  const node = hosted();
  node.machine.memory.maxOpenFiles = 0;
  await node.apply(topic("events", EVENTS), partitionOfTwo(0));
  assertThrows(() => node.partitions.byName("events", 0).log, KafkaError, "ulimit -n");
  const waits = [1_000, 2_000, 4_000, 8_000];
  for (const wait of waits) {
    node.clock.advance(wait);
    assertThrows(() => node.partitions.byName("events", 0).log, KafkaError, "ulimit -n");
  }
  assertEquals(node.lines.length, 1);
  node.machine.memory.maxOpenFiles = Infinity;
  node.clock.advance(15_999);
  assertEquals(node.partitions.find("events", 0)?.hasLog, false);
  node.clock.advance(1);
  const partition = node.partitions.byName("events", 0);
  assertEquals(appendTo(partition, batchOf(["a"])).baseOffset, 0);
  assertEquals(node.clock.pending(), 0);
});

test("a deleted topic and a shutdown cancel the retry for a descriptor", async () => {
  for (const isDeleted of [true, false]) {
    const node = hosted();
    node.machine.memory.maxOpenFiles = 0;
    await node.apply(topic("events", EVENTS), partitionOfTwo(0));
    if (isDeleted) {
      await node.apply({ name: "RemoveTopicRecord", value: { topicId: EVENTS } });
      node.clock.advance(1_000);
    } else node.applier.shutdown();
    assertEquals(node.clock.pending(), 0);
  }
});

test("apply() starts a partition at its stored high watermark, and its role moves it", async () => {
  for (const [stored, expected] of [[-1, 0], [3, 3], [9, 5]] as const) {
    const node = hosted(stored);
    const log = node.machine.open({}, { directory: "/data/events-0" });
    log.append(batchOf(["a", "b", "c", "d", "e"]), { leaderEpoch: 0, origin: "client" });
    log.close();
    await node.apply(topic("events", EVENTS), partitionOfTwo(0, 2));
    const partition = node.partitions.byName("events", 0);
    assertEquals([partition.role.type, partition.highWatermark], ["follower", expected]);
    await node.apply(partitionOfTwo(1));
    assertEquals([partition.role.type, partition.highWatermark], ["leader", 5]);
  }
});
