/**
 * Encodes metadata records into the batches of the metadata log and of its snapshots.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { BatchBuilder } from "../protocol/records/batch.ts";
import type { Pause, Steps } from "../protocol/records/compression/steps.ts";
import { withPauses } from "../protocol/records/compression/steps.ts";
import type { Int64 } from "../protocol/int64.ts";
import { encodeMetadataRecord, type MetadataRecordInput } from "./records/metadata_record.ts";

/** Maximum number of records in a batch: 10,000, as in Apache Kafka. */
export const MAX_RECORDS_PER_BATCH = 10_000;

/** Records that are encoded, decoded or applied between two pauses. */
export const RECORDS_PER_STEP = 64;

/** The size from which {@linkcode encodeBatches} begins another batch. */
const FULL_BATCH_BYTES = 1 << 20;

/** The header of a batch of metadata records. */
export interface RecordBatchOptions {
  /** The leader epoch. */
  readonly epoch: number;
  /** The time of every record, ms since 1970. */
  readonly timestamp: Int64;
  /** The offset of the first record. Defaults to 0; a log assigns offsets when it appends. */
  readonly baseOffset?: number;
}

/**
 * Encodes `records`, at least one and at most {@linkcode MAX_RECORDS_PER_BATCH}, as one batch, which
 * takes effect as a whole.
 */
export function* encodeBatchInSteps(
  records: readonly MetadataRecordInput[],
  options: RecordBatchOptions,
): Steps<Uint8Array<ArrayBuffer>> {
  assert(
    records.length > 0 && records.length <= MAX_RECORDS_PER_BATCH,
    `A metadata batch of ${records.length} records`,
  );
  const builder = builderOf(options);
  for (const record of records) {
    append(builder, record, options);
    if (builder.recordCount % RECORDS_PER_STEP === 0) yield;
  }
  return builder.build();
}

/**
 * Encodes any number of records, which need not take effect at once, such as those of a snapshot or
 * of many elections, as batches with consecutive offsets. Draws a record when it is about to be encoded and awaits `pause`
 * between two steps.
 */
export async function* encodeBatches(
  records: Iterable<MetadataRecordInput>,
  { baseOffset = 0, ...options }: RecordBatchOptions,
  pause: Pause,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const source = records[Symbol.iterator]();
  for (let offset = baseOffset;;) {
    const builder = builderOf({ ...options, baseOffset: offset });
    await withPauses(fill(builder, source, options), pause);
    if (builder.recordCount === 0) return;
    offset += builder.recordCount;
    yield builder.build();
  }
}

/** Appends records until the batch is full or there are no more. */
function* fill(
  builder: BatchBuilder,
  source: Iterator<MetadataRecordInput>,
  options: RecordBatchOptions,
): Steps<void> {
  while (builder.recordCount < MAX_RECORDS_PER_BATCH && builder.sizeInBytes < FULL_BATCH_BYTES) {
    const next = source.next();
    if (next.done === true) return;
    append(builder, next.value, options);
    if (builder.recordCount % RECORDS_PER_STEP === 0) yield;
  }
}

function builderOf({ epoch, baseOffset }: RecordBatchOptions): BatchBuilder {
  return new BatchBuilder({
    partitionLeaderEpoch: epoch,
    ...(baseOffset !== undefined && { baseOffset }),
  });
}

function append(
  builder: BatchBuilder,
  record: MetadataRecordInput,
  { timestamp }: RecordBatchOptions,
): void {
  builder.append({ value: encodeMetadataRecord(record), timestamp });
}
