/**
 * The options of a producer, their defaults and their limits.
 *
 * @module
 */
import type { CompressionType } from "../protocol/records/compression/codec.ts";
import {
  checkOptionNames,
  type ClientOptions,
  notAbove,
  oneOf,
  positive,
  wholeNumber,
} from "./client_options.ts";

/** How a producer works, beside what all clients are told. */
export interface ProducerOptions extends ClientOptions {
  /**
   * When a record counts as written: `"all"` (unless told) when every in-sync replica has it, 1 when
   * the leader has it, 0 when it was sent.
   */
  readonly acks?: "all" | 0 | 1;
  /**
   * Whether a retry never writes a record twice or out of order: true unless told or `acks` is
   * given as 0 or 1.
   */
  readonly idempotent?: boolean;
  /** How batches are compressed: `"none"` unless told. */
  readonly compression?: CompressionType;
  /** How many bytes of records one batch gathers: 16,384 unless told. */
  readonly batchSize?: number;
  /**
   * How long a record waits for others to fill its batch, ms. 0 unless told: then records gather
   * only while the batch before them is on its way.
   */
  readonly lingerMs?: number;
  /** How many requests may be on their way to a broker: 5 unless told, which is also the most. */
  readonly maxInFlight?: number;
  /** The largest request and record, bytes: 1,048,576 unless told. */
  readonly maxRequestBytes?: number;
  /** How long a record may take, with all retries, before it fails, ms: 120,000 unless told. */
  readonly deliveryTimeoutMs?: number;
  /**
   * How many bytes of records wait in memory before {@linkcode Producer.ready} holds writers back:
   * 32 MiB unless told. `send` refuses records beyond eight times that.
   */
  readonly bufferBytes?: number;
}

/** The options with their defaults, as the producer and its sender use them. */
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
  /** Infinity where only the delivery timeout ends the retries. */
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

/** Returns the options with defaults filled in. Throws a TypeError that names an invalid one. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  checkOptionNames("Producer", options, NAMES);
  const acks = oneOf("acks", options.acks, "all", ["all", 1, 0]);
  const isIdempotent = oneOf("idempotent", options.idempotent, acks === "all", [true, false]);
  if (isIdempotent && acks !== "all") {
    throw new TypeError(`"idempotent" needs "acks" to be "all", not ${acks}`);
  }
  const maxInFlight = positive("maxInFlight", options.maxInFlight, MAX_IN_FLIGHT);
  if (maxInFlight > MAX_IN_FLIGHT) {
    throw new TypeError(`"maxInFlight" cannot be ${maxInFlight}: brokers remember 5 batches`);
  }
  const lingerMs = wholeNumber("lingerMs", options.lingerMs, 0);
  const deliveryTimeoutMs = positive("deliveryTimeoutMs", options.deliveryTimeoutMs, 120_000);
  notAbove("lingerMs", lingerMs, "deliveryTimeoutMs", deliveryTimeoutMs);
  const maxRequestBytes = positive("maxRequestBytes", options.maxRequestBytes, 1_048_576);
  const batchSize = positive("batchSize", options.batchSize, Math.min(16_384, maxRequestBytes));
  notAbove("batchSize", batchSize, "maxRequestBytes", maxRequestBytes);
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
