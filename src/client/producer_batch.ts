/**
 * Records that go to one partition together, and who waits for them.
 *
 * @module
 */
import type { HostCodecs } from "../runtime/runtime.ts";
import type { Int64 } from "../protocol/int64.ts";
import { BatchBuilder, type BatchOptions, type RecordInput } from "../protocol/records/batch.ts";
import type { CompressionType } from "../protocol/records/compression/codec.ts";

/** Where a record was written. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** The record's offset, or -1 when the broker did not tell (acks 0, or a duplicate it forgot). */
  readonly offset: number;
  /**
   * Milliseconds since 1970: the record's own, or the broker's where the topic says so. Beyond 2^53 the
   * nearest `number`.
   */
  readonly timestamp: number;
}

/** Who waits for a record. */
export interface Completion {
  resolve(metadata: RecordMetadata): void;
  reject(error: Error): void;
}

/** Beyond its key and value a record takes at most this many bytes, headers aside. */
const RECORD_OVERHEAD = 32;

/** The most bytes that `record` adds to a batch. */
export function recordSize(record: RecordInput): number {
  let size = RECORD_OVERHEAD + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (record.headers !== undefined) {
    // A character takes at most three bytes of UTF-8.
    for (const { key, value } of record.headers) size += 10 + key.length * 3 + (value?.length ?? 0);
  }
  return size;
}

/** Who a batch comes from: what makes retries safe. */
export interface ProducerIdentity {
  readonly producerId: Int64;
  readonly producerEpoch: number;
}

/** Records for one partition, open for more until it is sent. */
export class ProducerBatch {
  readonly #builder: BatchBuilder;
  /** Read by the builder when it builds. */
  readonly #options: { -readonly [K in keyof BatchOptions]: BatchOptions[K] };
  readonly #completions: (Completion | null)[] = [];
  readonly #timestamps: Int64[] = [];
  #bytes: Uint8Array | null = null;
  #whenDone: Promise<void> | null = null;
  #markDone: (() => void) | null = null;
  #isDone = false;
  /** How often it was sent and did not arrive. */
  attempts = 0;
  /** Whether the broker may have it although no answer said so. */
  isUncertain = false;
  /** The first record's sequence number, -1 before it has one. */
  baseSequence = -1;
  /** The error of the last attempt. */
  lastError: Error | null = null;

  constructor(
    /** When it was opened, by the monotonic clock. */
    readonly createdAtMs: number,
    compression: CompressionType,
    codecs: HostCodecs | undefined,
  ) {
    this.#options = { compression, ...(codecs === undefined ? {} : { codecs }) };
    this.#builder = new BatchBuilder(this.#options);
  }

  /** How many records it holds. */
  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** Its size before compression. */
  get sizeInBytes(): number {
    return this.#builder.sizeInBytes;
  }

  /** Adds a record. */
  append(record: RecordInput, completion: Completion | null): void {
    this.#builder.append(record);
    this.#completions.push(completion);
    this.#timestamps.push(record.timestamp);
  }

  /** Numbers the batch. Nothing is built anew when it has that number already. */
  number(identity: ProducerIdentity, baseSequence: number): void {
    const options = this.#options;
    if (this.baseSequence === baseSequence && options.producerId === identity.producerId) return;
    options.producerId = identity.producerId;
    options.producerEpoch = identity.producerEpoch;
    options.baseSequence = this.baseSequence = baseSequence;
    this.#bytes = null;
  }

  /** Takes its number away: it gets a new one when it is sent again. */
  unnumber(): void {
    this.baseSequence = -1;
  }

  /** The batch as it goes on the wire. */
  bytes(): Uint8Array {
    return this.#bytes ??= this.#builder.build();
  }

  /** Tells everyone who waits where the records are. */
  succeed(topic: string, partition: number, baseOffset: number, logAppendTimeMs: Int64): void {
    this.#completions.forEach((completion, index) =>
      completion?.resolve({
        topic,
        partition,
        offset: baseOffset < 0 ? -1 : baseOffset + index,
        timestamp: Number(logAppendTimeMs >= 0 ? logAppendTimeMs : this.#timestamps[index]!),
      })
    );
    this.#done();
  }

  /** Tells everyone who waits that the records were not written, or that nobody knows. */
  fail(error: Error): void {
    for (const completion of this.#completions) completion?.reject(error);
    this.#done();
  }

  /** Rejects each record with the error that `errorOf` returns for its index in the batch. */
  failEach(errorOf: (batchIndex: number) => Error): void {
    this.#completions.forEach((completion, index) => completion?.reject(errorOf(index)));
    this.#done();
  }

  /** Resolves when it has succeeded or failed. */
  whenDone(): Promise<void> {
    if (this.#isDone) return Promise.resolve();
    return this.#whenDone ??= new Promise((resolve) => this.#markDone = resolve);
  }

  #done(): void {
    this.#isDone = true;
    this.#bytes = null;
    this.#markDone?.();
  }
}
