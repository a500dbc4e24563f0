/**
 * The records that Produce names as the cause of a rejected batch (KIP-467).
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { encodeBatch, type RecordInput } from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";
import { type Fixture, withBroker } from "../fixture.ts";

const KEY = Uint8Array.of(1);

function record(key: Uint8Array | null, timestamp: number): RecordInput {
  return { key, value: Uint8Array.of(2), timestamp };
}

/** Produces the records as one batch in `version` and returns the answer. */
async function answerTo({ client }: Fixture, version: number, records: readonly RecordInput[]) {
  const { responses } = await client.request(produce, version, {
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{
      name: "events",
      partitionData: [{ index: 0, records: encodeBatch(records, { compression: "lz4" }) }],
    }],
  });
  return responses[0]!.partitionResponses[0]!;
}

test("Produce names the record without a key of a batch for a compacted topic", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({
      name: "events",
      configs: [{ name: "cleanup.policy", value: "compact" }],
    });
    const records = [record(KEY, 1), record(null, 2), record(KEY, 3)];
    for (let version = 8; version <= 12; version++) {
      const answer = await answerTo(fixture, version, records);
      assertEquals(answer.errorCode, ErrorCode.INVALID_RECORD);
      assertEquals(answer.recordErrors.map(({ batchIndex }) => batchIndex), [1]);
      assertStringIncludes(answer.recordErrors[0]!.batchIndexErrorMessage!, "no key");
      assertStringIncludes(answer.errorMessage!, "Cannot append to events-0: rejected 1 of 3");
      assertEquals([answer.baseOffset, answer.logStartOffset], [-1, 0]);
    }
    const old = await answerTo(fixture, 7, records);
    assertEquals([old.errorCode, old.recordErrors], [ErrorCode.INVALID_RECORD, []]);
    assertEquals((await answerTo(fixture, 8, [record(KEY, 1)])).baseOffset, 0);
  }));

test("Produce names the records whose timestamps the topic does not accept", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({
      name: "events",
      configs: [{ name: "message.timestamp.before.max.ms", value: "3600000" }],
    });
    const now = fixture.runtime.clock.now();
    const records = [record(null, now), record(null, 5), record(null, now), record(null, 6)];
    const answer = await answerTo(fixture, 9, records);
    assertEquals(answer.errorCode, ErrorCode.INVALID_TIMESTAMP);
    assertEquals(answer.recordErrors.map(({ batchIndex }) => batchIndex), [1, 3]);
    assertStringIncludes(answer.recordErrors[1]!.batchIndexErrorMessage!, "timestamp 6");
  }));
