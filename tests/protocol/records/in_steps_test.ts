/** Working on a batch in steps gives the same result as working on it at once. */
import { assert, assertEquals } from "@std/assert";
import { MIN_INT64 } from "../../../src/protocol/int64.ts";
import {
  checkBatchCrcInSteps,
  createRecordScan,
  createTimestampBounds,
  encodeBatch,
  readTimestampBounds,
  readTimestampBoundsInSteps,
  type RecordInput,
  RECORDS_OFFSET,
  type RecordScan,
  scanRecords,
  scanRecordsInSteps,
} from "../../../src/protocol/records/batch.ts";
import { atOnce, type Steps } from "../../../src/protocol/records/compression/steps.ts";
import { createCrc32cArena } from "../../../src/protocol/records/crc32c.ts";
import { test } from "../../harness.ts";
import { Chance } from "../chance.ts";

/** Returns the scan, or the error's message. */
function outcome(run: (scan: RecordScan) => void): RecordScan | string {
  const scan = createRecordScan();
  try {
    run(scan);
    return scan;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Runs `steps` and returns their result and number. */
function counted<Result>(steps: Steps<Result>): [Result, number] {
  for (let count = 1;; count++) {
    const step = steps.next();
    if (step.done === true) return [step.value, count];
  }
}

function recordsOf(batch: Uint8Array): Uint8Array {
  return batch.subarray(RECORDS_OFFSET);
}

test("scanRecordsInSteps() gives the same result as scanRecords() for valid and damaged records", () => {
  const chance = new Chance(11);
  let refused = 0;
  for (let round = 0; round < 40; round++) {
    const count = chance.pick([1, 3, 8_191, 8_192, 8_193, 20_000]);
    const manyHeaders = chance.below(count);
    const records: RecordInput[] = Array.from({ length: count }, (_, i) => ({
      key: chance.oneIn(3) ? null : chance.bytes(chance.below(4)),
      value: chance.oneIn(3) ? null : chance.bytes(chance.below(200)),
      timestamp: chance.below(100_000_000),
      headers: i !== manyHeaders
        ? []
        : Array.from({ length: chance.pick([1, 100, 20_000]) }, (_, header) => ({
          key: "h".repeat(header % 3),
          value: header % 2 === 0 ? null : chance.bytes(header % 5),
        })),
    }));
    const bytes = recordsOf(encodeBatch(records)).slice();
    if (!chance.oneIn(4)) bytes[chance.below(bytes.length)]! ^= 1 << chance.below(8);
    const announced = chance.oneIn(8) ? count + chance.below(3) - 1 : count;
    const expected = outcome((scan) => scanRecords(bytes, 0, bytes.length, announced, scan));
    const found = outcome((scan) => {
      atOnce(scanRecordsInSteps(bytes, 0, bytes.length, announced, scan));
    });
    if (typeof expected === "string") {
      refused++;
      // A record with too many headers for one step is checked from its end.
      assert(typeof found === "string", `round ${round}: ${expected}`);
    } else assertEquals(found, expected, `round ${round}`);
  }
  assert(refused > 5 && refused < 35, `${refused} refused`);
});

test("scanRecordsInSteps() takes one step per 8,192 records or 8,192 headers of one record", () => {
  const plain = recordsOf(
    encodeBatch(Array.from({ length: 100_000 }, () => ({ value: null, timestamp: 1 }))),
  );
  const scan = createRecordScan();
  assertEquals(counted(scanRecordsInSteps(plain, 0, plain.length, 100_000, scan))[1], 13);
  const headers = Array.from({ length: 100_000 }, () => ({ key: "", value: null }));
  const heavy = recordsOf(encodeBatch([{ value: null, timestamp: 1, headers }]));
  assert(counted(scanRecordsInSteps(heavy, 0, heavy.length, 1, scan))[1] >= 13);
});

test("readTimestampBoundsInSteps() reads records again in steps if the deltas are not sufficient", () => {
  const records = recordsOf(encodeBatch(
    Array.from({ length: 20_000 }, (_, i) => ({
      value: null,
      timestamp: i === 7 ? MIN_INT64 : i * 2 ** 38,
    })),
  ));
  const scan = createRecordScan();
  scanRecords(records, 0, records.length, 20_000, scan);
  const [expected, found] = [createTimestampBounds(), createTimestampBounds()];
  readTimestampBounds(records, 0, 20_000, 0, scan, expected);
  const steps = readTimestampBoundsInSteps(records, 0, 20_000, 0, scan, found);
  assertEquals(counted(steps)[1], 5);
  assertEquals(found, expected);
  assertEquals(found.oldest, MIN_INT64);
});

test("checkBatchCrcInSteps() takes one step per MiB with both kinds of arena", () => {
  const batch = encodeBatch([{ value: new Chance(3).bytes(5_000_000), timestamp: 1 }]);
  for (const method of ["simd", "table"] as const) {
    const arena = createCrc32cArena(batch.length, method);
    arena.memory.set(batch);
    assertEquals(counted(checkBatchCrcInSteps(arena))[1], 5);
    arena.memory[4_999_999]! ^= 1;
    assertEquals(
      outcome(() => atOnce(checkBatchCrcInSteps(arena))).toString().slice(0, 27),
      "The record batch is corrupt",
    );
  }
});
