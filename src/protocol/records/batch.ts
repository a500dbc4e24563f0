/**
 * Record batches in Kafka's format v2 (magic 2), in one import:
 *
 * - `batch_header.ts`: reads and patches the fields of a header in place.
 * - `batch_split.ts`: finds the boundaries of batches in a byte range.
 * - `batch_validate.ts`: validates produced batches.
 * - `batch_encode.ts`, `batch_decode.ts`: encodes and decodes batches of records.
 * - `record_scan.ts`: checks the structure of records without decoding them.
 * - `timestamp_bounds.ts`: finds the smallest and largest timestamp of a batch.
 * - `recompress.ts`: changes the compression of a batch.
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
