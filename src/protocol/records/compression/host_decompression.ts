/**
 * Runs the host's decompressors, at once or in steps, with the limits and errors used here.
 *
 * @module
 */

import { grouped, RecordError } from "../record_error.ts";
import type { HostCodecs } from "./host_codecs.ts";
import type { Pause } from "./steps.ts";

/**
 * A host decompresses this much in a quarter of a millisecond, less than creating a stream takes.
 */
const AT_ONCE_BYTES = 262_144;

/** Returns `host`. Throws `unsupported-compression` if it is undefined. */
export function requireHost(name: string, host: HostCodecs | undefined): HostCodecs {
  if (host !== undefined) return host;
  throw new RecordError(
    `Cannot use ${name}: no host codecs were given, pass runtime.codecs()`,
    "unsupported-compression",
  );
}

/** Runs a decompressor of the host. Converts its errors to a {@linkcode RecordError}. */
export function decompressByHost(
  name: string,
  run: (bytes: Uint8Array, maxBytes: number) => Uint8Array,
  bytes: Uint8Array,
  maxBytes: number,
): Uint8Array {
  let result: Uint8Array;
  try {
    // Hosts reject a limit of zero.
    result = run(bytes, Math.max(1, maxBytes));
  } catch (cause) {
    throw hostError(name, maxBytes, cause);
  }
  return plain(name, maxBytes, result);
}

/**
 * Decompresses in one step if the result is small. Returns undefined if it may take longer.
 * `announcedBytes` is the size announced by the data.
 */
export function decompressSmallByHost(
  name: string,
  run: (bytes: Uint8Array, maxBytes: number) => Uint8Array,
  bytes: Uint8Array,
  maxBytes: number,
  announcedBytes: number,
): Uint8Array | undefined {
  if (Math.max(bytes.length, announcedBytes) > AT_ONCE_BYTES) return undefined;
  try {
    return decompressByHost(name, run, bytes, Math.min(maxBytes, AT_ONCE_BYTES));
  } catch (error) {
    const isTooLarge = error instanceof RecordError && error.reason === "too-large";
    // The data are larger than announced, but within the caller's limit.
    if (isTooLarge && maxBytes > AT_ONCE_BYTES) return undefined;
    throw error;
  }
}

/** Runs a decompressor of the host in steps, like {@linkcode decompressByHost}. */
export async function decompressByHostInSteps(
  name: string,
  run: (bytes: Uint8Array, maxBytes: number, pause: Pause) => Promise<Uint8Array>,
  bytes: Uint8Array,
  maxBytes: number,
  pause: Pause,
): Promise<Uint8Array> {
  let interruption: { readonly reason: unknown } | undefined;
  const watchedPause = async () => {
    try {
      await pause();
    } catch (reason) {
      interruption = { reason };
      throw reason;
    }
  };
  let result: Uint8Array;
  try {
    result = await run(bytes, Math.max(1, maxBytes), watchedPause);
  } catch (cause) {
    if (interruption !== undefined) throw interruption.reason;
    throw hostError(name, maxBytes, cause);
  }
  return plain(name, maxBytes, result);
}

/** Converts an error of the host to a {@linkcode RecordError}. */
function hostError(name: string, maxBytes: number, cause: unknown): RecordError {
  if (isTooLarge(cause)) return tooLarge(name, maxBytes, cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RecordError(`Cannot decompress ${name} data: ${why}`, "invalid", { cause });
}

/**
 * Converts a Buffer returned by the host to a plain Uint8Array, since slice() of a Buffer does not
 * copy.
 */
function plain(name: string, maxBytes: number, result: Uint8Array): Uint8Array {
  if (result.length > maxBytes) throw tooLarge(name, maxBytes);
  return new Uint8Array(result.buffer, result.byteOffset, result.length);
}

/** Node and Deno use an error code, Bun a RangeError. */
function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError ||
    (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE");
}

/** Creates the error for data that decompress to more than the limit. */
export function tooLarge(name: string, maxBytes: number, cause?: unknown): RecordError {
  return new RecordError(
    `Cannot decompress ${name} data: the content exceeds the limit of ${grouped(maxBytes)} bytes`,
    "too-large",
    { cause },
  );
}
