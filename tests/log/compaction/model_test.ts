import { assertEquals } from "@std/assert";
import type { CompressionType } from "../../../src/protocol/records/batch.ts";
import { Chance } from "../../protocol/chance.ts";
import { seedCount, test } from "../../harness.ts";
import { type Pair, START_MS, TestLog } from "./fixture.ts";

const COMPRESSIONS: readonly CompressionType[] = ["none", "none", "gzip", "snappy", "lz4", "zstd"];
const SEEDS = seedCount(60, 600);
const RETENTION_MS = 1_000;

/** What a reader of committed records must get from the log. */
interface Model {
  /** The newest committed record of each key. */
  readonly newest: Map<string, { offset: number; value: string | null; writtenMs: number }>;
  /** Every record that may be in the log, as `offset:key=value`. */
  readonly possible: Set<string>;
  /** The records of aborted transactions. */
  readonly aborted: Set<string>;
}

function textOf(offset: number, [key, value]: Pair): string {
  return `${offset}:${key}=${value}`;
}

/** Writes a random batch, transactional or not, to the log and the model. */
function writeSome(log: TestLog, model: Model, chance: Chance): void {
  const { machine } = log;
  const producerId = chance.below(3) === 0 ? 100 + chance.below(3) : -1;
  const isTransactional = producerId >= 0 && chance.below(2) === 0;
  const isAborted = isTransactional && chance.below(2) === 0;
  const first = log.nextOffset;
  for (let batch = chance.below(isTransactional ? 3 : 1) + 1; batch > 0; batch--) {
    const pairs: Pair[] = Array.from({ length: 1 + chance.below(5) }, () => [
      `key-${chance.below(12)}`,
      chance.below(5) === 0 ? null : `value-${chance.below(1_000)}`.repeat(1 + chance.below(9)),
    ]);
    const offset = log.write(pairs, {
      compression: COMPRESSIONS[chance.below(COMPRESSIONS.length)]!,
      producerId,
      producerEpoch: producerId < 0 ? -1 : 0,
      baseSequence: producerId < 0 ? -1 : log.nextOffset,
      isTransactional,
      timestamp: machine.nowMs,
    });
    for (const [i, pair] of pairs.entries()) {
      model.possible.add(textOf(offset + i, pair));
      if (isAborted) model.aborted.add(textOf(offset + i, pair));
      else {
        model.newest.set(pair[0]!, {
          offset: offset + i,
          value: pair[1],
          writtenMs: machine.nowMs,
        });
      }
    }
    if (producerId >= 0) {
      log.producers.set(producerId, { lastOffset: log.nextOffset - 1, producerEpoch: 0 });
    }
  }
  if (!isTransactional) return;
  const marker = log.mark(isAborted ? "abort" : "commit", producerId);
  if (isAborted) {
    log.aborted.push({
      producerId,
      firstOffset: first,
      lastOffset: marker,
      lastStableOffset: marker + 1,
    });
  }
}

function check(log: TestLog, model: Model, cleanedOffset: number, seed: number): void {
  const where = `seed ${seed}, compacted up to ${cleanedOffset}`;
  const records = log.records();
  const found = new Set(records);
  assertEquals(found.size, records.length, where);
  for (const record of records) assertEquals(model.possible.has(record), true, where);
  let last = -1;
  for (const batch of log.batches()) {
    assertEquals(batch.baseOffset > last, true, where);
    last = batch.lastOffset;
  }
  for (const [key, { offset, value, writtenMs }] of model.newest) {
    const isThere = found.has(textOf(offset, [key, value]));
    // A tombstone may be removed after its retention time, never before.
    const mayBeGone = value === null && log.machine.nowMs >= writtenMs + RETENTION_MS;
    if (!mayBeGone) assertEquals(isThere, true, `${where}: ${key} at ${offset}`);
    if (offset >= cleanedOffset) continue;
    const older = records.filter((record) =>
      record.includes(`:${key}=`) && Number(record.split(":")[0]) < offset
    );
    assertEquals(older, [], `${where}: older than ${key} at ${offset}`);
  }
  for (const record of model.aborted) {
    if (Number(record.split(":")[0]) < cleanedOffset) {
      assertEquals(found.has(record), false, `${where}: ${record} was aborted`);
    }
  }
  const ends = log.segments.all.map(({ nextOffset }) => nextOffset);
  const begins = log.segments.all.map(({ baseOffset }) => baseOffset);
  assertEquals(ends.slice(0, -1), begins.slice(1), where);
  for (const [producerId, { lastOffset }] of log.producers) {
    const isKept = log.batches().some((batch) =>
      batch.producerId === producerId && batch.lastOffset === lastOffset
    );
    assertEquals(isKept, true, `${where}: the last batch of producer ${producerId}`);
  }
}

test(`compaction keeps the newest record of each key and drops older ones, over ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const chance = new Chance(seed);
    const log = new TestLog({
      deleteRetentionMs: RETENTION_MS,
      segmentBytes: 200 + chance.below(3_000),
    });
    const model: Model = { newest: new Map(), possible: new Set(), aborted: new Set() };
    log.machine.nowMs = START_MS;
    for (let round = 0; round < 4; round++) {
      for (let i = chance.below(25); i >= 0; i--) {
        writeSome(log, model, chance);
        if (chance.below(4) === 0 && log.segments.active.size > 0) log.roll();
      }
      log.machine.nowMs += chance.below(700);
      if (log.segments.active.size > 0) log.roll();
      await log.clean({ maxBytes: 24 * (8 + chance.below(20)) });
      check(log, model, log.compaction.cleanedOffset, seed);
    }
  }
});
