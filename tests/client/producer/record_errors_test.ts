/** The errors of the records of a rejected batch. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Producer } from "../../../src/client/producer/producer.ts";
import { recordErrorsOf } from "../../../src/client/producer/record_errors.ts";
import { startCluster } from "../../../src/cluster/start_cluster.ts";
import { ErrorCode, type KafkaError } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";

const named = (
  batchIndex: number,
  batchIndexErrorMessage: string | null = `bad ${batchIndex}`,
) => ({
  batchIndex,
  batchIndexErrorMessage,
});

test("recordErrorsOf() gives the only listed record the code of the batch", () => {
  const errorOf = recordErrorsOf("events-0", {
    errorCode: ErrorCode.INVALID_TIMESTAMP,
    errorMessage: "the batch",
    recordErrors: [named(1)],
  });
  assertEquals(errorOf(1).code, ErrorCode.INVALID_TIMESTAMP);
  assertEquals(errorOf(1).message, "Cannot send to events-0: INVALID_TIMESTAMP, bad 1");
  for (const index of [0, 2]) {
    assertEquals(errorOf(index).code, ErrorCode.OPERATION_NOT_ATTEMPTED);
    assertStringIncludes(errorOf(index).message, "other records of its batch were rejected");
  }
});

test("recordErrorsOf() gives each of several listed records INVALID_RECORD and its message", () => {
  const errorOf = recordErrorsOf("events-0", {
    errorCode: ErrorCode.INVALID_TIMESTAMP,
    errorMessage: "the batch",
    recordErrors: [named(0), named(2, null)],
  });
  assertEquals(errorOf(0).message, "Cannot send to events-0: INVALID_RECORD, bad 0");
  assertEquals(errorOf(2).message, "Cannot send to events-0: INVALID_RECORD, the batch");
  assertEquals(errorOf(1).code, ErrorCode.OPERATION_NOT_ATTEMPTED);
});

test("Producer reports the cause only for the record without a key and writes the next batch", async () => {
  const cluster = await startCluster({
    topics: [{ name: "events", partitions: 1 }],
    config: { "log.cleanup.policy": "compact" },
  });
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers, lingerMs: 50 });
  try {
    const send = (key: string | null) => producer.send({ topic: "events", key, value: "v" });
    const results = await Promise.allSettled([send("a"), send(null), send("c")]);
    const codes = results.map((result) =>
      result.status === "rejected" ? (result.reason as KafkaError).code : null
    );
    assertEquals(codes, [
      ErrorCode.OPERATION_NOT_ATTEMPTED,
      ErrorCode.INVALID_RECORD,
      ErrorCode.OPERATION_NOT_ATTEMPTED,
    ]);
    assertEquals((await send("a")).offset, 0);
  } finally {
    await producer.close();
    await cluster.shutdown();
  }
});
