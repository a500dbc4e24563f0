/**
 * The error of the zstd decompressor.
 *
 * @module
 */

import { RecordError } from "../../record_error.ts";

/** Creates an `invalid` error that says why zstd data are malformed. */
export function badZstd(why: string): RecordError {
  return new RecordError(`Cannot decompress zstd data: ${why}`, "invalid");
}
