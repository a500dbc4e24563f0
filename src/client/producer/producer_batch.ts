/**
 * A batch of records for one partition, with their completions.
 *
 * @module
 */
import type { HostCodecs } from "../../runtime/runtime.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { BatchBuilder, type BatchOptions, type RecordInput } from "../../protocol/records/batch.ts";
import type { CompressionType } from "../../protocol/records/compression/codec.ts";

/** The position of a written record. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /**
   * The record's offset, or -1 if unknown (acks 0, or a duplicate that the broker no longer
   * tracks).
   */
  readonly offset: number;
  /**
   * Milliseconds since 1970: the record's timestamp, or the broker's if the topic uses
   * LogAppendTime. Beyond 2^53 the nearest `number`.
   */
  readonly timestamp: number;
}

/** The callbacks of a record. */
export interface Completion {
  resolve(metadata: RecordMetadata): void;
  reject(error: Error): void;
}

/** Maximum size of a record beside its key, value and headers. */
const RECORD_OVERHEAD = 32;

/** Returns the maximum number of bytes that `record` adds to a batch. */
export function recordSize(record: RecordInput): number {
  let size = RECORD_OVERHEAD + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (record.headers !== undefined) {
    // A character has at most three bytes in UTF-8.
    for (const { key, value } of record.headers) size += 10 + key.length * 3 + (value?.length ?? 0);
  }
  return size;
}

/** The producer id and epoch, which make retries idempotent. */
export interface ProducerIdentity {
  readonly producerId: Int64;
  readonly producerEpoch: number;
}

/** Records for one partition. Accepts records until it is sent. */
export class ProducerBatch {
  readonly #builder: BatchBuilder;
  /** Read by the builder when it builds the batch. */
  readonly #options: { -readonly [K in keyof BatchOptions]: BatchOptions[K] };
  readonly #completions: (Completion | null)[] = [];
  readonly #timestamps: Int64[] = [];
  #bytes: Uint8Array | null = null;
  #whenDone: Promise<void> | null = null;
  #markDone: (() => void) | null = null;
  #isDone = false;
  /** Number of failed attempts to send the batch. */
  attempts = 0;
  /** Whether the broker may have written the batch without a response. */
  isUncertain = false;
  /** The first record's sequence number, or -1 if not numbered. */
  baseSequence = -1;
  /** The error of the last attempt. */
  lastError: Error | null = null;

  constructor(
    /** Time of creation by the monotonic clock. */
    readonly createdAtMs: number,
    compression: CompressionType,
    codecs: HostCodecs | undefined,
  ) {
    this.#options = { compression, ...(codecs === undefined ? {} : { codecs }) };
    this.#builder = new BatchBuilder(this.#options);
  }

  /** Number of records. */
  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** Size before compression. */
  get sizeInBytes(): number {
    return this.#builder.sizeInBytes;
  }

  /** Adds a record. */
  append(record: RecordInput, completion: Completion | null): void {
    this.#builder.append(record);
    this.#completions.push(completion);
    this.#timestamps.push(record.timestamp);
  }

  /** Sets the identity and sequence number. The encoded batch is kept if they are unchanged. */
  assignSequence(identity: ProducerIdentity, baseSequence: number): void {
    const options = this.#options;
    if (this.baseSequence === baseSequence && options.producerId === identity.producerId) return;
    options.producerId = identity.producerId;
    options.producerEpoch = identity.producerEpoch;
    options.baseSequence = this.baseSequence = baseSequence;
    this.#bytes = null;
  }

  /** Clears the sequence number. The batch is numbered again when it is sent again. */
  clearSequence(): void {
    this.baseSequence = -1;
  }

  /** Returns the encoded batch. */
  bytes(): Uint8Array {
    return this.#bytes ??= this.#builder.build();
  }

  /** Resolves all records with their positions. */
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

  /** Rejects all records with the same error. */
  fail(error: Error): void {
    for (const completion of this.#completions) completion?.reject(error);
    this.#done();
  }

  /** Rejects each record with the error that `errorOf` returns for its index in the batch. */
  failEach(errorOf: (batchIndex: number) => Error): void {
    this.#completions.forEach((completion, index) => completion?.reject(errorOf(index)));
    this.#done();
  }

  /** Resolves when the batch has succeeded or failed. */
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
