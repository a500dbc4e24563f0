/**
 * Running the host's decompressors, at once or in steps, with the bounds and errors of ours.
 *
 * @module
 */

import { grouped, RecordError } from "../record_error.ts";
import type { HostCodecs } from "./host_codecs.ts";
import type { Pause } from "./steps.ts";

/** A host decompresses so much in a quarter of a millisecond: less than setting up a stream is worth. */
const AT_ONCE_BYTES = 262_144;

/** Returns `host`. Throws `unsupported-compression` where none was given. */
export function requireHost(name: string, host: HostCodecs | undefined): HostCodecs {
  if (host !== undefined) return host;
  throw new RecordError(
    `Cannot use ${name}: no host codecs were given, pass runtime.codecs()`,
    "unsupported-compression",
  );
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
    throw hostError(name, maxBytes, cause);
  }
  return plain(name, maxBytes, result);
}

/**
 * What a decompressor of the host gives in one step, or undefined when it may take longer. `announcedBytes`
 * is what the data say that they become.
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
    // More than was announced comes out, which is not for this bound to refuse.
    if (isTooLarge && maxBytes > AT_ONCE_BYTES) return undefined;
    throw error;
  }
}

/** Runs a decompressor of the host that works in steps, as {@linkcode decompressByHost} does. */
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

/** What a host threw, as a {@linkcode RecordError}. */
function hostError(name: string, maxBytes: number, cause: unknown): RecordError {
  if (isTooLarge(cause)) return tooLarge(name, maxBytes, cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RecordError(`Cannot decompress ${name} data: ${why}`, "invalid", { cause });
}

/** Hosts return a Buffer, whose slice() does not copy: nobody should meet one by surprise. */
function plain(name: string, maxBytes: number, result: Uint8Array): Uint8Array {
  if (result.length > maxBytes) throw tooLarge(name, maxBytes);
  return new Uint8Array(result.buffer, result.byteOffset, result.length);
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
