import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import { CONSUMER, type Reader } from "../../src/replication/partition_read.ts";
import type { Partition } from "../../src/replication/partition.ts";
import { ACKS_LEADER, appendTo, DirectBroker, settle, stateOf } from "../broker/direct_broker.ts";
import { batchOf } from "../broker/fixture.ts";
import { test } from "../harness.ts";
import { FailingFiles } from "../log/fixture.ts";
import { HeldSyncs } from "../log/held_syncs.ts";

const BOTH = { replicas: [1, 2], isr: [1, 2] };
const CONSUMES: Reader = { replicaId: CONSUMER, committedOnly: false, allowZstd: true };
const REPLICATES: Reader = { replicaId: 2, committedOnly: false, allowZstd: true };

/** Returns the offset up to which `reader` reads, or the error's name. */
function endFor(partition: Partition, reader: Reader, fetchOffset = 0, currentLeaderEpoch = -1) {
  const position = { fetchOffset, currentLeaderEpoch, lastFetchedEpoch: -1, maxBytes: 10_000 };
  try {
    const budget = { maxBytes: 10_000, minOneBatch: true };
    return partition.read(position, reader, budget).endOffset;
  } catch (error) {
    if (error instanceof KafkaError) return errorName(error.code);
    throw error;
  }
}

/** Registers a reader of `partition` and returns the list of its notifications. */
function listen(partition: Partition, isReplica = false): string[] {
  const heard: string[] = [];
  partition.addReader({
    isReplica,
    onNews: () => heard.push("news"),
    onRemoved: () => heard.push("removed"),
  });
  return heard;
}

test("the high watermark moves only while this node is the whole ISR", () => {
  const partition = new DirectBroker().add();
  appendTo(partition, batchOf(["a"]));
  assertEquals(partition.highWatermark, 1);
  for (const isr of [[2], [1, 2], []]) {
    partition.becomeLeader(stateOf({ replicas: [1, 2], isr }));
    appendTo(partition, batchOf(["b"]), ACKS_LEADER);
    assertEquals(partition.highWatermark, 1, `ISR ${isr}`);
  }
  partition.becomeLeader(stateOf({ replicas: [1, 2], isr: [1] }));
  assertEquals(partition.highWatermark, 4);
});

test("the high watermark starts at the stored one, within the log", () => {
  const table: [stored: number, expected: number][] = [[-1, 2], [0, 2], [3, 3], [5, 5], [9, 5]];
  for (const [storedHighWatermark, expected] of table) {
    const broker = new DirectBroker();
    const log = broker.machine.open();
    log.append(batchOf(["a", "b", "c", "d", "e"]), { leaderEpoch: 0, origin: "client" });
    log.deleteRecordsBefore(2);
    const partition = broker.addFollower({ log, storedHighWatermark });
    assertEquals(partition.highWatermark, expected, `stored: ${storedHighWatermark}`);
    partition.becomeLeader(stateOf(BOTH));
    assertEquals(partition.highWatermark, expected, `stored: ${storedHighWatermark}`);
    partition.becomeLeader(stateOf());
    assertEquals(partition.highWatermark, 5, `stored: ${storedHighWatermark}`);
  }
});

test("with flush.messages=1 a leader flushes records above the high watermark after an unclean end", async () => {
  const broker = new DirectBroker();
  const disk = broker.use((files) => new HeldSyncs(files));
  const log = broker.machine.open({ flushMessages: 1 });
  log.append(batchOf(["a", "b"]), { leaderEpoch: 0, origin: "client" });
  disk.heldAt = /\.log$/;
  const partition = broker.addFollower({ log });
  partition.becomeLeader(stateOf());
  await disk.untilPending(1);
  assertEquals(partition.highWatermark, 0);
  disk.release();
  await broker.needs.flusher.settled();
  assertEquals(partition.highWatermark, 2);
});

test("configure() moves the high watermark when flush.messages no longer holds it back", () => {
  const partition = new DirectBroker().add({ flushMessages: 1 });
  appendTo(partition, batchOf(["a"]));
  assertEquals(partition.highWatermark, 0);
  partition.configure(DEFAULT_LOG_CONFIG, 1);
  assertEquals(partition.highWatermark, 1);
});

test("read() ends at the high watermark for a consumer, at the log's end for a replica", () => {
  const partition = new DirectBroker().add();
  appendTo(partition, batchOf(["a"]));
  partition.becomeLeader(stateOf(BOTH));
  appendTo(partition, batchOf(["b", "c"]), ACKS_LEADER);
  assertEquals([endFor(partition, CONSUMES), endFor(partition, REPLICATES)], [1, 3]);
  const stranger = { ...REPLICATES, replicaId: 3 };
  assertEquals(endFor(partition, stranger), "UNKNOWN_LEADER_EPOCH");
});

