import { assertEquals } from "@std/assert";
import { produceHandler } from "../../../src/broker/handlers/produce.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { test } from "../../harness.ts";
import { HeldSyncs } from "../../log/held_syncs.ts";
import { batchOf } from "../fixture.ts";
import { DirectBroker, settle } from "../direct_broker.ts";

const TWO_IN_SYNC = { replicas: [1, 2], isr: [1, 2] };

/** Produces one batch with acks=all and notes the answer's error code when it comes. */
function produceAll(broker: DirectBroker, timeoutMs: number, answers: number[]): void {
  broker.ask(produce, produceHandler, 9, {
    acks: -1,
    timeoutMs,
    topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
  }).then(({ responses }) => answers.push(responses[0]!.partitionResponses[0]!.errorCode));
}

test("Produce answers REQUEST_TIMED_OUT if the ISR does not follow within the timeout", async () => {
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

test("Produce counts the time that its flush took as part of the timeout", async () => {
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
