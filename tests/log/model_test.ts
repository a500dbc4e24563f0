/**
 * The log against a list of batches in memory: whatever is done to both, in any order, they answer
 * alike. A failure names its seed.
 */
import { assert, assertEquals } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../src/log/log_config.ts";
import { PendingWork } from "../../src/log/pending_work.ts";
import type { PartitionLog } from "../../src/log/partition_log.ts";
import { type DecodedBatch, encodeBatch } from "../../src/protocol/records/batch.ts";
import { Chance } from "../protocol/chance.ts";
import {
  allBatches,
  batchesOf,
  checkpointsWith,
  codecs,
  Machine,
  offsetForTimestamp,
  START_MS,
} from "./fixture.ts";
import { seedCount, test } from "../harness.ts";

/** A batch as the model keeps it. */
interface ModelBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly timestamps: readonly number[];
  readonly fingerprint: string;
}

function fingerprintOf(batch: DecodedBatch): string {
  return batch.records.map((record) => `${record.timestamp}:${record.value}`).join(";");
}

class Run {
  readonly chance: Chance;
  machine = new Machine();
  log: PartitionLog;
  config: LogConfig;
  batches: ModelBatch[] = [];
  startOffset = 0;
  endOffset = 0;
  epoch = 0;
  readonly pendingWork = new PendingWork();
  /** The value in the checkpoint that the manager would have written. */
  checkpoint = 0;

  constructor(readonly seed: number) {
    this.chance = new Chance(seed);
    this.config = {
      ...DEFAULT_LOG_CONFIG,
      segmentBytes: 300 + this.chance.below(1_500),
      indexIntervalBytes: 1 + this.chance.below(400),
      fileDeleteDelayMs: this.chance.below(2) * 3_000,
      retentionMs: 2_000 + this.chance.below(20_000),
      retentionBytes: this.chance.oneIn(2) ? -1 : 2_000 + this.chance.below(4_000),
    };
    this.log = this.open();
  }

  open(): PartitionLog {
    return this.machine.open(this.config, {
      pendingWork: this.pendingWork,
      logStartOffset: this.checkpoint,
      checkpoints: checkpointsWith({
        saveLogStartOffset: () => {
          // Not assigned yet while the log is being opened.
          const { log } = this;
          if (log !== undefined) this.checkpoint = log.logStartOffset;
        },
      }),
    });
  }

  append(): void {
    const { chance } = this;
    if (chance.oneIn(15)) this.epoch += 1 + chance.below(2);
    const records = Array.from({ length: 1 + chance.below(6) }, () => ({
      value: chance.bytes(chance.below(chance.oneIn(8) ? 200 : 30)),
      timestamp: this.machine.nowMs - chance.below(3_000),
    }));
    const compression = chance.oneIn(4) ? "gzip" : "none";
    const bytes = encodeBatch(records, { compression, codecs });
    if (bytes.length > this.config.segmentBytes) return;
    const result = this.log.append(bytes, { leaderEpoch: this.epoch, origin: "client" });
    assertEquals(result.baseOffset, this.endOffset);
    this.endOffset += records.length;
    assertEquals(result.lastOffset, this.endOffset - 1);
    this.batches.push({
      baseOffset: result.baseOffset,
      lastOffset: result.lastOffset,
      epoch: this.epoch,
      timestamps: records.map((record) => record.timestamp),
      fingerprint: records.map((record) => `${record.timestamp}:${record.value}`).join(";"),
    });
  }

  read(): void {
    const { chance } = this;
    const fetchOffset = this.startOffset + chance.below(this.endOffset - this.startOffset + 1);
    const endOffset = this.startOffset + chance.below(this.endOffset - this.startOffset + 2);
    const maxBytes = chance.below(1_000);
    const minOneBatch = chance.oneIn(2);
    const read = batchesOf(this.log.read({ fetchOffset, maxBytes, endOffset, minOneBatch }));
    const wanted = this.batches.filter((batch) =>
      batch.lastOffset >= fetchOffset && batch.lastOffset < endOffset
    );
    assertEquals(
      read.map((batch) => [batch.baseOffset, batch.partitionLeaderEpoch, fingerprintOf(batch)]),
      wanted.slice(0, read.length).map((batch) => [
        batch.baseOffset,
        batch.epoch,
        batch.fingerprint,
      ]),
    );
    const size = read.reduce((sum, batch) => sum + batch.sizeInBytes, 0);
    assert(size <= maxBytes || minOneBatch && read.length === 1);
    if (minOneBatch && wanted.length > 0) assert(read.length > 0);
  }

