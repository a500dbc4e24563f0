/**
 * gzip (RFC 1952), always the host's own.
 *
 * @module
 */

import type { HostCodecs } from "./host_codecs.ts";
import { grouped, RecordError } from "../record_error.ts";

const DEFAULT_LEVEL = 6;

/** The gzip stream of `bytes`. `level` is 1 (fast) to 9 (small), 6 unless told, as in Kafka. */
export function compressGzip(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  return codecs(host).gzip(bytes, level);
}

/** What a gzip stream holds. Throws `invalid` for bad data, `too-large` beyond `maxBytes`. */
export function decompressGzip(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
): Uint8Array {
  return decompressByHost("gzip", codecs(host).gunzip, bytes, maxBytes);
}

/**
 * Runs a decompressor of the host and turns whatever it throws into a {@linkcode RecordError}.
 */
export function decompressByHost(
  name: string,
  run: (bytes: Uint8Array, maxBytes: number) => Uint8Array,
  bytes: Uint8Array,
  maxBytes: number,
): Uint8Array {
  let result: Uint8Array;
  try {
    // Hosts refuse a bound of zero.
    result = run(bytes, Math.max(1, maxBytes));
  } catch (cause) {
    if (isTooLarge(cause)) throw tooLarge(name, maxBytes, cause);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RecordError(`Cannot decompress ${name} data: ${why}`, "invalid", { cause });
  }
  if (result.length > maxBytes) throw tooLarge(name, maxBytes);
  // Hosts return a Buffer, whose slice() does not copy: nobody should meet one by surprise.
  return new Uint8Array(result.buffer, result.byteOffset, result.length);
}

function codecs(host: HostCodecs | undefined): HostCodecs {
  if (host !== undefined) return host;
  throw new RecordError(
    "Cannot use gzip: no host codecs were given, hand in runtime.codecs()",
    "unsupported-compression",
  );
}

/** Node and Deno name it by a code; a RangeError is Bun's way. */
function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError ||
    (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE");
}

/** The error of every decompressor for data that grow beyond what is allowed. */
export function tooLarge(name: string, maxBytes: number, cause?: unknown): RecordError {
  return new RecordError(
    `Cannot decompress ${name} data: more than the allowed ${grouped(maxBytes)} bytes come out`,
    "too-large",
    { cause },
  );
}
