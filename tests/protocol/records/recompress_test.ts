/** Recompressing a batch in an arena that has to grow. */
import { assertEquals } from "@std/assert";
import { decodeBatch, encodeBatch, recompressBatch } from "../../../src/protocol/records/batch.ts";
import { createCrc32cArena } from "../../../src/protocol/records/crc32c.ts";
import { test } from "../../harness.ts";

test("recompressBatch() grows the arena if the batch does not fit", () => {
  for (const method of ["simd", "table"] as const) {
    const records = [{ value: new Uint8Array(200_000).fill(7), timestamp: 1 }];
    const packed = encodeBatch(records, { compression: "lz4" });
    const plain = encodeBatch(records);
    const arena = createCrc32cArena(packed.length, method);
    arena.memory.set(packed);
    const payload = plain.subarray(61);
    assertEquals(arena.memory.length < plain.length, true);
    const size = recompressBatch(arena, payload, { type: "none" }, undefined, Infinity);
    assertEquals(size, plain.length);
    const batch = decodeBatch(arena.memory.subarray(0, size), 0);
    assertEquals(batch.records[0]!.value, records[0]!.value);
  }
});