  deleteRecords(): void {
    const offset = this.startOffset + this.chance.below(this.endOffset - this.startOffset + 1);
    this.log.deleteRecordsBefore(offset);
    this.begin(offset);
  }

  retain(): void {
    this.machine.nowMs += this.chance.below(3_000);
    const size = this.log.sizeInBytes;
    const deleted = this.log.applyRetention(this.machine.nowMs);
    const { retentionBytes, retentionMs } = this.config;
    // Only deletable segments may be deleted, and none may be left at the start of the log.
    const gone = this.batches.filter((batch) => batch.lastOffset < this.log.logStartOffset);
    const expired = gone.every((batch) =>
      batch.timestamps.every((timestamp) => this.machine.nowMs - timestamp > retentionMs)
    );
    if (deleted > 0 && !expired) {
      assert(
        retentionBytes >= 0 && size > retentionBytes || gone.length === 0 || this.checkpoint > 0,
      );
    }
    if (retentionBytes >= 0) {
      assert(this.log.sizeInBytes < retentionBytes + this.config.segmentBytes);
    }
    if (deleted > 0) this.begin(Math.max(this.startOffset, this.log.logStartOffset));
  }

  begin(offset: number): void {
    this.startOffset = offset;
    this.batches = this.batches.filter((batch) => batch.lastOffset >= offset);
  }

  async truncate(): Promise<void> {
    const offset = this.startOffset + this.chance.below(this.endOffset - this.startOffset + 3);
    await this.log.truncateTo(offset);
    if (offset >= this.endOffset) return;
    const kept = this.batches.filter((batch) => batch.lastOffset < offset);
    const cut = this.batches[kept.length];
    this.endOffset = cut && cut.baseOffset < offset ? cut.baseOffset : offset;
    this.batches = kept;
    if (this.endOffset < this.startOffset) this.startOffset = this.endOffset;
    this.epoch++;
  }

  async restart(): Promise<void> {
    if (this.chance.oneIn(2)) this.log.close();
    // Memory files remain usable after a kill, so make sure that the old process does nothing more.
    await this.pendingWork.settled();
    this.machine = this.machine.kill();
    this.log = this.open();
  }

  /** Returns the first record at or after a time. */
  lookUp(): void {
    const timestamp = this.machine.nowMs - this.chance.below(6_000);
    const records = this.batches.flatMap((batch) =>
      batch.timestamps.map((at, i) => ({ at, offset: batch.baseOffset + i, epoch: batch.epoch }))
    );
    const found = records.find(({ at, offset }) => at >= timestamp && offset >= this.startOffset);
    assertEquals(
      offsetForTimestamp(this.log, timestamp),
      found ? { offset: found.offset, timestamp: found.at, leaderEpoch: found.epoch } : null,
    );
  }

  /** Returns the end of each epoch in the batches. */
  epochs(): void {
    for (const [i, batch] of this.batches.entries()) {
      const next = this.batches.slice(i).find((later) => later.epoch > batch.epoch);
      assertEquals(this.log.endOffsetForEpoch(batch.epoch), {
        leaderEpoch: batch.epoch,
        endOffset: next?.baseOffset ?? this.endOffset,
      });
    }
  }

  check(): void {
    assertEquals(
      [this.log.logStartOffset, this.log.logEndOffset],
      [this.startOffset, this.endOffset],
    );
    assertEquals(
      allBatches(this.log, 1 + this.chance.below(2_000)).map((batch) =>
        `${batch.baseOffset} ${batch.partitionLeaderEpoch} ${fingerprintOf(batch)}`
      ),
      this.batches.map((batch) => `${batch.baseOffset} ${batch.epoch} ${batch.fingerprint}`),
    );
  }

  async step(): Promise<void> {
    const { chance } = this;
    const roll = chance.below(100);
    if (roll < 50) this.append();
    else if (roll < 70) this.read();
    else if (roll < 78) this.lookUp();
    else if (roll < 82) this.log.roll();
    else if (roll < 86) this.retain();
    else if (roll < 89) this.deleteRecords();
    else if (roll < 92) await this.truncate();
    else if (roll < 95) await this.restart();
    else if (roll < 98) this.epochs();
    else this.check();
  }
}

const SEEDS = seedCount(40, 400);

test(`a log behaves like a list of batches, over ${SEEDS} seeds`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const run = new Run(seed);
    run.machine.nowMs = START_MS;
    let step = 0;
    try {
      for (; step < 250; step++) await run.step();
      run.check();
    } catch (error) {
      throw new Error(`seed ${seed}, step ${step}: ${error}`, { cause: error });
    }
    run.log.close();
  }
});
