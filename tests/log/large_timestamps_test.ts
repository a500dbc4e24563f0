/**
 * A log whose producers count nanoseconds, or send any other timestamp beyond 2^53. What is expected
 * here is what Apache Kafka 4.4.0 does with the same batches.
 */
import { assert, assertEquals } from "@std/assert";
import { type LogConfig, NO_LIMIT } from "../../src/log/log_config.ts";
import type { AppendOptions, PartitionLog } from "../../src/log/partition_log.ts";
import { decodeTimeIndex } from "../../src/log/segments/index_format.ts";
import { type Int64, MAX_INT64, maxInt64, MIN_INT64, toInt64 } from "../../src/protocol/int64.ts";
import { type BatchOptions, encodeBatch } from "../../src/protocol/records/batch.ts";
import { Chance } from "../protocol/chance.ts";
import { EXTREME_INT64S } from "../protocol/extreme_int64s.ts";
import {
  allBatches,
  bytesOf,
  codecs,
  Machine,
  offsetForTimestamp,
  offsetOfMaxTimestamp,
  refusal,
  START_MS,
} from "./fixture.ts";
import { test } from "../harness.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };
const UNBOUNDED: Partial<LogConfig> = { messageTimestampAfterMaxMs: NO_LIMIT };
const START_NS = 1_700_000_000_000_000_000n;

function stamped(timestamps: readonly Int64[], options: BatchOptions = {}): Uint8Array {
  const records = timestamps.map((timestamp, i) => ({
    key: Uint8Array.of(i),
    value: new Uint8Array(20),
    timestamp,
  }));
  return encodeBatch(records, { codecs, ...options });
}

test("append() checks every timestamp with the same result as Java's arithmetic", () => {
  const hour = 3_600_000;
  const table: [Int64, before: number, after: number, string][] = [
    [2n ** 53n, NO_LIMIT, hour, "INVALID_TIMESTAMP"],
    [START_NS, NO_LIMIT, hour, "INVALID_TIMESTAMP"],
    [MAX_INT64, NO_LIMIT, hour, "INVALID_TIMESTAMP"],
    [MAX_INT64, NO_LIMIT, NO_LIMIT, "NONE"],
    [-2, NO_LIMIT, hour, "NONE"],
    [-(2n ** 60n), NO_LIMIT, hour, "NONE"],
    [-(2n ** 60n), hour, NO_LIMIT, "INVALID_TIMESTAMP"],
    // The difference to the clock wraps around and is the same as for a timestamp in the future.
    [MIN_INT64, NO_LIMIT, hour, "INVALID_TIMESTAMP"],
    [MIN_INT64, hour, NO_LIMIT, "NONE"],
    // The difference is Long.MIN_VALUE, whose negation is itself.
    [MIN_INT64 + BigInt(START_MS), hour, hour, "NONE"],
    [10n ** 17n + 10n ** 13n, NO_LIMIT, 1e17, "INVALID_TIMESTAMP"],
    [10n ** 17n, NO_LIMIT, 1e17, "NONE"],
  ];
  for (const [timestamp, before, after, name] of table) {
    const log = new Machine().open({
      messageTimestampBeforeMaxMs: before,
      messageTimestampAfterMaxMs: after,
    });
    const outcome = refusal(() => log.append(stamped([timestamp]), client));
    assertEquals(outcome.name, name, `${timestamp} within ${before} and ${after}`);
    log.close();
  }
});

test("append() rejects a batch with one record too far in the future", () => {
  const log = new Machine().open();
  const outcome = refusal(() => log.append(stamped([START_MS, START_NS, START_MS]), client));
  assertEquals(outcome.name, "INVALID_TIMESTAMP");
  assert(outcome.message.includes(`timestamp ${START_NS} is not within`), outcome.message);
  assertEquals(log.logEndOffset, 0);
  log.close();
});

test("append() stores any timestamp unchanged, and the largest of a batch in its header", () => {
  const log = new Machine().open(UNBOUNDED);
  const batches = EXTREME_INT64S.map((timestamp) => [timestamp, MIN_INT64, timestamp]);
  for (const timestamps of batches) {
    // The largest timestamp in the header, wrong here, is corrected.
    log.append(stamped(timestamps, { maxTimestamp: 7 }), client);
  }
  const stored = allBatches(log);
  assertEquals(stored.map(({ records }) => records.map(({ timestamp }) => timestamp)), batches);
  assertEquals(stored.map(({ baseTimestamp }) => baseTimestamp), [...EXTREME_INT64S]);
  assertEquals(
    stored.map(({ maxTimestamp }) => maxTimestamp),
    EXTREME_INT64S.map((timestamp) => maxInt64(timestamp, -1)),
  );
  log.close();
});

