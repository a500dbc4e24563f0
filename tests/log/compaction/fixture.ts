/**
 * Shared by the tests of compaction: a log without the rest of a partition, to which tests write
 * batches directly and which they compact explicitly.
 *
 * @module
 */
import { findCleanable } from "../../../src/log/compaction/cleanable.ts";
import { type CleaningReport, cleanLog } from "../../../src/log/compaction/cleaner.ts";
import { KeyDigest } from "../../../src/log/compaction/key_digest.ts";
import type { LastProduced } from "../../../src/log/compaction/batch_filter.ts";
import { LogCompaction } from "../../../src/log/compaction/log_compaction.ts";
import { OffsetMap } from "../../../src/log/compaction/offset_map.ts";
import { Pacer } from "../../../src/log/compaction/pacer.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { OpenSegments } from "../../../src/log/segments/open_segments.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { SegmentList } from "../../../src/log/segments/segment_list.ts";
import type { Int64 } from "../../../src/protocol/int64.ts";
import type { AbortedTransaction } from "../../../src/log/segments/transaction_index_format.ts";
import {
  type BatchOptions,
  decodeBatch,
  type DecodedBatch,
  encodeBatch,
  readLastOffset,
  readMaxTimestamp,
  type RecordInput,
  splitBatches,
} from "../../../src/protocol/records/batch.ts";
import {
  encodeControlRecordKey,
  encodeEndTransactionMarker,
} from "../../../src/protocol/records/control_record.ts";
import { codecs, Machine, START_MS } from "../fixture.ts";

export { codecs, START_MS } from "../fixture.ts";

/** The directory of {@linkcode TestLog}. */
export const DIRECTORY = "/data/events-0";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A key and a value as text; a value of null is a tombstone. */
export type Pair = readonly [key: string | null, value: string | null];

/** A log for tests of compaction. */
export class TestLog {
  readonly machine: Machine;
  readonly segments: SegmentList;
  readonly compaction: LogCompaction;
  config: LogConfig;
  /** What producers wrote last, by producer id. */
  readonly producers = new Map<number, LastProduced>();
  /** All aborted transactions. */
  readonly aborted: AbortedTransaction[] = [];
  /** The offset that the checkpoint would hold. */
  storedCleanedOffset = 0;
  isWritable = true;

  constructor(config: Partial<LogConfig> = {}, machine: Machine = new Machine()) {
    this.config = {
      ...DEFAULT_LOG_CONFIG,
      compact: true,
      delete: false,
      fileDeleteDelayMs: 0,
      ...config,
    };
    this.machine = machine;
    const { runtime } = machine;
    if (!runtime.files.exists(DIRECTORY)) runtime.files.makeDirectory(DIRECTORY);
    this.segments = new SegmentList(runtime, DIRECTORY, new OpenSegments());
    const isWritable = () => this.isWritable;
    this.compaction = new LogCompaction({
      name: "events-0",
      runtime,
      codecs: () => codecs,
      segments: this.segments,
      config: this.config,
      logStartOffset: 0,
      truncation: null,
      get isWritable() {
        return isWritable();
      },
      producers: {
        lastProduced: (producerId) => this.producers.get(Number(producerId)) ?? null,
      },
      abortedTransactions: (startOffset, endOffset) =>
        this.aborted.filter(({ firstOffset, lastOffset }) =>
          lastOffset >= startOffset && firstOffset < endOffset
        ),
      checkpoints: {
        saveCleanedOffset: () => this.storedCleanedOffset = this.compaction.cleanedOffset,
      },
    }, 0);
    if (this.segments.all.length === 0) this.segments.add(0, this.config);
  }

  get nextOffset(): number {
    return this.segments.active.nextOffset;
  }

  /** Writes a batch of records at the end. Returns its base offset. */
  write(pairs: readonly Pair[], options: BatchOptions & { timestamp?: number } = {}): number {
    return this.append(batchOf(pairs, { ...options, baseOffset: this.nextOffset }));
  }

  /** Writes the marker that ends a producer's transaction. */
  mark(type: "commit" | "abort", producerId: Int64, producerEpoch = 0): number {
    return this.append(
      encodeBatch(
        [{
          key: encodeControlRecordKey(type),
          value: encodeEndTransactionMarker(0),
          timestamp: this.machine.nowMs,
        }],
        {
          baseOffset: this.nextOffset,
          isControl: true,
          isTransactional: true,
          producerId,
          producerEpoch,
        },
      ),
    );
  }

