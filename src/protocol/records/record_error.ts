/**
 * The one error that reading, checking or (de)compressing records may throw.
 *
 * @module
 */

/**
 * What is wrong with the data, so that a caller can pick the answer on the wire:
 *
 * - `corrupt`: the bytes are not what was sent (a checksum or a frame is wrong): `CORRUPT_MESSAGE`.
 * - `invalid`: the bytes arrived whole but lie about themselves (counts, lengths, deltas, payloads
 *   that do not decompress): `INVALID_RECORD`.
 * - `too-large`: a bound was passed: `MESSAGE_TOO_LARGE`.
 * - `unsupported-compression`: an unknown codec or one this version must not use:
 *   `UNSUPPORTED_COMPRESSION_TYPE`.
 */
export type RecordErrorReason = "corrupt" | "invalid" | "too-large" | "unsupported-compression";

/** A number as messages show it: 1048576 is 1,048,576. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** Records that cannot be read, stored or decompressed. The message says what and why. */
export class RecordError extends Error {
  /** `RecordError`. */
  override readonly name = "RecordError";
  /** With a message that says what was attempted, on what, and why it failed. */
  constructor(
    message: string,
    /** Which of Kafka's answers fits. */
    readonly reason: RecordErrorReason,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
