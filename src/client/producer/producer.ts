/**
 * The producer: accepts records by {@linkcode Producer.send} or as a Web Stream and sends them in
 * batches to the leaders of the partitions.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { MAX_INT64, MIN_INT64, toInt64 } from "../../protocol/int64.ts";
import type { RecordHeader } from "../../protocol/records/batch_decode.ts";
import type { RecordInput } from "../../protocol/records/batch_encode.ts";
import type { HostCodecs, Runtime } from "../../runtime/runtime.ts";
import { ClusterClient } from "../cluster/cluster_client.ts";
import { closedError } from "../errors.ts";
import { partitionForKey, StickyPartitioner } from "./partitioner.ts";
import { PartitionQueue } from "./partition_queue.ts";
import {
  type Completion,
  ProducerBatch,
  type RecordMetadata,
  recordSize,
} from "./producer_batch.ts";
import {
  type ProducerOptions,
  type ProducerSettings,
  producerSettings,
} from "./producer_options.ts";
import { ProducerSender } from "./producer_sender.ts";

export type { ProducerOptions, RecordMetadata };

/** A record to send. */
export interface ProducerRecord {
  readonly topic: string;
  /** Records with the same key go to the same partition. Strings are sent as UTF-8. */
  readonly key?: string | Uint8Array | null;
  /** Strings are sent as UTF-8; null is a tombstone in a compacted topic. */
  readonly value?: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array | null>>;
  /** The partition. Defaults to one selected by the key. */
  readonly partition?: number;
  /**
   * Milliseconds since 1970. Defaults to now. Any 64-bit integer is allowed, as a `bigint` beyond
   * 2^53; topics limit it by `message.timestamp.after.max.ms`.
   */
  readonly timestamp?: number | bigint;
}

/** The state of a topic that records are sent to. */
interface TopicState {
  readonly name: string;
  /** 0 while unknown. */
  partitionCount: number;
  readonly queues: PartitionQueue[];
  readonly sticky: StickyPartitioner;
  /** Records waiting for the metadata of the topic. */
  readonly waiting: WaitingRecord[];
}

/** A record whose topic is still unknown. Its `size` counts as buffered bytes. */
interface WaitingRecord {
  readonly record: ProducerRecord;
  readonly input: RecordInput;
  readonly size: number;
  readonly completion: Completion;
}

const utf8 = new TextEncoder();
/** `send` rejects records beyond this multiple of `bufferBytes`. */
const HARD_LIMIT_FACTOR = 8;

/**
 * Sends records to topics. Records of the same partition are collected in batches, several batches are
 * in flight at once, and failed batches are sent again, by default without duplicates or reordering.
 *
 * `send` never blocks. To limit the memory used, await {@linkcode ready} between records or write to
 * {@linkcode writable}, which applies backpressure.
 *
 * Failures are {@linkcode KafkaError}s; calls on a closed producer and invalid options are
 * `TypeError`s.
 *
 * @example One record
 * ```ts
 * import { Producer, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster();
 * await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
 * const { partition, offset } = await producer.send({ topic: "events", key: "k", value: "hello" });
 * console.log(partition, offset); // 0 0
 * ```
 *
 * @example A stream of records
 * ```ts
 * import { Producer, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster();
 * await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
 * const source = new ReadableStream({
 *   start(controller) {
 *     for (const value of ["a", "b", "c"]) controller.enqueue({ topic: "events", value });
 *     controller.close();
 *   },
 * });
 * await source.pipeTo(producer.writable); // resolves when all three are written
 * ```
 */
