/**
 * Compacts one log in two passes. The first pass adds the keys of the part that has not been
 * compacted to the {@linkcode OffsetMap}, until the map is full. The second pass rewrites every
 * segment up to that point without the records that have a newer record in the map, and replaces
 * the old segments. The rest of the log is left to the next run.
 *
 * Both passes read asynchronously, process what was read for a fraction of a millisecond, and pause
 * regularly, so that requests are hardly delayed. After each pause they check for changes of the
 * log: appends, deletion of old segments, deletion of the topic.
 *
 * @module
 */
import {
  isControl,
  readAttributes,
  readBaseOffset,
  readLastOffset,
  readRecordCount,
} from "../../protocol/records/batch.ts";
import type { Segment } from "../segments/segment.ts";
import { storageError } from "../storage_error.ts";
import { BatchFilter } from "./batch_filter.ts";
import { BatchReader } from "./batch_reader.ts";
import { type Cleanable, groupSegments } from "./cleanable.ts";
import { CleanedSegment } from "./cleaned_segment.ts";
import type { LogCompaction } from "./log_compaction.ts";
import type { OffsetMap } from "./offset_map.ts";
import { CleaningStopped, type Pacer } from "./pacer.ts";
import { RECORDS_AT_ONCE, RecordWalk } from "./record_walk.ts";
import { TransactionFilter } from "./transaction_filter.ts";

/** The dependencies and settings of a cleaner. */
export interface CleanerOptions {
  readonly log: LogCompaction;
  /** What to compact. */
  readonly cleanable: Cleanable;
  /** An empty map. */
  readonly map: OffsetMap;
  readonly pacer: Pacer;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  /** `log.cleaner.io.buffer.size`: the number of bytes to read at a time. */
  readonly bufferBytes: number;
}

/** The result of one compaction of a log. */
export interface CleaningReport {
  /** The offset up to which the log has been compacted. */
  readonly endOffset: number;
  /** Whether the map was too small for all keys, so that less than `cleanable` was compacted. */
  readonly isPartial: boolean;
  /** The number of bytes of the segments read, and of the segments written. */
  readonly bytesRead: number;
  readonly bytesKept: number;
  /** The number of records read, and of those kept. */
  readonly recordsRead: number;
  readonly recordsKept: number;
  /** The number of distinct keys in the new part. */
  readonly keys: number;
}

/**
 * Compacts a log once. Rejects with {@linkcode CleaningStopped} if the pacer was stopped or the log
 * has changed so that compaction cannot continue, and with a `KafkaError`, a `RecordError` or a
 * `FileError` if its files cannot be read or written. The log stays intact in any case.
 */
export async function cleanLog(options: CleanerOptions): Promise<CleaningReport> {
  return await new Cleaning(options).run();
}

class Cleaning {
  readonly #log: LogCompaction;
  readonly #cleanable: Cleanable;
  readonly #map: OffsetMap;
  readonly #pacer: Pacer;
  readonly #nowMs: number;
  readonly #reader: BatchReader;
  readonly #walk = new RecordWalk();
  /** The segments at the start, and their sizes then. */
  readonly #segments: readonly Segment[];
  readonly #sizes: readonly number[];
  #bytesRead = 0;
  #bytesKept = 0;

  constructor(options: CleanerOptions) {
    this.#log = options.log;
    this.#cleanable = options.cleanable;
    this.#map = options.map;
    this.#pacer = options.pacer;
    this.#nowMs = options.nowMs;
    this.#reader = new BatchReader(options.bufferBytes);
    const { endOffset } = options.cleanable;
    this.#segments = options.log.segments.filter(({ baseOffset }) => baseOffset < endOffset);
    this.#sizes = this.#segments.map(({ size }) => size);
  }

