/** `compression.type` of a topic: how a client's batch is stored. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { LogConfig } from "../../../src/log/log_config.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import {
  type BatchOptions,
  type CompressionType,
  type DecodedBatch,
  encodeBatch,
  type RecordInput,
} from "../../../src/protocol/records/batch.ts";
import { Chance } from "../../protocol/chance.ts";
import { test } from "../../harness.ts";
import {
  allBatches,
  appendInSteps,
  codecs,
  Machine,
  producedBatch,
  refusal,
  refusalOf,
  START_MS,
} from "../fixture.ts";

const client = { leaderEpoch: 3, origin: "client" } as const;
const TYPES: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];
const text = (value: string) => new TextEncoder().encode(value);

function opened(config: Partial<LogConfig>): PartitionLog {
  return new Machine().open(config);
}

/** Records of all kinds: without key, tombstones, with headers, timestamps in no order. */
const RECORDS: readonly RecordInput[] = [
  { key: text("a"), value: text("one ".repeat(100)), timestamp: START_MS + 5 },
  { key: null, value: text("two ".repeat(100)), timestamp: START_MS - 7 },
  { key: text("b"), value: null, timestamp: START_MS },
  {
    key: text("c"),
    value: new Uint8Array(0),
    timestamp: START_MS + 1,
    headers: [{ key: "trace", value: text("x") }, { key: "trace", value: null }],
  },
];

/** The properties that must not depend on the compression. */
function meaning({ compression: _, sizeInBytes: __, ...rest }: DecodedBatch) {
  return rest;
}

test("a batch of every compression can be stored with every other, without loss", async () => {
  for (const source of TYPES) {
    const options: BatchOptions = {
      producerId: 9,
      producerEpoch: 2,
      baseSequence: 40,
      compression: source,
      codecs,
    };
    const batch = encodeBatch(RECORDS, options);
    const plain = opened({});
    plain.append(batch, client);
    const [expected] = allBatches(plain);
    for (const target of TYPES) {
      const log = opened({ recompression: { type: target } });
      const result = log.append(batch, client);
      assertEquals([result.baseOffset, result.lastOffset], [0, 3]);
      const [stored] = allBatches(log);
      assertEquals(stored!.compression, target, `${source} to ${target}`);
      assertEquals(meaning(stored!), meaning(expected!), `${source} to ${target}`);
      assertEquals(log.sizeInBytes, stored!.sizeInBytes);
      assertEquals(log.append(batch, client).duplicate, true);
      log.close();
      const another = opened({ recompression: { type: target } });
      assertEquals(await appendInSteps(another, batch, client), result);
      assertEquals(allBatches(another), [stored], `${source} to ${target} in steps`);
      assertEquals((await appendInSteps(another, batch, client)).duplicate, true);
      another.close();
    }
    plain.close();
  }
});

test("a batch with the topic's compression is stored byte for byte", () => {
  for (const type of TYPES) {
    const batch = encodeBatch(RECORDS, { compression: type, codecs });
    const log = opened({ recompression: { type, level: 9 } });
    log.append(batch, client);
    assertEquals(log.sizeInBytes, batch.length, type);
    log.close();
  }
});

test("the compression level determines the size of a batch", async () => {
  const chance = new Chance(3);
  const words = Array.from({ length: 200 }, () => chance.bytes(6).join(""));
  const value = text(Array.from({ length: 20_000 }, () => words[chance.below(200)]).join(" "));
  const batch = encodeBatch([{ value, timestamp: START_MS }]);
  const sizeAt = async (type: "gzip" | "zstd", level: number) => {
    const log = opened({ recompression: { type, level } });
    log.append(batch, client);
    const atOnce = log.sizeInBytes;
    await appendInSteps(log, batch, client);
    const inSteps = log.sizeInBytes - atOnce;
    log.close();
    assert(Math.abs(inSteps - atOnce) < atOnce / 20, `${inSteps} in steps, ${atOnce} at once`);
    return inSteps;
  };
  assert(await sizeAt("gzip", 9) < await sizeAt("gzip", 1));
  assert(await sizeAt("zstd", 19) < await sizeAt("zstd", 1));
});

