import { assertEquals } from "@std/assert";
import { produceHandler } from "../../../src/broker/handlers/produce.ts";
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { test } from "../../harness.ts";
import { HeldSyncs } from "../../log/held_syncs.ts";
import { batchOf } from "../fixture.ts";
import { DirectBroker, settle, stateOf, TOPIC_ID } from "../direct_broker.ts";

const TWO_IN_SYNC = { replicas: [1, 2], isr: [1, 2] };

/** Produces one batch with acks=all and notes the answer's error code when it comes. */
function produceAll(broker: DirectBroker, timeoutMs: number, answers: number[]): void {
  broker.ask(produce, produceHandler, 9, {
    acks: -1,
    timeoutMs,
    topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
  }).then(({ responses }) => answers.push(responses[0]!.partitionResponses[0]!.errorCode));
}

test("Produce answers REQUEST_TIMED_OUT if the ISR does not catch up within the timeout", async () => {
  const broker = new DirectBroker();
  broker.add({}, TWO_IN_SYNC);
  const answers: number[] = [];
  produceAll(broker, 100, answers);
  await settle();
  broker.clock.advance(99);
  await settle();
  assertEquals(answers, []);
  broker.clock.advance(1);
  await settle();
  assertEquals(answers, [ErrorCode.REQUEST_TIMED_OUT]);
});

test("Produce counts the time of its flush as part of the timeout", async () => {
  const broker = new DirectBroker();
  const disk = broker.use((files) => new HeldSyncs(files));
  broker.add({ flushMessages: 1 }, TWO_IN_SYNC);
  disk.heldAt = /\.log$/;
  const answers: number[] = [];
  produceAll(broker, 100, answers);
  await disk.untilPending(1);
  broker.clock.advance(60);
  disk.release();
  await settle();
  broker.clock.advance(39);
  await settle();
  assertEquals(answers, []);
  broker.clock.advance(1);
  await settle();
  assertEquals(answers, [ErrorCode.REQUEST_TIMED_OUT]);
});

/** Produces one batch with acks=all and notes the error's name and the base offset of the answer. */
function produceTo(broker: DirectBroker, version: number, answers: [string, number][]): void {
  broker.ask(produce, produceHandler, version, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{
      name: "events",
      topicId: TOPIC_ID,
      partitionData: [{ index: 0, records: batchOf(["a"]) }],
    }],
  }).then(({ responses }) => {
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
    answers.push([errorName(errorCode), baseOffset]);
  });
}

test("Produce that waits for the ISR is answered when the high watermark reaches its batch", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({}, TWO_IN_SYNC);
  const answers: [string, number][] = [];
  for (let i = 0; i < 3; i++) produceTo(broker, 9, answers);
  await settle();
  assertEquals([answers, partition.waitingProduces], [[], 3]);
  partition.becomeLeader(stateOf({ replicas: [1, 2], isr: [1] }));
  await settle();
  assertEquals(answers, [["NONE", 0], ["NONE", 1], ["NONE", 2]]);
  assertEquals([partition.waitingProduces, broker.clock.pending()], [0, 0]);
});

test("Produce that waits for the ISR is answered when the partition gets another leader", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({}, TWO_IN_SYNC);
  const answers: [string, number][] = [];
  produceTo(broker, 9, answers);
  await settle();
  partition.becomeFollower({ leaderEpoch: 1, leader: 2 });
  await settle();
  assertEquals([answers, broker.clock.pending()], [[["NOT_LEADER_OR_FOLLOWER", -1]], 0]);
});

test("Produce that waits for the ISR is answered when its topic is deleted, by name or id", async () => {
  const broker = new DirectBroker();
  broker.add({}, TWO_IN_SYNC);
  const answers: [string, number][] = [];
  produceTo(broker, 12, answers);
  produceTo(broker, 13, answers);
  await settle();
  broker.partitions.removeTopic("events");
  await settle();
  assertEquals(answers, [["UNKNOWN_TOPIC_OR_PARTITION", -1], ["UNKNOWN_TOPIC_ID", -1]]);
});

test("Produce answers for each partition separately", async () => {
  const broker = new DirectBroker();
  broker.add();
  const log = broker.machine.open({}, { directory: "/data/events-1", partition: 1 });
  const other = broker.addFollower({ log, index: 1 });
  other.becomeLeader(stateOf(TWO_IN_SYNC));
  const answered = broker.ask(produce, produceHandler, 9, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{
      name: "events",
      partitionData: [0, 1, 2].map((index) => ({ index, records: batchOf(["a"]) })),
    }],
  });
  await settle();
  other.becomeFollower({ leaderEpoch: 1, leader: 2 });
  const { responses } = await answered;
  assertEquals(
    responses[0]!.partitionResponses.map(({ index, errorCode, baseOffset }) => {
      return [index, errorName(errorCode), baseOffset];
    }),
    [
      [0, "NONE", 0],
      [1, "NOT_LEADER_OR_FOLLOWER", -1],
      [2, "UNKNOWN_TOPIC_OR_PARTITION", -1],
    ],
  );
});

test("Produce for one partition that this node leads alone is answered in the same turn", () => {
  const broker = new DirectBroker();
  broker.add();
  const isAtOnce = broker.answersAtOnce(produce, produceHandler, 9, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
  });
  assertEquals([isAtOnce, broker.clock.pending()], [true, 0]);
});
