import { assert, assertEquals } from "@std/assert";
import { Pacer } from "../../../src/log/compaction/pacer.ts";
import type { CompressionType } from "../../../src/protocol/records/batch.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { type Pair, TestLog } from "./fixture.ts";

const RECORDS = 3_000;
const VALUE = "the quick brown fox jumps over the lazy dog ".repeat(24);
/** The maximum number of bytes copied, and decompressed or compressed, between two pauses. */
const COPY_BYTES = 262_144;
const CODEC_BYTES = 131_072;

/**
 * Creates a log whose first batch has 3 MB of records, a third of them obsolete and a few
 * tombstones.
 */
function largeBatch(compression: CompressionType): TestLog {
  const log = new TestLog();
  const pairs = Array.from({ length: RECORDS }, (_, i): Pair => {
    const key = `key-${i % 3 === 0 ? 0 : i}`;
    return [key, i % 500 === 499 ? null : `${VALUE}${i}`];
  });
  log.write(pairs, { compression });
  log.write([["other", "1"]]);
  log.roll();
  return log;
}

/** Returns a clock that advances by 10 us with each reading. */
function slowClock(clock: Clock, onRest: () => void): Clock {
  let nowMs = 0;
  return {
    now: () => clock.now(),
    monotonicMs: () => nowMs += 0.01,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    yieldToLoop: () => {
      onRest();
      return clock.yieldToLoop();
    },
  };
}

for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
  test(`compaction pauses within a large batch, compressed by ${compression}`, async () => {
    const plain = largeBatch(compression);
    await plain.clean();

    const paced = largeBatch(compression);
    let rests = 0;
    const pacer = new Pacer({
      clock: slowClock(paced.machine.runtime.clock, () => rests++),
      maxBytesPerSecond: () => Infinity,
      sliceMs: 0.01,
      pauseMs: 0,
    });
    const report = await paced.clean({ pacer });
    assertEquals(report?.recordsRead, RECORDS + 1);
    assertEquals(paced.records(), plain.records());
    assertEquals(paced.records().length, RECORDS + 1 - RECORDS / 3 + 1);
    // Both passes decompress and iterate over the records; the second copies and compresses those
    // it keeps.
    const read = RECORDS * VALUE.length;
    const kept = read * 2 / 3;
    const codecs = compression === "none" ? 0 : (2 * read + kept) / CODEC_BYTES;
    const least = Math.floor(2 * RECORDS / 256 + kept / COPY_BYTES + codecs);
    assert(rests >= least, `${rests} pauses instead of at least ${least}`);
  });
}