test("LogAppendTime works with recompression", () => {
  const log = opened({
    recompression: { type: "lz4" },
    messageTimestampType: "LogAppendTime",
  });
  assertEquals(log.append(encodeBatch(RECORDS), client).logAppendTimeMs, START_MS);
  const [batch] = allBatches(log);
  assertEquals(
    [batch!.compression, batch!.timestampType, batch!.maxTimestamp],
    ["lz4", "LogAppendTime", START_MS],
  );
  assertEquals(batch!.records.map(({ timestamp }) => timestamp), [1, 2, 3, 4].map(() => START_MS));
  log.close();
});

test("max.message.bytes limits the batch as received and as stored", async () => {
  const large = encodeBatch([{ value: new Uint8Array(5_000), timestamp: START_MS }]);
  const small = encodeBatch(
    [{ value: new Uint8Array(5_000), timestamp: START_MS }],
    { compression: "gzip", codecs },
  );
  const shrinking = opened({ maxMessageBytes: 1_000, recompression: { type: "gzip" } });
  assertEquals(refusal(() => shrinking.append(large, client)).name, "MESSAGE_TOO_LARGE");
  const growing = opened({ maxMessageBytes: 1_000, recompression: { type: "none" } });
  const { name, message } = refusal(() => growing.append(small, client));
  assertEquals(name, "MESSAGE_TOO_LARGE");
  assertEquals(await refusalOf(appendInSteps(growing, small, client)), { name, message });
  assertStringIncludes(message, "Cannot append to events-0: the batch is 5,0");
  assertStringIncludes(message, "max.message.bytes is 1,000");
  assertEquals([shrinking.logEndOffset, growing.logEndOffset, growing.sizeInBytes], [0, 0, 0]);
  const enough = opened({ maxMessageBytes: 5_200, recompression: { type: "none" } });
  enough.append(small, client);
  assertEquals(enough.logEndOffset, 1);
  for (const log of [shrinking, growing, enough]) log.close();
});

test("a batch that is larger than a segment after decompression is rejected", () => {
  const log = opened({ segmentBytes: 2_000, recompression: { type: "none" } });
  const batch = encodeBatch(
    [{ value: new Uint8Array(5_000), timestamp: START_MS }],
    { compression: "gzip", codecs },
  );
  assertEquals(refusal(() => log.append(batch, client)).name, "RECORD_LIST_TOO_LARGE");
  assertEquals(log.logEndOffset, 0);
  log.close();
});

test("batches written by the broker itself are not compressed", () => {
  const log = opened({ recompression: { type: "gzip" } });
  log.append(encodeBatch(RECORDS), { leaderEpoch: 0, origin: "coordinator" });
  assertEquals(allBatches(log)[0]!.compression, "none");
  log.close();
});

test("a batch is rejected before compression, and its sequence numbers are not used", () => {
  const log = opened({ recompression: { type: "zstd" } });
  log.append(producedBatch(5, 0, 0, 3), client);
  const { name } = refusal(() => log.append(producedBatch(5, 0, 7, 1), client));
  assertEquals(name, "OUT_OF_ORDER_SEQUENCE_NUMBER");
  assertEquals(log.append(producedBatch(5, 0, 3, 2), client).baseOffset, 3);
  assertEquals(allBatches(log).map(({ compression }) => compression), ["zstd", "zstd"]);
  log.close();
});

test("a batch larger than the scratch memory is compressed without loss", () => {
  const value = new Chance(8).bytes(900_000);
  const batch = encodeBatch([{ value, timestamp: START_MS }], { compression: "lz4", codecs });
  for (const type of TYPES) {
    const log = opened({ recompression: { type } });
    log.append(batch, client);
    assertEquals(allBatches(log, 2_000_000)[0]!.records[0]!.value, value, type);
    log.close();
  }
});
