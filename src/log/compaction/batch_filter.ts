/**
 * Decides what compaction keeps of one batch. Most batches are kept unchanged or dropped as a
 * whole. In the others, adjacent records that are kept are copied as one piece. Offsets, sequence
 * numbers and the order of records do not change.
 *
 * @module
 */
import { addInt64, type Int64, maxInt64, subtractInt64 } from "../../protocol/int64.ts";
import {
  compressionOf,
  CONTROL_FLAG,
  DELETE_HORIZON_FLAG,
  hasDeleteHorizon,
  type HostCodecs,
  isControl,
  NONE,
  readAttributes,
  readBaseOffset,
  readBaseSequence,
  readBaseTimestamp,
  readBatchSize,
  readLastOffset,
  readLastOffsetDelta,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readProducerEpoch,
  readProducerId,
  readRecordCount,
  RECORDS_OFFSET,
  TIMESTAMP_TYPE_FLAG,
  timestampTypeOf,
  TRANSACTIONAL_FLAG,
  writeBatchHeader,
} from "../../protocol/records/batch.ts";
import { compressInSteps, type Pause } from "../../protocol/records/compression/in_steps.ts";
import {
  sizeOfVarint,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from "../../protocol/records/varint.ts";
import type { OffsetMap } from "./offset_map.ts";
import { RECORDS_AT_ONCE, RecordWalk } from "./record_walk.ts";
import type { TransactionFilter } from "./transaction_filter.ts";

/**
 * The upper bound of a delete horizon's distance, ms: 35,000 years, so that the sum fits 64 bits.
 */
const MAX_RETENTION_MS = 2 ** 50;
/** The number of bytes a record may grow by when its timestamp delta changes. */
const RECORD_GROWTH = 16;
/** The number of bytes to copy between two checks for a pause. */
const BYTES_PER_PAUSE = 262_144;

/**
 * What a producer wrote last. Compaction keeps that batch, so that the producer's state can be
 * rebuilt.
 */
export interface LastProduced {
  /** The last offset of its newest batch of data, or -1 if only a marker is known. */
  readonly lastOffset: number;
  readonly producerEpoch: number;
}

/** The input of a {@linkcode BatchFilter}. */
export interface FilterOptions {
  /** The offset of the newest record of each key. */
  readonly newest: OffsetMap;
  /** The transactions, as of the next batch. */
  readonly transactions: TransactionFilter;
  /** The time, ms since 1970. */
  readonly nowMs: number;
  /**
   * `delete.retention.ms`: how long tombstones and markers are kept after compaction first saw
   * them.
   */
  readonly deleteRetentionMs: number;
  /** Returns what a producer wrote last, or null for a producer without state in this log. */
  readonly lastProduced: (producerId: Int64) => LastProduced | null;
  /**
   * The batch that ends at this offset is kept, even if empty, so that the log keeps its end
   * offset.
   */
  readonly keptEndOffset: number;
  /** The host's compression codecs. */
  readonly codecs: () => HostCodecs;
  /** Called between two steps of the work on a large batch. */
  readonly pause: Pause;
}

/**
 * The decision about a batch: drop it, keep it unchanged, or replace it with {@linkcode
 * BatchFilter.rebuilt}.
 */
export type Verdict = "drop" | "keep" | "rebuild";

/** The values that a rebuilt batch does not take from the original. */
interface Rebuilt {
  /** The number of records kept. */
  readonly count: number;
  /** The largest timestamp for the new header, ms. */
  readonly maxTimestamp: Int64;
  /** Whether this rebuild sets the batch's delete horizon. */
  readonly setsHorizon: boolean;
}

/** Filters the batches of a log, in their order. */
export class BatchFilter {
  /** The number of records seen. */
  recordsRead = 0;
  /** The number of records kept. */
  recordsKept = 0;

  readonly #options: FilterOptions;
  readonly #walk = new RecordWalk();
  /** The start and end positions of the pieces to keep. */
  #pieces = new Uint32Array(64);
  #pieceCount = 0;
  #output = new Uint8Array(0);
  #outputLength = 0;

  /** Creates a filter for one pass over a log. */
  constructor(options: FilterOptions) {
    this.#options = options;
  }

  /**
   * The replacement for the last batch, after the verdict "rebuild". Valid until the next batch.
   */
  get rebuilt(): Uint8Array {
    return this.#output.subarray(0, this.#outputLength);
  }

  /**
   * Decides about the batch at `at` of `bytes`, whose checksum has been verified. With `isLast`, it
   * is kept even if empty: it marks the end of its segment. Rejects with a `RecordError` for
   * records that cannot be read, and with the errors of `pause`.
   */
  async judge(bytes: Uint8Array, at: number, size: number, isLast: boolean): Promise<Verdict> {
    const { transactions, nowMs } = this.#options;
    const attributes = readAttributes(bytes, at);
    const isObsolete = transactions.visit(bytes, at);
    const mustStay = isLast || this.#mustStay(bytes, at, attributes);
    if (isControl(attributes)) {
      const hasHorizon = hasDeleteHorizon(attributes);
      const isDue = isObsolete && hasHorizon && readBaseTimestamp(bytes, at) <= nowMs;
      if (isDue || readRecordCount(bytes, at) === 0) return this.#empty(bytes, at, mustStay);
      this.recordsRead++;
      this.recordsKept++;
      if (!isObsolete || hasHorizon) return "keep";
      this.#pieceCount = 0;
      this.#keepPiece(at + RECORDS_OFFSET, at + size);
      return await this.#rebuild(bytes, at, bytes, {
        count: readRecordCount(bytes, at),
        maxTimestamp: readMaxTimestamp(bytes, at),
        setsHorizon: true,
      });
    }
    if (isObsolete || readRecordCount(bytes, at) === 0) return this.#empty(bytes, at, mustStay);
    if (readBaseOffset(bytes, at) > this.#options.newest.latestOffset) return "keep";
    return await this.#judgeRecords(bytes, at, size, mustStay);
  }

  /** Returns whether the batch's header is still needed, even without records. */
  #mustStay(bytes: Uint8Array, at: number, attributes: number): boolean {
    const lastOffset = readLastOffset(bytes, at);
    if (lastOffset + 1 === this.#options.keptEndOffset) return true;
    const producerId = readProducerId(bytes, at);
    const last = producerId < 0 ? null : this.#options.lastProduced(producerId);
    if (last === null) return false;
    return last.lastOffset >= 0
      ? lastOffset === last.lastOffset
      : isControl(attributes) && readProducerEpoch(bytes, at) === last.producerEpoch;
  }

  async #judgeRecords(
    bytes: Uint8Array,
    at: number,
    size: number,
    mustStay: boolean,
  ): Promise<Verdict> {
    const { newest, nowMs, codecs, pause } = this.#options;
    const { latestOffset } = newest;
    const count = readRecordCount(bytes, at);
    const baseOffset = readBaseOffset(bytes, at);
    const baseTimestamp = readBaseTimestamp(bytes, at);
    const attributes = readAttributes(bytes, at);
    const hasHorizon = hasDeleteHorizon(attributes);
    const keepsTombstones = !hasHorizon || nowMs < baseTimestamp;
    const walk = this.#walk;
    await walk.beginBatch(bytes, at, size, codecs, pause);
    const records = walk.bytes;
    let seen = 0;
    let kept = 0;
    let maxTimestamp: Int64 = NONE;
    let hasTombstone = false;
    this.#pieceCount = 0;
    while (walk.next()) {
      if (++seen % RECORDS_AT_ONCE === 0) await pause();
      const offset = baseOffset + walk.offsetDelta;
      const stays = offset > latestOffset ||
        (walk.keyStart >= 0 && (walk.hasValue || keepsTombstones) &&
          offset >= newest.get(records, walk.keyStart, walk.keyEnd));
      if (!stays) continue;
      kept++;
      if (!walk.hasValue) hasTombstone = true;
      maxTimestamp = maxInt64(maxTimestamp, addInt64(baseTimestamp, walk.timestampDelta));
      this.#keepPiece(walk.start, walk.end);
    }
    this.recordsRead += count;
    this.recordsKept += kept;
    if (kept === 0) return this.#empty(bytes, at, mustStay);
    if (kept === count && !(hasTombstone && !hasHorizon)) return "keep";
    return await this.#rebuild(bytes, at, records, {
      count: kept,
      maxTimestamp: timestampTypeOf(attributes) === "LogAppendTime"
        ? readMaxTimestamp(bytes, at)
        : maxTimestamp,
      setsHorizon: hasTombstone && !hasHorizon,
    });
  }

  #keepPiece(start: number, end: number): void {
    const pieces = this.#pieces;
    const last = this.#pieceCount * 2 - 1;
    if (last > 0 && pieces[last] === start) {
      pieces[last] = end;
      return;
    }
    if (last + 2 >= pieces.length) {
      this.#pieces = new Uint32Array(pieces.length * 2);
      this.#pieces.set(pieces);
    }
    this.#pieces[last + 1] = start;
    this.#pieces[last + 2] = end;
    this.#pieceCount++;
  }

  /** Builds a batch from the kept pieces of `records`. */
  async #rebuild(
    bytes: Uint8Array,
    at: number,
    records: Uint8Array,
    { count, maxTimestamp, setsHorizon }: Rebuilt,
  ): Promise<Verdict> {
    const attributes = readAttributes(bytes, at);
    const compression = compressionOf(attributes);
    const baseTimestamp = readBaseTimestamp(bytes, at);
    const { nowMs, deleteRetentionMs, codecs, pause } = this.#options;
    const newBase = setsHorizon
      ? nowMs + Math.min(deleteRetentionMs, MAX_RETENTION_MS)
      : baseTimestamp;
    this.#outputLength = RECORDS_OFFSET;
    if (setsHorizon) await this.#copyShifted(records, count, subtractInt64(baseTimestamp, newBase));
    else await this.#copyPieces(records);
    if (compression !== "none") {
      const unpacked = this.#output.subarray(RECORDS_OFFSET, this.#outputLength);
      const packed = await compressInSteps(compression, unpacked, codecs(), pause);
      this.#outputLength = RECORDS_OFFSET;
      this.#reserve(packed.length);
      this.#output.set(packed, RECORDS_OFFSET);
      this.#outputLength += packed.length;
    }
    writeBatchHeader(this.#output, 0, {
      baseOffset: readBaseOffset(bytes, at),
      sizeInBytes: this.#outputLength,
      partitionLeaderEpoch: readPartitionLeaderEpoch(bytes, at),
      attributes: setsHorizon ? attributes | DELETE_HORIZON_FLAG : attributes,
      lastOffsetDelta: readLastOffsetDelta(bytes, at),
      baseTimestamp: newBase,
      maxTimestamp,
      producerId: readProducerId(bytes, at),
      producerEpoch: readProducerEpoch(bytes, at),
      baseSequence: readBaseSequence(bytes, at),
      recordCount: count,
    });
    return "rebuild";
  }

  /**
   * Copies records unchanged: their deltas remain valid, since the base offset and base timestamp
   * stay.
   */
  async #copyPieces(records: Uint8Array): Promise<void> {
    let copied = 0;
    for (let piece = 0; piece < this.#pieceCount; piece++) {
      const end = this.#pieces[piece * 2 + 1]!;
      for (let start = this.#pieces[piece * 2]!; start < end;) {
        const part = records.subarray(start, Math.min(end, start + BYTES_PER_PAUSE));
        this.#reserve(part.length);
        this.#output.set(part, this.#outputLength);
        this.#outputLength += part.length;
        start += part.length;
        copied += part.length;
        if (copied < BYTES_PER_PAUSE) continue;
        copied = 0;
        await this.#options.pause();
      }
    }
  }

  /** Copies records, with `shift` added to their timestamp deltas. */
  async #copyShifted(records: Uint8Array, count: number, shift: Int64): Promise<void> {
    const walk = this.#walk;
    let left = count;
    for (let piece = 0; piece < this.#pieceCount; piece++) {
      let at = this.#pieces[piece * 2]!;
      const end = this.#pieces[piece * 2 + 1]!;
      while (at < end) {
        walk.begin(records, at, end, left--);
        walk.next();
        if (left % RECORDS_AT_ONCE === 0) await this.#options.pause();
        at = walk.end;
        const delta = addInt64(walk.timestampDelta, shift);
        const bodyLength = walk.end - walk.bodyStart;
        const size = 1 + sizeOfVarlong(delta) + sizeOfVarint(walk.offsetDelta) + bodyLength;
        this.#reserve(size + RECORD_GROWTH);
        const output = this.#output;
        let to = writeVarint(output, this.#outputLength, size);
        output[to++] = walk.attributes;
        to = writeVarlong(output, to, delta);
        to = writeVarint(output, to, walk.offsetDelta);
        output.set(records.subarray(walk.bodyStart, walk.end), to);
        this.#outputLength = to + bodyLength;
      }
    }
  }

  /** Reduces the batch to its header if `mustStay`. */
  #empty(bytes: Uint8Array, at: number, mustStay: boolean): Verdict {
    if (!mustStay) return "drop";
    if (readBatchSize(bytes, at) === RECORDS_OFFSET) return "keep";
    const attributes = readAttributes(bytes, at);
    this.#outputLength = 0;
    this.#reserve(RECORDS_OFFSET);
    this.#outputLength = RECORDS_OFFSET;
    writeBatchHeader(this.#output, 0, {
      baseOffset: readBaseOffset(bytes, at),
      sizeInBytes: RECORDS_OFFSET,
      partitionLeaderEpoch: readPartitionLeaderEpoch(bytes, at),
      attributes: attributes & (TIMESTAMP_TYPE_FLAG | TRANSACTIONAL_FLAG | CONTROL_FLAG),
      lastOffsetDelta: readLastOffsetDelta(bytes, at),
      baseTimestamp: -1,
      // The producer's expiration depends on it. Without records, no lookup by timestamp uses it.
      maxTimestamp: readProducerId(bytes, at) < 0 ? -1 : readMaxTimestamp(bytes, at),
      producerId: readProducerId(bytes, at),
      producerEpoch: readProducerEpoch(bytes, at),
      baseSequence: readBaseSequence(bytes, at),
      recordCount: 0,
    });
    return "rebuild";
  }

  #reserve(more: number): void {
    const needed = this.#outputLength + more;
    if (needed <= this.#output.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#output.length * 2, 4_096));
    grown.set(this.#output.subarray(0, this.#outputLength));
    this.#output = grown;
  }
}
