/** The records of a batch that a topic rejects, and how the error names them. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { MAX_RECORD_ERRORS } from "../../../src/limits.ts";
import type { LogConfig } from "../../../src/log/log_config.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { RejectedRecordsError } from "../../../src/log/append/record_rules.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import {
  type BatchOptions,
  type CompressionType,
  encodeBatch,
  type RecordInput,
} from "../../../src/protocol/records/batch.ts";
import { test } from "../../harness.ts";
import { allBatches, appendInSteps, codecs, Machine, START_MS } from "../fixture.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;
const TYPES: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];
const KEY = Uint8Array.of(1);
const WITHIN_A_SECOND: Partial<LogConfig> = {
  messageTimestampBeforeMaxMs: 1_000,
  messageTimestampAfterMaxMs: 1_000,
};

function record(timestamp = START_MS, key: Uint8Array | null = KEY): RecordInput {
  return { key, value: Uint8Array.of(2), timestamp };
}

function keyless(timestamp = START_MS): RecordInput {
  return record(timestamp, null);
}

/**
 * Returns the error with which `log` rejects the batch, at once and in steps. Nothing of it may be
 * stored.
 */
async function rejection(
  log: PartitionLog,
  records: readonly RecordInput[],
  options: BatchOptions = {},
): Promise<RejectedRecordsError> {
  const { logEndOffset } = log;
  const batch = encodeBatch(records, { codecs, ...options });
  const errors: RejectedRecordsError[] = [];
  for (const append of [() => log.append(batch, client), () => appendInSteps(log, batch, client)]) {
    try {
      await append();
      throw new Error("the batch was accepted");
    } catch (error) {
      assertInstanceOf(error, RejectedRecordsError);
      assertEquals(log.logEndOffset, logEndOffset);
      errors.push(error);
    }
  }
  const [atOnce, inSteps] = errors;
  assertEquals(inSteps!.message, atOnce!.message);
  assertEquals(inSteps!.records, atOnce!.records);
  assertEquals(inSteps!.code, atOnce!.code);
  return inSteps!;
}

/** Returns the code and the indexes of the rejected records. */
function summary({ code, records }: RejectedRecordsError): [string, number[]] {
  return [errorName(code), records.map(({ batchIndex }) => batchIndex)];
}

async function withLog(
  config: Partial<LogConfig>,
  use: (log: PartitionLog) => Promise<void>,
): Promise<void> {
  const log = new Machine().open(config);
  await use(log);
  log.close();
}

test("append() names the records without a key, from every compression to every other", async () => {
  for (const source of TYPES) {
    for (const target of [null, ...TYPES]) {
      const recompression = target === null ? null : { type: target };
      await withLog({ compact: true, recompression }, async (log) => {
        const records = [record(), keyless(), record(), keyless()];
        const error = await rejection(log, records, { compression: source });
        assertEquals(summary(error), ["INVALID_RECORD", [1, 3]], `${source} to ${target}`);
        assertStringIncludes(error.message, "Cannot append to events-0: rejected 2 of 4 records");
        assertStringIncludes(error.records[0]!.message, "no key");
      });
    }
  }
});

test("append() names the records with a timestamp out of range, whatever the compression", async () => {
  for (const compression of TYPES) {
    await withLog(WITHIN_A_SECOND, async (log) => {
      const records = [
        record(START_MS - 1_001),
        record(START_MS - 1_000),
        record(-1),
        record(START_MS + 1_000),
        record(START_MS + 1_001),
      ];
      const error = await rejection(log, records, { compression });
      assertEquals(summary(error), ["INVALID_TIMESTAMP", [0, 4]]);
      assertStringIncludes(error.records[1]!.message, String(START_MS + 1_001));
    });
  }
});

test("append() rejects an old record next to one without a timestamp", async () => {
  await withLog(WITHIN_A_SECOND, async (log) => {
    assertEquals(summary(await rejection(log, [record(-1), record(5)])), ["INVALID_TIMESTAMP", [
      1,
    ]]);
    // Neither the smallest nor the largest timestamp of the batch is invalid here.
    const between = [record(-1), record(5), record()];
    assertEquals(summary(await rejection(log, between)), ["INVALID_TIMESTAMP", [1]]);
    log.append(encodeBatch([record(-1), record()]), client);
    assertEquals(log.logEndOffset, 2);
  });
});

test("append() throws INVALID_TIMESTAMP for a batch with both kinds of rejected records", async () => {
  await withLog({ ...WITHIN_A_SECOND, compact: true }, async (log) => {
    const error = await rejection(log, [keyless(5), record(5), record(), keyless()]);
    assertEquals(summary(error), ["INVALID_TIMESTAMP", [0, 1, 3]]);
    assertStringIncludes(error.records[0]!.message, "no key");
    assertStringIncludes(error.records[1]!.message, "timestamp 5");
  });
});

test("append() rejects every record of a batch with the broker's timestamp type", async () => {
  const stamped = { timestampType: "LogAppendTime", maxTimestamp: START_MS } as const;
  await withLog({ messageTimestampType: "LogAppendTime" }, async (log) => {
    const error = await rejection(log, [record(), record()], stamped);
    assertEquals(summary(error), ["INVALID_TIMESTAMP", [0, 1]]);
    assertStringIncludes(error.records[0]!.message, "LogAppendTime");
  });
  await withLog(WITHIN_A_SECOND, async (log) => {
    const withoutTimestamp = { timestampType: "LogAppendTime", maxTimestamp: -1 } as const;
    assertEquals(summary(await rejection(log, [record()], withoutTimestamp))[1], [0]);
    const old = await rejection(log, [record(), record()], { ...stamped, maxTimestamp: 5 });
    assertEquals(summary(old), ["INVALID_TIMESTAMP", [0, 1]]);
    // Like Apache Kafka: the header's timestamp applies to all records, and the type is corrected.
    log.append(encodeBatch([record(), record()], stamped), client);
    assertEquals(allBatches(log)[0]!.timestampType, "CreateTime");
  });
});

test("append() names at most MAX_RECORD_ERRORS records, and says how many there are", async () => {
  await withLog({ compact: true }, async (log) => {
    const records = Array.from({ length: 3 * MAX_RECORD_ERRORS }, () => keyless());
    const error = await rejection(log, records, { compression: "lz4" });
    assertEquals(error.records.length, MAX_RECORD_ERRORS);
    assertEquals(error.records.at(-1)!.batchIndex, MAX_RECORD_ERRORS - 1);
    assertStringIncludes(error.message, "rejected 3,000 of 3,000 records, record 0: ");
    assertStringIncludes(error.message, "; 2,997 more");
    assert(error.message.length < 500);
  });
});