  async run(): Promise<CleaningReport> {
    await this.#pacer.rest();
    await this.#fillMap();
    const endOffset = this.#map.latestOffset + 1;
    const transactions = new TransactionFilter();
    const filter = new BatchFilter({
      newest: this.#map,
      transactions,
      nowMs: this.#nowMs,
      deleteRetentionMs: this.#log.config.deleteRetentionMs,
      lastProduced: (producerId) => this.#log.lastProduced(producerId),
      keptEndOffset: this.#cleanable.endOffset,
      codecs: this.#log.codecs,
      pause: this.#pacer.pause,
    });
    const groups = groupSegments(this.#segments, endOffset, this.#log.config.segmentBytes);
    for (const group of groups) await this.#cleanGroup(group, filter, transactions);
    if (!this.#log.isWritable) throw this.#changed();
    this.#log.markCleaned(endOffset);
    return {
      endOffset,
      isPartial: endOffset < this.#cleanable.endOffset,
      bytesRead: this.#bytesRead,
      bytesKept: this.#bytesKept,
      recordsRead: filter.recordsRead,
      recordsKept: filter.recordsKept,
      keys: this.#map.size,
    };
  }

  /** The first pass. */
  async #fillMap(): Promise<void> {
    const { firstDirtyOffset, endOffset } = this.#cleanable;
    const transactions = new TransactionFilter();
    transactions.expect(this.#log.abortedTransactions(firstDirtyOffset, endOffset));
    for (const [i, segment] of this.#segments.entries()) {
      const segmentEnd = this.#segments[i + 1]?.baseOffset ?? endOffset;
      if (segmentEnd <= firstDirtyOffset) continue;
      this.#check(segment);
      this.#reader.open(
        segment,
        segment.index.locate(Math.max(firstDirtyOffset, segment.baseOffset)),
      );
      while (await this.#fill(segment)) {
        while (this.#reader.next()) {
          if (!await this.#mapBatch(firstDirtyOffset, transactions)) return this.#mustHaveRoom();
          if (this.#pacer.spend(this.#reader.size)) await this.#rest(segment);
        }
      }
      // Offsets missing at the end of the segment have no records.
      this.#map.latestOffset = segmentEnd - 1;
    }
  }

  /** Adds the keys of the current batch to the map. Returns false if the map is full. */
  async #mapBatch(firstDirtyOffset: number, transactions: TransactionFilter): Promise<boolean> {
    const { bytes, at, size } = this.#reader;
    const attributes = readAttributes(bytes, at);
    const isObsolete = transactions.visit(bytes, at);
    const count = readRecordCount(bytes, at);
    if (!isControl(attributes) && !isObsolete && count > 0) {
      const baseOffset = readBaseOffset(bytes, at);
      const walk = this.#walk;
      const { pause } = this.#pacer;
      await walk.beginBatch(bytes, at, size, this.#log.codecs, pause);
      for (let seen = 1; walk.next(); seen++) {
        if (seen % RECORDS_AT_ONCE === 0) await pause();
        const offset = baseOffset + walk.offsetDelta;
        if (walk.keyStart < 0 || offset < firstDirtyOffset) continue;
        if (!this.#map.put(walk.bytes, walk.keyStart, walk.keyEnd, offset)) return false;
      }
    }
    const lastOffset = readLastOffset(bytes, at);
    if (lastOffset >= firstDirtyOffset) this.#map.latestOffset = lastOffset;
    return true;
  }

  #mustHaveRoom(): void {
    if (this.#map.latestOffset >= this.#cleanable.firstDirtyOffset) return;
    throw storageError(
      `Cannot compact ${this.#log.name}`,
      new Error(
        `the keys of the batch at offset ${this.#cleanable.firstDirtyOffset} do not fit into ` +
          `log.cleaner.dedupe.buffer.size, which must be raised`,
      ),
    );
  }

  /** The second pass, over segments that are merged into one. */
  async #cleanGroup(
    group: readonly Segment[],
    filter: BatchFilter,
    transactions: TransactionFilter,
  ): Promise<void> {
    for (const segment of group) this.#check(segment);
    const output = new CleanedSegment(this.#log.createCleaned(group));
    try {
      let hasChanged = group.length > 1;
      for (const segment of group) {
        transactions.expect(
          this.#log.abortedTransactions(segment.baseOffset, segment.nextOffset),
        );
        const isLast = segment === group.at(-1);
        if (await this.#copy(segment, isLast, output, filter)) hasChanged = true;
      }
      output.flush();
      if (!hasChanged) {
        this.#bytesKept += output.segment.size;
        transactions.takeKept();
        return this.#log.discard(output.segment);
      }
      this.#bytesKept += output.segment.size;
      const aborted = transactions.takeKept();
      if (aborted.length > 0) output.segment.aborted.replace(aborted);
      await output.sync();
      for (const segment of group) if (segment.needsSync) await segment.sync();
      const isCurrent = () => group.every((segment) => this.#isCurrent(segment));
      if (!isCurrent() || !await this.#log.replace(group, output.segment, isCurrent)) {
        throw this.#changed();
      }
    } catch (error) {
      if (!this.#log.segments.includes(output.segment)) this.#log.discard(output.segment);
      throw error;
    }
  }

  /** Copies what is kept of `segment`. Returns whether anything was dropped or changed. */
  async #copy(
    segment: Segment,
    isLastSegment: boolean,
    output: CleanedSegment,
    filter: BatchFilter,
  ): Promise<boolean> {
    const reader = this.#reader;
    let hasChanged = false;
    reader.open(segment, 0);
    while (await this.#fill(segment)) {
      while (reader.next()) {
        const { bytes, at, size } = reader;
        // Keep the last batch: its end is where the next segment must start, so a missing segment
        // is noticed.
        const verdict = await filter.judge(bytes, at, size, isLastSegment && reader.isLast);
        let written = 0;
        if (verdict === "keep") written = output.add(bytes, at, size);
        else {
          hasChanged = true;
          if (verdict === "rebuild") written = output.add(filter.rebuilt, 0, filter.rebuilt.length);
        }
        this.#bytesRead += size;
        if (this.#pacer.spend(size + written)) await this.#rest(segment);
      }
      if (output.isDueForSync) {
        await output.sync();
        await this.#rest(segment);
      }
    }
    return hasChanged;
  }

  /** Like {@linkcode BatchReader.fill}, for a segment that may be deleted during the read. */
  async #fill(segment: Segment): Promise<boolean> {
    try {
      return await this.#reader.fill();
    } catch (error) {
      this.#check(segment);
      throw error;
    } finally {
      this.#pacer.resume();
    }
  }

  async #rest(segment: Segment): Promise<void> {
    await this.#pacer.rest();
    this.#check(segment);
  }

  /** Throws unless `segment` is still part of the log and unchanged. */
  #check(segment: Segment): void {
    if (!this.#isCurrent(segment)) throw this.#changed();
  }

  #isCurrent(segment: Segment): boolean {
    const log = this.#log;
    return log.isWritable && log.config.compact && log.segments.includes(segment) &&
      segment.size === this.#sizeOf(segment);
  }

  #changed(): CleaningStopped {
    return new CleaningStopped(`the segments of ${this.#log.name} have changed`);
  }

  #sizeOf(segment: Segment): number {
    return this.#sizes[this.#segments.indexOf(segment)] ?? -1;
  }
}
