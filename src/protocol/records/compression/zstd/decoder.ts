/**
 * Zstandard decompression in TypeScript (RFC 8878): frames with and without content size and
 * checksum, skippable frames and every type of block, but no dictionaries.
 *
 * The decompressors of the hosts do not support everything a broker needs:
 *
 * - Deno (2.9.6) cannot decompress malformed data in slices. An error in a later call for the same
 *   input bypasses the stream's `error` listeners and ends the process, and the synchronous call
 *   produces everything in one turn of the event loop: 120 MB of zeros, compressed to 4 KB, take half
 *   a second.
 * - Node and Deno stop after the first frame, and return nothing if it is a skippable frame.
 *
 * All other data are decompressed by the host, which is faster (see `zstd.ts`).
 *
 * @module
 */

import { tooLarge } from "../host_decompression.ts";
import { OutputBuffer } from "../output_buffer.ts";
import { atOnce, Effort, type Steps } from "../steps.ts";
import { xxHash64LowInSteps } from "./xxhash64.ts";
import { BlockDecoder } from "./block_decoder.ts";
import { badZstd } from "./bad_zstd.ts";
import {
  BLOCK_HEADER_EFFORT,
  endOfFrame,
  endOfSkippableFrame,
  readBlock,
  readFrameHeader,
  readZstdNumber,
} from "./frame.ts";

/**
 * Decompresses frames. Throws a RecordError: `invalid` for bad data, `too-large` beyond `maxBytes`.
 * Memory grows with the output, not with an announced size.
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return atOnce(decompressZstdInSteps(bytes, maxBytes));
}

/** Like {@linkcode decompressZstd}, half a block per step: its literals, then its sequences. */
export function* decompressZstdInSteps(bytes: Uint8Array, maxBytes: number): Steps<Uint8Array> {
  const output = new OutputBuffer("zstd", maxBytes, Math.min(bytes.length * 4, 1_048_576));
  const effort = new Effort();
  let at = 0;
  do {
    if (effort.spend(BLOCK_HEADER_EFFORT)) yield;
    const skipped = endOfSkippableFrame(bytes, at);
    at = skipped === -1 ? yield* decompressFrame(bytes, at, output, effort) : skipped;
  } while (at < bytes.length);
  return output.written();
}

/** Decodes the frame at `start` and returns its end. */
function* decompressFrame(
  bytes: Uint8Array,
  start: number,
  output: OutputBuffer,
  effort: Effort,
): Steps<number> {
  const header = readFrameHeader(bytes, start);
  const { contentSize } = header;
  if (contentSize > output.maxBytes - output.length) throw tooLarge("zstd", output.maxBytes);
  const contentStart = output.length;
  const decoder = new BlockDecoder(output);
  let at = header.end;
  for (let isLast = false; !isLast;) {
    const block = readBlock(bytes, at, header.maxBlockBytes);
    const before = output.length;
    if (block.type === "compressed") {
      yield* decoder.decode(bytes, block.start, block.end, header.maxBlockBytes, effort);
    } else {
      yield* output.reserveInSteps(block.size);
      const end = output.length + block.size;
      if (block.type === "raw") {
        output.bytes.set(bytes.subarray(block.start, block.end), output.length);
      } else {
        output.bytes.fill(bytes[block.start]!, output.length, end);
      }
      output.length = end;
    }
    at = block.end;
    isLast = block.isLast;
    if (effort.spend(BLOCK_HEADER_EFFORT + output.length - before)) yield;
  }
  if (contentSize !== -1 && output.length - contentStart !== contentSize) {
    throw badZstd(`${output.length - contentStart} bytes decompressed, ${contentSize} announced`);
  }
  const end = endOfFrame(bytes, at, header);
  if (header.hasChecksum) {
    const hash = yield* xxHash64LowInSteps(output.bytes, contentStart, output.length);
    if (readZstdNumber(bytes, at, 4) !== hash) throw badZstd("a checksum is wrong");
  }
  return end;
}
