/**
 * The error thrown when records cannot be read, checked, compressed or decompressed.
 *
 * @module
 */

/**
 * The kind of problem, which determines the error code on the wire:
 *
 * - `corrupt`: the bytes are not those that were sent (wrong checksum or framing):
 *   `CORRUPT_MESSAGE`.
 * - `invalid`: the bytes arrived intact but are inconsistent (counts, lengths, deltas, payloads that
 *   do not decompress): `INVALID_RECORD`.
 * - `too-large`: a limit was exceeded: `MESSAGE_TOO_LARGE`.
 * - `unsupported-compression`: an unknown codec, or one that the request version must not use:
 *   `UNSUPPORTED_COMPRESSION_TYPE`.
 */
export type RecordErrorReason = "corrupt" | "invalid" | "too-large" | "unsupported-compression";

/** Formats a number for messages: 1048576 is 1,048,576. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** Records that cannot be read, stored or decompressed. */
export class RecordError extends Error {
  override readonly name = "RecordError";
  /** Takes a message that says what was attempted, on what, and why it failed. */
  constructor(
    message: string,
    /** The kind of problem. */
    readonly reason: RecordErrorReason,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
