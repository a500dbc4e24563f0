/**
 * Record batches, Kafka's format v2 (magic 2), in one import:
 *
 * - `batch_header.ts`: the header's fields, read and patched in place.
 * - `batch_split.ts`: where the batches of a byte range begin and end.
 * - `batch_validate.ts`: what a broker refuses of a producer.
 * - `batch_encode.ts`, `batch_decode.ts`: batches from records and back.
 * - `record_scan.ts`: the structure of records, without decoding them.
 * - `timestamp_bounds.ts`: the oldest and the newest timestamp of a batch.
 * - `recompress.ts`: a batch under another compression.
 *
 * @module
 */

export * from "./batch_header.ts";
export * from "./batch_split.ts";
export * from "./batch_encode.ts";
export * from "./batch_decode.ts";
export * from "./batch_validate.ts";
export * from "./record_scan.ts";
export * from "./recompress.ts";
export * from "./timestamp_bounds.ts";
export { RecordError, type RecordErrorReason } from "./record_error.ts";
export type { HostCodecs } from "./compression/host_codecs.ts";
export type { CompressionType } from "./compression/codec.ts";
export type { Crc32cArena } from "./crc32c.ts";