export class Producer implements AsyncDisposable {
  /**
   * Accepts records with backpressure. Closing the stream flushes the records but does not close
   * the producer. A record that cannot be delivered errors the stream.
   */
  readonly writable: WritableStream<ProducerRecord>;
  readonly #client: ClusterClient;
  readonly #settings: ProducerSettings;
  readonly #topics = new Map<string, TopicState>();
  readonly #runtime: Runtime;
  readonly #codecs: HostCodecs | undefined;
  readonly #sender: ProducerSender;
  #bufferedBytes = 0;
  #ready: Promise<void> | null = null;
  #resolveReady: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  /**
   * Creates a producer, which connects on the first record. Throws a TypeError for invalid options.
   */
  constructor(options: ProducerOptions) {
    this.#settings = producerSettings(options);
    this.#client = new ClusterClient(options);
    const { runtime } = this.#client;
    this.#runtime = runtime;
    const { compression } = this.#settings;
    const needsHost = compression === "gzip" || compression === "zstd";
    this.#codecs = needsHost ? runtime.codecs() : undefined;
    this.#sender = new ProducerSender(this.#client, runtime, this.#settings, (batch) => {
      this.#release(batch.sizeInBytes);
    });
    this.writable = this.#makeWritable();
  }

  /**
   * Creates a producer that has already connected to a broker, so that a wrong address is reported
   * at once instead of with the first record. Rejects with a {@linkcode KafkaError}.
   */
  static async connect(options: ProducerOptions): Promise<Producer> {
    const producer = new Producer(options);
    try {
      await producer.#client.anyBroker();
      return producer;
    } catch (error) {
      await producer.close();
      throw error;
    }
  }

  /**
   * Resolves when the buffer has space: at once, or when enough buffered records have been written.
   */
  get ready(): Promise<void> {
    return this.#ready ?? Promise.resolve();
  }

  /** Number of bytes of records that are accepted but not yet written. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Sends a record. Resolves when it is written as required by `acks`. Records of one producer for
   * one partition are written in the order of the calls.
   *
   * Rejects with a {@linkcode KafkaError}: an error of the cluster, `REQUEST_TIMED_OUT` if the
   * record could not be delivered in time, or `MESSAGE_TOO_LARGE` if it exceeds `maxRequestBytes`.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => this.#take(record, { resolve, reject }));
  }

  /** Resolves when every record accepted so far has been written or has failed. Never rejects. */
  async flush(): Promise<void> {
    const topics = [...this.#topics.values()].filter(({ waiting }) => waiting.length > 0);
    await Promise.all(topics.map((topic) => this.#resolveTopic(topic)));
    await this.#sender.flush();
  }

  /** Flushes all records and closes all connections. May be called twice. */
  close(): Promise<void> {
    return this.#closing ??= this.flush().finally(() => {
      this.#sender.abort(closedError("send with this producer"));
      this.#client.close();
    });
  }

  /** Calls {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(record: ProducerRecord, completion: Completion): void {
    if (this.#closing !== null) return completion.reject(closedError("send with this producer"));
    const { timestamp } = record;
    if (timestamp !== undefined && !isTimestamp(timestamp)) {
      return completion.reject(wrongTimestamp(record.topic, timestamp));
    }
    if (this.#bufferedBytes > this.#settings.bufferBytes * HARD_LIMIT_FACTOR) {
      return completion.reject(bufferFull(record.topic, this.#bufferedBytes));
    }
    const topic = this.#topics.get(record.topic);
    if (topic !== undefined && topic.partitionCount > 0) {
      this.#enqueue(topic, record, toInput(record, this.#runtime.clock.now()), completion);
    } else this.#wait(record, completion);
  }

  /** Queues a record until the partitions of its topic are known. */
  #wait(record: ProducerRecord, completion: Completion): void {
    let topic = this.#topics.get(record.topic);
    if (topic === undefined) {
      topic = {
        name: record.topic,
        partitionCount: 0,
        queues: [],
        sticky: new StickyPartitioner(this.#runtime.random, this.#settings.batchSize),
        waiting: [],
      };
      this.#topics.set(record.topic, topic);
    }
    const input = toInput(record, this.#runtime.clock.now());
    const size = recordSize(input);
    topic.waiting.push({ record, input, size, completion });
    this.#buffer(size);
    if (topic.waiting.length === 1) this.#resolveTopic(topic);
  }

  /**
   * Looks up the partitions of a topic and sends its waiting records, or fails them. Never rejects.
   */
  async #resolveTopic(topic: TopicState): Promise<void> {
    try {
      const info = await this.#client.topic(topic.name, true);
      topic.partitionCount = info.partitions.length;
      for (const { record, input, size, completion } of topic.waiting.splice(0)) {
        this.#enqueue(topic, record, input, completion);
        this.#release(size);
      }
    } catch (error) {
      for (const { size, completion } of topic.waiting.splice(0)) {
        completion.reject(error as Error);
        this.#release(size);
      }
    }
  }

  #enqueue(
    topic: TopicState,
    record: ProducerRecord,
    input: RecordInput,
    completion: Completion,
  ): void {
    const { batchSize, maxRequestBytes, compression } = this.#settings;
    const size = recordSize(input);
    const partition = this.#partitionFor(topic, record, input, size);
    if (partition >= topic.partitionCount || partition < 0) {
      return completion.reject(noSuchPartition(topic, partition));
    }
    if (size > maxRequestBytes) {
      return completion.reject(tooLarge(topic.name, size, maxRequestBytes));
    }
    const queue = topic.queues[partition] ??= new PartitionQueue(topic.name, partition);
    let batch = queue.open;
    if (batch !== null && batch.sizeInBytes + size > batchSize) {
      queue.closeOpen();
      batch = null;
    }
    if (batch === null) {
      const now = this.#runtime.clock.monotonicMs();
      queue.open = batch = new ProducerBatch(now, compression, this.#codecs);
    }
    const before = batch.recordCount === 0 ? 0 : batch.sizeInBytes;
    try {
      batch.append(input, completion);
    } catch (error) {
      return completion.reject(error as Error);
    }
    this.#buffer(batch.sizeInBytes - before);
    this.#sender.wake(queue);
  }

  #partitionFor(
    topic: TopicState,
    record: ProducerRecord,
    input: RecordInput,
    size: number,
  ): number {
    if (record.partition !== undefined) return record.partition;
    const { key } = input;
    return key === null || key === undefined
      ? topic.sticky.next(topic.partitionCount, size)
      : partitionForKey(key, topic.partitionCount);
  }

  #buffer(bytes: number): void {
    this.#bufferedBytes += bytes;
    if (this.#bufferedBytes < this.#settings.bufferBytes || this.#ready !== null) return;
    this.#ready = new Promise((resolve) => this.#resolveReady = resolve);
  }

  #release(bytes: number): void {
    this.#bufferedBytes -= bytes;
    if (this.#ready === null || this.#bufferedBytes >= this.#settings.bufferBytes) return;
    this.#ready = null;
    this.#resolveReady!();
  }

  #makeWritable(): WritableStream<ProducerRecord> {
    let completion: Completion;
    let failure: Error | null = null;
    return new WritableStream<ProducerRecord>({
      start: (controller) => {
        const reject = (error: Error) => {
          failure ??= error;
          controller.error(error);
        };
        completion = { resolve: () => {}, reject };
      },
      write: (record) => {
        this.#take(record, completion);
        return this.#ready ?? undefined;
      },
      close: async () => {
        await this.flush();
        // A closing stream ignores errors of its controller, so throw.
        if (failure !== null) throw failure;
      },
    }, { highWaterMark: 256 });
  }
}

