import { assertEquals } from "@std/assert";
import type { AppendOptions } from "../../../src/log/partition_log.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import type { CompressionType } from "../../../src/protocol/records/compression/codec.ts";
import { Chance } from "../../protocol/chance.ts";
import {
  batchOf,
  codecs,
  Machine,
  offsetForTimestamp,
  offsetOfMaxTimestamp,
  refusal,
  START_MS,
} from "../fixture.ts";
import { test } from "../../harness.ts";

const client: AppendOptions = { leaderEpoch: 3, origin: "client" };

for (const compression of ["none", "gzip"] as CompressionType[]) {
  test(`a lookup by timestamp returns the same as a scan of all records, compression ${compression}`, () => {
    for (let seed = 0; seed < 12; seed++) {
      const chance = new Chance(seed);
      const log = new Machine().open({
        segmentBytes: 900,
        indexIntervalBytes: 1 + chance.below(500),
      });
      const records: { offset: number; timestamp: number }[] = [];
      for (let i = 0; i < 30; i++) {
        const batch = Array.from({ length: 1 + chance.below(5) }, () => ({
          value: chance.bytes(chance.below(30)),
          timestamp: START_MS + i * 3 + chance.below(20) - 10,
        }));
        const { baseOffset } = log.append(encodeBatch(batch, { compression, codecs }), client);
        for (const [j, { timestamp }] of batch.entries()) {
          records.push({ offset: baseOffset + j, timestamp });
        }
      }
      if (chance.oneIn(2)) log.deleteRecordsBefore(chance.below(records.length));
      const live = records.filter((record) => record.offset >= log.logStartOffset);
      for (let at = START_MS - 20; at < START_MS + 130; at++) {
        const found = live.find((record) => record.timestamp >= at);
        assertEquals(
          offsetForTimestamp(log, at),
          found ? { ...found, leaderEpoch: 3 } : null,
          `seed ${seed}, ${at - START_MS}`,
        );
      }
      const max = Math.max(...live.map((record) => record.timestamp));
      const newest = live.find((record) => record.timestamp === max);
      assertEquals(
        offsetOfMaxTimestamp(log),
        newest ? { ...newest, leaderEpoch: 3 } : null,
        `seed ${seed}`,
      );
      log.close();
    }
  });
}

test("an empty log has no timestamps, and records without one are not found", () => {
  const log = new Machine().open();
  assertEquals(offsetForTimestamp(log, 0), null);
  assertEquals(offsetOfMaxTimestamp(log), null);
  log.append(batchOf(1, { timestamp: -1 }), client);
  assertEquals(offsetForTimestamp(log, 0), null);
  assertEquals(offsetOfMaxTimestamp(log), null);
  log.close();
});

test("the largest timestamp is correct after a truncation, wherever it was", async () => {
  for (const indexIntervalBytes of [1, 200, 100_000]) {
    const log = new Machine().open({ indexIntervalBytes });
    log.append(batchOf(1, { timestamp: START_MS + 500 }), client);
    for (let i = 0; i < 9; i++) log.append(batchOf(1, { timestamp: START_MS + i }), client);
    await log.truncateTo(7);
    assertEquals(offsetOfMaxTimestamp(log)?.offset, 0);
    assertEquals(offsetForTimestamp(log, START_MS + 100)?.offset, 0);
    log.close();
  }
});

test("with LogAppendTime the batch's timestamp applies to all its records", () => {
  const log = new Machine().open({ messageTimestampType: "LogAppendTime" });
  log.append(batchOf(5), client);
  assertEquals(offsetForTimestamp(log, START_MS)?.offset, 0);
  assertEquals(offsetOfMaxTimestamp(log)?.offset, 0);
  log.close();
});

test("a damaged batch is reported, not skipped, when its records are needed", () => {
  const machine = new Machine();
  machine.open().append(batchOf(5), client);
  const next = machine.kill();
  const name = next.segments()[0]!;
  const bytes = next.read(name).slice();
  bytes[bytes.length - 4]! ^= 1;
  next.write(name, bytes);
  const log = next.open({}, { wasShutDownCleanly: true });
  assertEquals(refusal(() => offsetForTimestamp(log, START_MS)).name, "CORRUPT_MESSAGE");
  log.close();
});
