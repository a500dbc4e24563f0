import { assertEquals } from "@std/assert";
import * as batch from "../../../src/protocol/records/batch.ts";
import type { CompressionType } from "../../../src/protocol/records/compression/codec.ts";
import { test } from "../../harness.ts";
import fixtures from "./fixtures/client_batches.json" with { type: "json" };
import { fromBase64, hostCodecs, ourZstd, reasonOf, utf8 } from "./record_helpers.ts";

const CITIES = ["Amsterdam", "Buenos Aires", "Dakar"];

/** Returns record `index` as produced by the clients. */
function expectedRecord(index: number): batch.DecodedRecord {
  const key = index % 4 === 0 ? null : utf8(index % 4 === 1 ? "" : `key-${index}`);
  const value = JSON.stringify({
    id: index,
    user: `user-${(index * 7919) % 5000}`,
    city: CITIES[index % 3],
    amount: (index * 104_729) % 100_000,
  });
  return {
    offset: index,
    timestamp: 1_700_000_000_000 + index * index * 37 - (index % 2) * 1000,
    key,
    value: index % 5 === 3 ? null : utf8(value),
    headers: index % 3 !== 1
      ? []
      : [{ key: "trace", value: utf8(`t-${index}`) }, { key: "none", value: null }],
  };
}

const ways = [
  { name: "with the host's codecs", codecs: hostCodecs },
  { name: "with our zstd decoder", codecs: ourZstd },
];

for (const { client, compression, records, base64 } of fixtures.batches) {
  for (const { name, codecs } of ways) {
    if (compression !== "zstd" && codecs !== hostCodecs) continue;

    test(`${records} ${compression} records of ${client} are decoded ${name}`, () => {
      const bytes = fromBase64(base64);
      const spans = [...batch.splitBatches(bytes)];
      const read = spans.flatMap(({ start }) => {
        const decoded = batch.decodeBatch(bytes, start, { codecs });
        assertEquals(decoded.compression, compression as CompressionType);
        return decoded.records;
      });
      assertEquals(read.length, records);
      for (const [index, record] of read.entries()) assertEquals(record, expectedRecord(index));
      if (client.startsWith("kafka-clients") && records === 8) {
        const { producerId, producerEpoch, baseSequence } = batch.decodeBatch(bytes, 0, { codecs });
        assertEquals([producerId, producerEpoch, baseSequence], [4001, 2, 17]);
      }
    });

    test(`the produce checks accept ${records} ${compression} records of ${client} ${name}`, () => {
      const bytes = fromBase64(base64);
      const scan = batch.createRecordScan();
      const options = { codecs: () => codecs, maxDecompressedBytes: 1_000_000 };
      let total = 0;
      for (const { start, end } of batch.splitBatches(bytes)) {
        batch.writeBaseOffset(bytes, start, 0);
        const limits = { maxBatchBytes: 1_048_588, allowZstd: true };
        batch.checkProducedHeader(bytes, start, end, limits);
        batch.checkBatchCrc(bytes, start);
        batch.checkRecords(bytes, start, end, scan, options);
        const baseTimestamp = Number(batch.readBaseTimestamp(bytes, start));
        assertEquals(baseTimestamp + scan.maxTimestampDelta, batch.readMaxTimestamp(bytes, start));
        total += batch.readRecordCount(bytes, start);
      }
      assertEquals(total, records);
    });
  }
}

test("compressed batches with inconsistent record counts are rejected", () => {
  for (const { compression, base64 } of fixtures.batches.filter(({ records }) => records === 8)) {
    const bytes = fromBase64(base64);
    const check = () =>
      batch.checkRecords(bytes, 0, bytes.length, batch.createRecordScan(), {
        codecs: () => hostCodecs,
        maxDecompressedBytes: 100_000,
      });
    check();
    const view = new DataView(bytes.buffer);
    for (const count of [7, 9, 2_147_483_647]) {
      view.setInt32(batch.RECORD_COUNT_OFFSET, count);
      assertEquals(reasonOf(check), "invalid", `${compression}, ${count} records`);
    }
    view.setInt32(batch.RECORD_COUNT_OFFSET, 8);
    bytes.fill(0x55, batch.RECORDS_OFFSET + 8);
    assertEquals(reasonOf(check), "invalid", `${compression}, payload overwritten`);
  }
});

test("a compressed batch that decompresses to too many bytes is rejected as too large", () => {
  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    const record = { value: new Uint8Array(300_000), timestamp: 1 };
    const bytes = batch.encodeBatch([record], { compression, codecs: hostCodecs });
    const check = (maxDecompressedBytes: number) =>
      batch.checkRecords(bytes, 0, bytes.length, batch.createRecordScan(), {
        codecs: () => hostCodecs,
        maxDecompressedBytes,
      });
    check(301_000);
    assertEquals(reasonOf(() => check(300_000)), "too-large");
  }
});