test("read() and append() depend on the role", () => {
  const broker = new DirectBroker();
  const partition = broker.add({}, { leaderEpoch: 2, replicas: [1, 2] });
  appendTo(partition, batchOf(["a"]));
  const append = () => {
    const error = assertThrows(() => appendTo(partition, batchOf(["a"])), KafkaError);
    return errorName((error as KafkaError).code);
  };
  partition.becomeFollower({ leaderEpoch: 3, leader: 2 });
  for (const reader of [CONSUMES, REPLICATES]) {
    assertEquals(endFor(partition, reader), "NOT_LEADER_OR_FOLLOWER");
    assertEquals(endFor(partition, reader, 0, 2), "FENCED_LEADER_EPOCH");
  }
  assertEquals(append(), "NOT_LEADER_OR_FOLLOWER");
  partition.becomeOffline(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is gone"));
  assertEquals(endFor(partition, CONSUMES), "KAFKA_STORAGE_ERROR");
  assertEquals(append(), "KAFKA_STORAGE_ERROR");
});

test("a leader that cannot write its epoch goes offline", () => {
  const broker = new DirectBroker();
  const files = broker.use((under) => new FailingFiles(under));
  const partition = broker.addFollower();
  files.failsAt = "leader-epoch-checkpoint";
  files.failing.add("write");
  files.failing.add("open");
  const error = assertThrows(() => partition.becomeLeader(stateOf()), KafkaError) as KafkaError;
  assertEquals(errorName(error.code), "KAFKA_STORAGE_ERROR");
  assertEquals(partition.role.type, "offline");
  assertEquals(endFor(partition, CONSUMES), "KAFKA_STORAGE_ERROR");
  files.failing.clear();
  partition.becomeLeader(stateOf());
  assertEquals([partition.role.type, partition.log.latestEpoch], ["leader", 0]);
});

test("a wait for the high watermark ends with it, or with the leader's role", async () => {
  const partition = new DirectBroker().add({}, BOTH);
  const ends: string[] = [];
  const wait = (endOffset: number) =>
    partition.whenReplicated(endOffset).done.then(
      () => ends.push(`${endOffset}`),
      (error: KafkaError) => ends.push(`${endOffset} ${errorName(error.code)}`),
    );
  for (const value of ["a", "b", "c"]) appendTo(partition, batchOf([value]));
  wait(2);
  wait(4);
  partition.becomeLeader(stateOf());
  await settle();
  assertEquals(ends, ["2"]);
  partition.becomeFollower({ leaderEpoch: 1, leader: 2 });
  // As after a flush during which the role has changed.
  wait(5);
  await settle();
  assertEquals(ends, ["2", "4 NOT_LEADER_OR_FOLLOWER", "5 NOT_LEADER_OR_FOLLOWER"]);
  assertEquals(partition.waitingProduces, 0);
});

test("readers are notified of everything that can change what they read", () => {
  const broker = new DirectBroker();
  const partition = broker.add();
  appendTo(partition, batchOf(["a", "b"]));
  const heard = listen(partition);
  const changes: Record<string, () => void> = {
    "an append": () => appendTo(partition, batchOf(["c"])),
    "deleted records": () => partition.deleteRecordsBefore(1),
    "a new epoch": () => partition.becomeLeader(stateOf({ leaderEpoch: 1 })),
    "new settings": () => partition.configure(DEFAULT_LOG_CONFIG, 1),
    "a new leader": () => partition.becomeFollower({ leaderEpoch: 2, leader: 2 }),
  };
  for (const [what, change] of Object.entries(changes)) {
    heard.length = 0;
    change();
    assertEquals(heard.includes("news"), true, what);
  }
  heard.length = 0;
  broker.partitions.removeTopic("events");
  assertEquals(heard, ["news", "removed"]);
  assertEquals(partition.readerCount, 0);
});

test("an append above the high watermark notifies replicas only", () => {
  const partition = new DirectBroker().add({}, BOTH);
  const [consumer, replica] = [listen(partition), listen(partition, true)];
  appendTo(partition, batchOf(["a"]));
  assertEquals([consumer, replica], [[], ["news"]]);
});

test("applyRetention() notifies readers when the log start offset has moved", () => {
  const broker = new DirectBroker();
  const partition = broker.add({ retentionMs: 10 });
  appendTo(partition, batchOf(["a"]));
  const heard = listen(partition);
  partition.applyRetention(1_000_005);
  assertEquals([heard, partition.logStartOffset], [[], 0]);
  partition.applyRetention(2_000_000);
  assertEquals([heard, partition.logStartOffset], [["news"], 1]);
});

test("a partition without a log answers with the reason", () => {
  const broker = new DirectBroker();
  const log = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "events-0 is offline");
  const partition = broker.addFollower({ log });
  assertEquals(endFor(partition, CONSUMES), "KAFKA_STORAGE_ERROR");
  assertThrows(() => partition.log, KafkaError, "events-0 is offline");
  assertEquals([partition.hasLog, partition.logStartOffset], [false, -1]);
  partition.configure(DEFAULT_LOG_CONFIG, 1);
  assertEquals([...broker.partitions], []);
});
