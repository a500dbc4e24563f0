/**
 * The error of the zstd decompressor.
 *
 * @module
 */

import { RecordError } from "../../record_error.ts";

/** An `invalid` error that says why zstd data are bad. */
export function badZstd(why: string): RecordError {
  return new RecordError(`Cannot decompress zstd data: ${why}`, "invalid");
}
