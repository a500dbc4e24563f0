/**
 * zstd by the host's codec. A decoder in TypeScript handles what hosts do not support: see
 * `zstd/decoder.ts`. Only the host compresses, so the compressed bytes differ between hosts;
 * simulations whose traces are compared use codecs of their own.
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
import { atOnce, type Pause, STEP_BYTES, withPauses } from "./steps.ts";
import { decompressZstd, decompressZstdInSteps } from "./zstd/decoder.ts";
import { endOfFirstFrame, isSingleWholeFrame, readFrameHeader } from "./zstd/frame.ts";

const DEFAULT_LEVEL = 3;
const USUAL_RATIO = 5;

/** Returns one frame that holds `bytes`. `level` is 1 (fast) to 22 (small) and defaults to 3. */
export function compressWithZstd(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  return requireHost("zstd", host).zstd.compress(bytes, level);
}

/** Like {@linkcode compressWithZstd}, in steps if the host supports them, else in one. */
export async function compressWithZstdInSteps(
  bytes: Uint8Array,
  host: HostCodecs | undefined,
  pause: Pause,
  level: number = DEFAULT_LEVEL,
): Promise<Uint8Array> {
  const { inSteps } = requireHost("zstd", host);
  if (inSteps === undefined || bytes.length <= STEP_BYTES) {
    return compressWithZstd(bytes, host, level);
  }
  const packed = await inSteps.zstd.compress(bytes, level, pause);
  return packed.subarray(0, await withPauses(endOfFirstFrame(packed), pause));
}

/**
 * Decompresses one or more frames. Several frames, which clients do not write, and all data without
 * `host` are handled by the decoder in TypeScript. Throws `invalid` for bad data, `too-large`
 * beyond `maxBytes`.
 */
export function decompressWithZstd(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
): Uint8Array {
  return host !== undefined && atOnce(isSingleWholeFrame(bytes))
    ? decompressByHost("zstd", host.zstd.decompress, bytes, maxBytes)
    : decompressZstd(bytes, maxBytes);
}

/**
 * Like {@linkcode decompressWithZstd}, in the host's steps if supported, else in those of the
 * TypeScript decoder.
 */
export async function decompressWithZstdInSteps(
  bytes: Uint8Array,
  maxBytes: number,
  host: HostCodecs | undefined,
  pause: Pause,
): Promise<Uint8Array> {
  if (host !== undefined && await withPauses(isSingleWholeFrame(bytes), pause)) {
    const announced = announcedBytes(bytes);
    const { decompress } = host.zstd;
    const result = decompressSmallByHost("zstd", decompress, bytes, maxBytes, announced);
    if (result !== undefined) return result;
    const inSteps = host.inSteps?.zstd.decompress;
    if (inSteps !== undefined) {
      return await decompressByHostInSteps("zstd", inSteps, bytes, maxBytes, pause);
    }
  }
  return await withPauses(decompressZstdInSteps(bytes, maxBytes), pause);
}

/** Returns the announced content size, or a usual size if the frame does not announce it. */
function announcedBytes(bytes: Uint8Array): number {
  const { contentSize } = readFrameHeader(bytes, 0);
  return contentSize === -1 ? bytes.length * USUAL_RATIO : contentSize;
}