test("append() keeps every byte after the offsets of a batch with timestamps in nanoseconds", () => {
  const log = new Machine().open(UNBOUNDED);
  const sent = stamped([toInt64(START_NS), toInt64(START_NS + 1n)]);
  log.append(sent, client);
  const read = log.read({ fetchOffset: 0, maxBytes: 1_000, endOffset: 2, minOneBatch: true });
  assertEquals(bytesOf(read).subarray(16), sent.subarray(16));
  log.close();
});

test("recompression and LogAppendTime keep base timestamps and deltas in nanoseconds", () => {
  const timestamps = [START_NS + 3n, START_NS, START_NS + 7n];
  for (const compression of ["none", "gzip"] as const) {
    for (const config of [{ recompression: { type: "zstd" } }, {}] as Partial<LogConfig>[]) {
      const log = new Machine().open({ ...UNBOUNDED, ...config });
      log.append(stamped(timestamps, { compression }), client);
      const [batch] = allBatches(log);
      assertEquals([batch!.baseTimestamp, batch!.maxTimestamp], [START_NS + 3n, START_NS + 7n]);
      assertEquals(batch!.records.map(({ timestamp }) => timestamp), timestamps);
      log.updateConfig({ ...log.config, messageTimestampType: "LogAppendTime" });
      log.append(stamped(timestamps, { compression }), client);
      const second = allBatches(log)[1]!;
      assertEquals([second.baseTimestamp, second.maxTimestamp], [START_NS + 3n, START_MS]);
      log.close();
    }
  }
});

test("timestamps in nanoseconds are looked up exactly, after every kind of restart", async () => {
  for (let seed = 0; seed < 8; seed++) {
    const chance = new Chance(seed);
    const config = { ...UNBOUNDED, segmentBytes: 900, indexIntervalBytes: chance.below(300) };
    let machine = new Machine();
    let log = machine.open(config);
    const records: { offset: number; timestamp: Int64 }[] = [];
    for (let i = 0n; i < 30n; i++) {
      const timestamps = Array.from(
        { length: 1 + chance.below(4) },
        () => START_NS + i * 3n + BigInt(chance.below(20)),
      );
      const { baseOffset } = log.append(stamped(timestamps), client);
      records.push(...timestamps.map((timestamp, j) => ({ offset: baseOffset + j, timestamp })));
    }
    const check = (when: string) => {
      for (let at = START_NS - 5n; at < START_NS + 120n; at++) {
        const found = records.find(({ timestamp }) => timestamp >= at);
        const expected = found === undefined ? null : { ...found, leaderEpoch: 0 };
        const where = `${when}, seed ${seed}, ${at}`;
        assertEquals(offsetForTimestamp(log, toInt64(at)), expected, where);
      }
      const newest = records.reduce((one, other) => other.timestamp > one.timestamp ? other : one);
      assertEquals(offsetOfMaxTimestamp(log), { ...newest, leaderEpoch: 0 }, when);
      assertEquals(offsetForTimestamp(log, MAX_INT64), null);
    };
    check("as written");
    await log.flush();
    machine = machine.kill();
    log = machine.open(config);
    check("after kill -9");
    log.writeIndexes();
    log.close();
    const names = machine.files.list("/data/events-0").map(({ name }) => name);
    const indexes = names.filter((name) => name.endsWith(".timeindex"));
    const stored = indexes.map((name) => machine.read(name));
    for (const bytes of stored) assertEquals(decodeTimeIndex(bytes).problem, null);
    log = machine.open(config, { wasShutDownCleanly: true, recoveryPoint: log.logEndOffset });
    check("after an orderly end");
    log.close();
    for (const name of indexes) machine.files.remove(`/data/events-0/${name}`);
    log = machine.open(config, { wasShutDownCleanly: true, recoveryPoint: log.logEndOffset });
    check("with rebuilt indexes");
    log.writeIndexes();
    assertEquals(indexes.map((name) => machine.read(name)), stored);
    log.close();
  }
});

test("the time index has an entry for each rise, even by one nanosecond", async () => {
  const machine = new Machine();
  const log = machine.open({ ...UNBOUNDED, indexIntervalBytes: 0 });
  const steps = [0n, 1n, 2n, 1n, 3n, 3n, 4n];
  for (const step of steps) log.append(stamped([START_NS + step]), client);
  // An index is stored only if the name of its log is durable.
  await log.flush();
  log.writeIndexes();
  log.close();
  const { entries } = decodeTimeIndex(machine.read("00000000000000000000.timeindex"));
  // Like Apache Kafka: the first batch has no entry of its own.
  assertEquals(
    Array.from({ length: entries.length }, (_, i) => [
      entries.timestamps.at(i),
      entries.relativeOffsets[i],
    ]),
    [[START_NS + 1n, 1], [START_NS + 2n, 2], [START_NS + 3n, 4], [START_NS + 4n, 6]],
  );
});

