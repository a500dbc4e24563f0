/**
 * gzip (RFC 1952), always the host's own.
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
/** So much is compressed in half a millisecond: not worth a stream. */
const COMPRESSED_AT_ONCE = 32_768;

/** The gzip stream of `bytes`. `level` is 1 (fast) to 9 (small), 6 unless told, as in Kafka. */
export function compressGzip(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  return requireHost("gzip", host).gzip(bytes, level);
}

/** What a gzip stream holds. Throws `invalid` for bad data, `too-large` beyond `maxBytes`. */
export function decompressGzip(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
): Uint8Array {
  return decompressByHost("gzip", requireHost("gzip", host).gunzip, bytes, maxBytes);
}

/** As {@linkcode compressGzip}, in the host's steps where it has them, else in one. */
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

/** As {@linkcode decompressGzip}, in the host's steps where it has them, else in one. */
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

/** A gzip member ends with the length of what it holds. */
function announcedBytes(bytes: Uint8Array): number {
  const at = bytes.length - 4;
  return at < 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}