  append(batch: Uint8Array): number {
    const { active } = this.segments;
    const baseOffset = active.nextOffset;
    active.write(batch);
    active.addBatch(batch.length, baseOffset, readLastOffset(batch, 0), readMaxTimestamp(batch, 0));
    return baseOffset;
  }

  /** Closes the active segment. */
  roll(): void {
    this.segments.roll(this.config);
  }

  /** Compacts all closed segments. Resolves to null if there is nothing to compact. */
  async clean(
    options: {
      maxBytes?: number;
      sliceBytes?: number;
      lastStableOffset?: number;
      pacer?: Pacer;
    } = {},
  ): Promise<CleaningReport | null> {
    const { machine, compaction } = this;
    const cleanable = findCleanable({
      segments: this.segments.all,
      config: this.config,
      logStartOffset: 0,
      logEndOffset: this.nextOffset,
      cleanedOffset: compaction.cleanedOffset,
      lastStableOffset: options.lastStableOffset ?? this.nextOffset,
      nowMs: machine.nowMs,
    });
    if (cleanable === null) return null;
    return await cleanLog({
      log: compaction,
      cleanable,
      map: new OffsetMap(new KeyDigest(new Uint8Array(16).fill(3)), {
        maxBytes: options.maxBytes ?? 1_048_576,
        loadFactor: 0.9,
      }),
      pacer: options.pacer ?? new Pacer({
        clock: machine.runtime.clock,
        maxBytesPerSecond: () => Infinity,
        sliceBytes: options.sliceBytes ?? 1_000_000,
        pauseMs: 0,
      }),
      nowMs: machine.nowMs,
      bufferBytes: 4_096,
    });
  }

  /** Returns all batches, after verification of their checksums. */
  batches(): DecodedBatch[] {
    return this.segments.all.flatMap((segment) => {
      const bytes = new Uint8Array(segment.size);
      if (bytes.length > 0) segment.file.readAt(bytes, 0);
      return [...splitBatches(bytes)].map(({ start }) => decodeBatch(bytes, start, { codecs }));
    });
  }

  /** Returns all data records as `offset:key=value`. */
  records(): string[] {
    return this.batches().flatMap(textsOf);
  }

  /** Returns the sorted file names. */
  files(): string[] {
    return this.machine.files.list(DIRECTORY).map(({ name }) => name).sort();
  }
}

/** Compacts all closed segments of a partition's log. Rejects like `cleanLog`. */
export async function compactLog(log: PartitionLog, machine: Machine): Promise<void> {
  const { compaction } = log;
  const cleanable = findCleanable({
    segments: compaction.segments,
    config: log.config,
    logStartOffset: log.logStartOffset,
    logEndOffset: log.logEndOffset,
    cleanedOffset: compaction.cleanedOffset,
    lastStableOffset: log.logEndOffset,
    nowMs: machine.nowMs,
  });
  await cleanLog({
    log: compaction,
    cleanable: cleanable!,
    map: new OffsetMap(new KeyDigest(new Uint8Array(16)), { maxBytes: 65_536, loadFactor: 0.9 }),
    pacer: new Pacer({
      clock: machine.runtime.clock,
      maxBytesPerSecond: () => Infinity,
      pauseMs: 0,
    }),
    nowMs: machine.nowMs,
    bufferBytes: 4_096,
  });
}

/** Encodes a batch of `pairs`. */
export function batchOf(
  pairs: readonly Pair[],
  options: BatchOptions & { timestamp?: number } = {},
): Uint8Array<ArrayBuffer> {
  const records: RecordInput[] = pairs.map(([key, value], i) => ({
    key: key === null ? null : encoder.encode(key),
    value: value === null ? null : encoder.encode(value),
    timestamp: (options.timestamp ?? START_MS) + i,
    headers: i % 2 === 0 ? [] : [{ key: "h", value: encoder.encode(String(i)) }],
  }));
  return encodeBatch(records, { codecs, ...options });
}

/** Returns the records of a batch as `offset:key=value`, or none for a control batch. */
export function textsOf(batch: DecodedBatch): string[] {
  if (batch.isControl) return [];
  return batch.records.map(({ offset, key, value }) =>
    `${offset}:${key === null ? "" : decoder.decode(key)}=${
      value === null ? "null" : decoder.decode(value)
    }`
  );
}
