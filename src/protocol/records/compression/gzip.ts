/**
 * gzip (RFC 1952) by the host's codec.
 *
 * @module
 */

import type { HostCodecs } from "./host_codecs.ts";
import {
  decompressByHost,
  decompressByHostInSteps,
  decompressSmallByHost,
  requireHost,
} from "./host_decompression.ts";
import type { Pause } from "./steps.ts";

const DEFAULT_LEVEL = 6;
/** This much is compressed in half a millisecond, for which a stream is not worthwhile. */
const COMPRESSED_AT_ONCE = 32_768;

/**
 * Compresses `bytes` to a gzip stream. `level` is 1 (fast) to 9 (small) and defaults to 6, as in
 * Kafka.
 */
export function compressGzip(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  return requireHost("gzip", host).gzip(bytes, level);
}

/** Decompresses a gzip stream. Throws `invalid` for bad data, `too-large` beyond `maxBytes`. */
export function decompressGzip(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
): Uint8Array {
  return decompressByHost("gzip", requireHost("gzip", host).gunzip, bytes, maxBytes);
}

/** Like {@linkcode compressGzip}, in steps if the host supports them, else in one. */
export async function compressGzipInSteps(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  pause: Pause,
  level: number = DEFAULT_LEVEL,
): Promise<Uint8Array> {
  const { inSteps } = requireHost("gzip", host);
  return inSteps === undefined || bytes.length <= COMPRESSED_AT_ONCE
    ? compressGzip(bytes, host, level)
    : await inSteps.gzip(bytes, level, pause);
}

/** Like {@linkcode decompressGzip}, in steps if the host supports them, else in one. */
export async function decompressGzipInSteps(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
  pause: Pause,
): Promise<Uint8Array> {
  const { gunzip, inSteps } = requireHost("gzip", host);
  if (inSteps === undefined) return decompressByHost("gzip", gunzip, bytes, maxBytes);
  return decompressSmallByHost("gzip", gunzip, bytes, maxBytes, announcedBytes(bytes)) ??
    await decompressByHostInSteps("gzip", inSteps.gunzip, bytes, maxBytes, pause);
}

/** A gzip member ends with the length of its content. */
function announcedBytes(bytes: Uint8Array): number {
  const at = bytes.length - 4;
  return at < 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}
