import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../src/assert.ts";
import {
  encodeBatches,
  encodeBatchInSteps,
  MAX_RECORDS_PER_BATCH,
} from "../../src/metadata/record_batches.ts";
import {
  decodeMetadataRecord,
  type MetadataRecordInput,
} from "../../src/metadata/records/metadata_record.ts";
import { decodeBatch, type DecodedBatch } from "../../src/protocol/records/batch.ts";
import { atOnce, NO_PAUSE } from "../../src/protocol/records/compression/steps.ts";
import { test } from "../harness.ts";
import { config, decoded } from "./fixture.ts";

const OPTIONS = { epoch: 7, timestamp: 1_234, baseOffset: 40 };

function configs(count: number, value = "v"): MetadataRecordInput[] {
  return Array.from({ length: count }, (_, index) => config(2, `topic-${index}`, "key", value));
}

test("encodeBatchInSteps() encodes one batch with the given epoch, time and offsets", () => {
  const records = configs(3);
  const batch = decodeBatch(atOnce(encodeBatchInSteps(records, OPTIONS)));
  assertEquals(
    [batch.baseOffset, batch.lastOffset, batch.partitionLeaderEpoch, batch.maxTimestamp],
    [40, 42, 7, 1_234],
  );
  assertEquals(batch.records.map(({ timestamp }) => timestamp), [1_234, 1_234, 1_234]);
  assertEquals(
    batch.records.map(({ value }) => decodeMetadataRecord(value!)),
    decoded(...records),
  );
});

test("encodeBatchInSteps() ends a step after 64 records", () => {
  let steps = 0;
  for (const _ of encodeBatchInSteps(configs(1_000), OPTIONS)) steps++;
  assertEquals(steps, Math.floor(1_000 / 64));
});

test("encodeBatchInSteps() rejects no record and more than a batch may have", () => {
  for (const count of [0, MAX_RECORDS_PER_BATCH + 1]) {
    assertThrows(
      () => atOnce(encodeBatchInSteps(configs(count), OPTIONS)),
      AssertionFailure,
      `A metadata batch of ${count} records`,
    );
  }
  atOnce(encodeBatchInSteps(configs(MAX_RECORDS_PER_BATCH), OPTIONS));
});

async function batchesOf(records: Iterable<MetadataRecordInput>): Promise<DecodedBatch[]> {
  const all: DecodedBatch[] = [];
  for await (const bytes of encodeBatches(records, OPTIONS, NO_PAUSE)) {
    all.push(decodeBatch(bytes));
  }
  return all;
}

test("encodeBatches() begins another batch after 10,000 records", async () => {
  const all = await batchesOf(configs(25_000));
  assertEquals(
    all.map(({ baseOffset, lastOffset, partitionLeaderEpoch: epoch }) => [
      baseOffset,
      lastOffset,
      epoch,
    ]),
    [[40, 10_039, 7], [10_040, 20_039, 7], [20_040, 25_039, 7]],
  );
  assertEquals(await batchesOf([]), []);
  assertEquals((await batchesOf(configs(10_000))).length, 1);
});

test("encodeBatches() begins another batch after a MiB", async () => {
  const all = await batchesOf(configs(60, "v".repeat(30_000)));
  assertEquals(all.map(({ records }) => records.length), [35, 25]);
});

test("encodeBatches() draws records as it needs them and pauses between steps", async () => {
  let drawn = 0;
  function* records() {
    for (const record of configs(10_100)) {
      drawn++;
      yield record;
    }
  }
  const drawnAtPauses: number[] = [];
  const pause = () => Promise.resolve(void drawnAtPauses.push(drawn));
  const encoding = encodeBatches(records(), OPTIONS, pause);
  await encoding.next();
  assertEquals([drawn, drawnAtPauses.slice(0, 3)], [10_000, [64, 128, 192]]);
  await encoding.next();
  assertEquals(drawn, 10_100);
  assertEquals((await encoding.next()).done, true);
});