test("the largest timestamp is correct after a truncation with timestamps in nanoseconds", async () => {
  const log = new Machine().open({ ...UNBOUNDED, indexIntervalBytes: 0 });
  for (const step of [5n, 9n, 7n, 10n]) log.append(stamped([START_NS + step]), client);
  await log.truncateTo(3);
  assertEquals(offsetOfMaxTimestamp(log)?.timestamp, START_NS + 9n);
  await log.truncateTo(1);
  assertEquals(offsetOfMaxTimestamp(log)?.timestamp, START_NS + 5n);
  log.close();
});

test("a segment is rolled by the difference of timestamps, in nanoseconds or milliseconds", () => {
  const rolls = (segmentMs: number, ...timestamps: readonly Int64[]): number => {
    const log = new Machine().open({ ...UNBOUNDED, segmentMs });
    for (const timestamp of timestamps) log.append(stamped([timestamp]), client);
    const { segmentCount } = log;
    log.close();
    return segmentCount - 1;
  };
  assertEquals(rolls(1_000, START_NS, START_NS + 1_000n), 0);
  assertEquals(rolls(1_000, START_NS, START_NS + 1_001n), 1);
  assertEquals(rolls(604_800_000, START_MS, START_NS), 1);
  assertEquals(rolls(NO_LIMIT, START_MS, START_NS, MAX_INT64, 0), 0);
  assertEquals(rolls(1_000, MAX_INT64, START_MS), 0);
  // The first segment's age counts from its creation: its batch has no timestamp.
  assertEquals(rolls(1_000, MIN_INT64, MIN_INT64 + 5n), 0);
});

test("retention by time keeps a segment with a timestamp in the future, and the segments after it", () => {
  const log = new Machine().open({ ...UNBOUNDED, retentionMs: 1_000, fileDeleteDelayMs: 0 });
  for (const timestamp of [START_MS, START_NS, START_MS, MAX_INT64] as Int64[]) {
    log.append(stamped([timestamp]), client);
    log.roll();
  }
  assertEquals(log.applyRetention(START_MS + 1_000_000), 1);
  assertEquals(log.logStartOffset, 1);
  assertEquals(log.applyRetention(START_MS + 1_000_000), 0);
  log.close();
});

/** A producer's batch of one record. */
function produced(producerId: Int64, baseSequence: number, timestamp: Int64): Uint8Array {
  return stamped([timestamp], { producerId, producerEpoch: 0, baseSequence });
}

test("producers whose ids differ only beyond 2^53 are distinguished, even after a restart", () => {
  const machine = new Machine();
  let log: PartitionLog = machine.open(UNBOUNDED);
  const ids = [2n ** 53n, 2n ** 53n + 1n, 2n ** 60n, 2n ** 60n + 1n, MAX_INT64 - 1n, MAX_INT64];
  const check = (sequence: number) => {
    for (const id of ids) {
      const { baseOffset, duplicate } = log.append(produced(id, sequence, START_NS), client);
      assertEquals(duplicate, false, `${id}`);
      assertEquals(log.append(produced(id, sequence + 1, START_NS), client).duplicate, false);
      const again = log.append(produced(id, sequence, START_NS), client);
      assertEquals([again.duplicate, again.baseOffset], [true, baseOffset]);
      assertEquals(again.logAppendTimeMs, -1);
      const skipped = refusal(() => log.append(produced(id, sequence + 5, START_NS), client));
      assertEquals(skipped.name, "OUT_OF_ORDER_SEQUENCE_NUMBER");
    }
    assertEquals(log.activeProducers().map(({ producerId }) => producerId), ids);
    assertEquals(
      log.activeProducers().map(({ lastTimestamp }) => lastTimestamp),
      ids.map(() => START_NS),
    );
  };
  check(0);
  log.writeIndexes();
  log.close();
  log = machine.open(UNBOUNDED, { wasShutDownCleanly: true, recoveryPoint: log.logEndOffset });
  check(2);
  const twice = ids.flatMap((id) => [id, id]);
  assertEquals(allBatches(log).map(({ producerId }) => producerId), [...twice, ...twice]);
  log.close();
});
