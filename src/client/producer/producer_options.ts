/**
 * The options of a producer, their defaults and their limits.
 *
 * @module
 */
import type { CompressionType } from "../../protocol/records/compression/codec.ts";
import {
  checkOptionNames,
  type ClientOptions,
  oneOf,
  positive,
  requireAtMost,
  wholeNumber,
} from "../client_options.ts";

/** Options of a producer. */
export interface ProducerOptions extends ClientOptions {
  /**
   * When a record counts as written: `"all"` when every in-sync replica has it, 1 when the leader
   * has it, 0 when it was sent. Defaults to `"all"`.
   */
  readonly acks?: "all" | 0 | 1;
  /**
   * Whether retries avoid duplicates and reordering. Defaults to true, or to false if `acks` is 0
   * or 1.
   */
  readonly idempotent?: boolean;
  /** The compression of batches. Defaults to `"none"`. */
  readonly compression?: CompressionType;
  /** Target size of a batch in bytes. Defaults to 16,384. */
  readonly batchSize?: number;
  /**
   * Time a record waits for others to fill its batch, in ms. Defaults to 0: records are then
   * collected only while the previous batch is in flight.
   */
  readonly lingerMs?: number;
  /** Maximum number of in-flight requests per broker, 1 to 5. Defaults to 5. */
  readonly maxInFlight?: number;
  /** Maximum size of a request and of a record in bytes. Defaults to 1,048,576. */
  readonly maxRequestBytes?: number;
  /** Maximum time to deliver a record, including retries, in ms. Defaults to 120,000. */
  readonly deliveryTimeoutMs?: number;
  /**
   * Maximum bytes of buffered records before {@linkcode Producer.ready} applies backpressure.
   * Defaults to 32 MiB. `send` rejects records beyond eight times that.
   */
  readonly bufferBytes?: number;
}

/** The validated options with defaults, as used by the producer and its sender. */
export interface ProducerSettings {
  /** As in the request: -1 for all in-sync replicas. */
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  readonly compression: CompressionType;
  readonly batchSize: number;
  readonly lingerMs: number;
  readonly maxInFlight: number;
  readonly maxRequestBytes: number;
  readonly deliveryTimeoutMs: number;
  readonly bufferBytes: number;
  /** Infinity if only the delivery timeout limits retries. */
  readonly retries: number;
}

const MAX_IN_FLIGHT = 5;
const COMPRESSIONS: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** The names of the producer's own options. */
const NAMES: Readonly<Record<Exclude<keyof ProducerOptions, keyof ClientOptions>, true>> = {
  acks: true,
  idempotent: true,
  compression: true,
  batchSize: true,
  lingerMs: true,
  maxInFlight: true,
  maxRequestBytes: true,
  deliveryTimeoutMs: true,
  bufferBytes: true,
};

/** Returns the options with defaults. Throws a TypeError that names an invalid one. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  checkOptionNames("Producer", options, NAMES);
  const acks = oneOf("acks", options.acks, "all", ["all", 1, 0]);
  const isIdempotent = oneOf("idempotent", options.idempotent, acks === "all", [true, false]);
  if (isIdempotent && acks !== "all") {
    throw new TypeError(`"idempotent" needs "acks" to be "all", not ${acks}`);
  }
  const maxInFlight = positive("maxInFlight", options.maxInFlight, MAX_IN_FLIGHT);
  if (maxInFlight > MAX_IN_FLIGHT) {
    throw new TypeError(
      `"maxInFlight" cannot be ${maxInFlight}: brokers track only 5 batches per producer`,
    );
  }
  const lingerMs = wholeNumber("lingerMs", options.lingerMs, 0);
  const deliveryTimeoutMs = positive("deliveryTimeoutMs", options.deliveryTimeoutMs, 120_000);
  requireAtMost("lingerMs", lingerMs, "deliveryTimeoutMs", deliveryTimeoutMs);
  const maxRequestBytes = positive("maxRequestBytes", options.maxRequestBytes, 1_048_576);
  const batchSize = positive("batchSize", options.batchSize, Math.min(16_384, maxRequestBytes));
  requireAtMost("batchSize", batchSize, "maxRequestBytes", maxRequestBytes);
  return {
    acks: acks === "all" ? -1 : acks,
    isIdempotent,
    compression: oneOf("compression", options.compression, "none", COMPRESSIONS),
    batchSize,
    lingerMs,
    maxInFlight,
    maxRequestBytes,
    deliveryTimeoutMs,
    bufferBytes: positive("bufferBytes", options.bufferBytes, 33_554_432),
    retries: options.retries === undefined ? Infinity : wholeNumber("retries", options.retries, 0),
  };
}