function toInput(record: ProducerRecord, now: number): RecordInput {
  const { headers } = record;
  const input = {
    key: toBytes(record.key),
    value: toBytes(record.value),
    timestamp: typeof record.timestamp === "bigint"
      ? toInt64(record.timestamp)
      : record.timestamp ?? now,
  };
  return headers === undefined ? input : { ...input, headers: toHeaders(headers) };
}

function isTimestamp(value: number | bigint): boolean {
  return typeof value === "bigint"
    ? value <= MAX_INT64 && value >= MIN_INT64
    : Number.isSafeInteger(value);
}

function toBytes(value: string | Uint8Array | null | undefined): Uint8Array | null {
  if (typeof value === "string") return utf8.encode(value);
  return value ?? null;
}

function toHeaders(headers: NonNullable<ProducerRecord["headers"]>): RecordHeader[] {
  return Object.entries(headers).map(([key, value]) => ({ key, value: toBytes(value) }));
}

function noSuchPartition({ name, partitionCount }: TopicState, partition: number): KafkaError {
  return new KafkaError(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `Cannot send to ${name}-${partition}: topic "${name}" has the partitions 0 to ${
      partitionCount - 1
    }`,
  );
}

function wrongTimestamp(topic: string, timestamp: number | bigint): TypeError {
  return new TypeError(
    `Cannot send to "${topic}": "timestamp" cannot be ${timestamp}: expected an integer, beyond ` +
      "2^53 as a bigint of 64 bits",
  );
}

function tooLarge(topic: string, size: number, limit: number): KafkaError {
  return new KafkaError(
    ErrorCode.MESSAGE_TOO_LARGE,
    `Cannot send to "${topic}": the record has up to ${size.toLocaleString("en-US")} bytes, ` +
      `"maxRequestBytes" is ${limit.toLocaleString("en-US")}`,
  );
}

function bufferFull(topic: string, bytes: number): KafkaError {
  return new KafkaError(
    ErrorCode.RECORD_LIST_TOO_LARGE,
    `Cannot send to "${topic}": ${bytes.toLocaleString("en-US")} bytes are buffered; await ` +
      `"ready" between records, or write to "writable"`,
  );
}
