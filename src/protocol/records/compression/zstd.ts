/**
 * zstd: the host's where it has one (Deno, Bun, Node from 22.15 on), ours elsewhere.
 *
 * @module
 */

import type { HostCodecs } from "./host_codecs.ts";
import {
  decompressByHost,
  decompressByHostInSteps,
  decompressSmallByHost,
} from "./host_decompression.ts";
import { atOnce, type Pause, STEP_BYTES, withPauses } from "./steps.ts";
import { decompressZstd, decompressZstdInSteps } from "./zstd_decoder.ts";
import { compressZstd, compressZstdInSteps } from "./zstd_encoder.ts";
import { endOfFirstFrame, isSingleWholeFrame, readFrameHeader } from "./zstd_frame.ts";

const DEFAULT_LEVEL = 3;
const USUAL_RATIO = 5;

/** One frame that holds `bytes`. `level` is 1 (fast) to 22 (small), 3 unless told; ours has one only. */
export function compressWithZstd(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  return host?.zstd?.compress(bytes, level) ?? compressZstd(bytes);
}

/** As {@linkcode compressWithZstd}, in the host's steps where it has them, else in ours. */
export async function compressWithZstdInSteps(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  pause: Pause,
  level: number = DEFAULT_LEVEL,
): Promise<Uint8Array> {
  if (bytes.length <= STEP_BYTES) return compressWithZstd(bytes, host, level);
  const zstd = host?.inSteps?.zstd;
  if (zstd === undefined) return await withPauses(compressZstdInSteps(bytes), pause);
  const packed = await zstd.compress(bytes, level, pause);
  return packed.subarray(0, await withPauses(endOfFirstFrame(packed), pause));
}

/**
 * What frames hold. Several frames, which clients do not write, are left to our own decompressor.
 * Throws `invalid` for bad data, `too-large` beyond `maxBytes`.
 */
export function decompressWithZstd(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
): Uint8Array {
  const zstd = host?.zstd;
  return zstd !== undefined && atOnce(isSingleWholeFrame(bytes))
    ? decompressByHost("zstd", zstd.decompress, bytes, maxBytes)
    : decompressZstd(bytes, maxBytes);
}

/** As {@linkcode decompressWithZstd}, in the host's steps where it has them, else in ours. */
export async function decompressWithZstdInSteps(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
  pause: Pause,
): Promise<Uint8Array> {
  const zstd = host?.zstd;
  if (zstd !== undefined && await withPauses(isSingleWholeFrame(bytes), pause)) {
    const announced = announcedBytes(bytes);
    const result = decompressSmallByHost("zstd", zstd.decompress, bytes, maxBytes, announced);
    if (result !== undefined) return result;
    const inSteps = host?.inSteps?.zstd?.decompress;
    if (inSteps !== undefined) {
      return await decompressByHostInSteps("zstd", inSteps, bytes, maxBytes, pause);
    }
  }
  return await withPauses(decompressZstdInSteps(bytes, maxBytes), pause);
}

/** Where a frame does not say how much it holds, as much as is usual. */
function announcedBytes(bytes: Uint8Array): number {
  const { contentSize } = readFrameHeader(bytes, 0);
  return contentSize === -1 ? bytes.length * USUAL_RATIO : contentSize;
}
