/**
 * Processing of a batch of 16 KB, 160 records of 100 bytes, by broker and client.
 *
 * @module
 */

import * as batch from "../src/protocol/records/batch.ts";
import { createCrc32cArena } from "../src/protocol/records/crc32c.ts";

const value = new Uint8Array(100).map((_, index) => 32 + index);
const records = Array.from({ length: 160 }, (_, index) => ({
  key: null,
  value,
  timestamp: 1_700_000_000_000 + (index >> 3),
}));
const bytes = batch.encodeBatch(records);
const limits = { maxBatchBytes: 1_048_588, allowZstd: true };
const options = { maxDecompressedBytes: 1_000_000 };
const scan = batch.createRecordScan();
const arena = createCrc32cArena();
arena.memory.set(bytes);
const memory = arena.memory;

Deno.bench("checkProducedHeader()", { group: "broker" }, () => {
  batch.checkProducedHeader(memory, 0, bytes.length, limits);
});
Deno.bench("checkRecords(), 160 records of 100 bytes", { group: "broker" }, () => {
  batch.checkRecords(memory, 0, bytes.length, scan, options);
});
Deno.bench("header, CRC and records checked, offset and epoch patched", { group: "broker" }, () => {
  arena.memory.set(bytes);
  batch.checkProducedHeader(memory, 0, bytes.length, limits);
  batch.checkBatchCrc(memory, 0, arena);
  batch.checkRecords(memory, 0, bytes.length, scan, options);
  batch.writeBaseOffset(memory, 0, 5_000_000_000);
  batch.writePartitionLeaderEpoch(memory, 0, 3);
});
Deno.bench("encodeBatch(), 160 records of 100 bytes", { group: "client" }, () => {
  batch.encodeBatch(records);
});
Deno.bench("decodeBatch(), 160 records of 100 bytes", { group: "client" }, () => {
  batch.decodeBatch(bytes);
});
