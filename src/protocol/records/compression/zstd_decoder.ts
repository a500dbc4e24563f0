/**
 * Zstandard decompression in TypeScript (RFC 8878), for hosts whose own is missing: frames with and
 * without content size and checksum, skippable frames, every kind of block. Dictionaries are not.
 *
 * @module
 */

import { tooLarge } from "./gzip.ts";
import { OutputBuffer } from "./output_buffer.ts";
import { xxHash64Low } from "./xxhash64.ts";
import { BlockDecoder } from "./zstd_block.ts";
import { badZstd } from "./zstd_error.ts";
import {
  endOfFrame,
  endOfSkippableFrame,
  readBlock,
  readFrameHeader,
  readZstdNumber,
} from "./zstd_frame.ts";

/**
 * What zstd frames hold. Throws a RecordError: `invalid` for bad data, `too-large` beyond `maxBytes`.
 * Memory grows with what has come out, not with what a header announces.
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const output = new OutputBuffer("zstd", maxBytes, Math.min(bytes.length * 4, 1_048_576));
  let at = 0;
  do {
    const skipped = endOfSkippableFrame(bytes, at);
    at = skipped === -1 ? decompressFrame(bytes, at, output) : skipped;
  } while (at < bytes.length);
  return output.written();
}

/** Reads the frame at `start`; returns where it ends. */
function decompressFrame(bytes: Uint8Array, start: number, output: OutputBuffer): number {
  const header = readFrameHeader(bytes, start);
  const { contentSize } = header;
  if (contentSize > output.maxBytes - output.length) throw tooLarge("zstd", output.maxBytes);
  const contentStart = output.length;
  const decoder = new BlockDecoder(output);
  let at = header.end;
  for (let isLast = false; !isLast;) {
    const block = readBlock(bytes, at, header.maxBlockBytes);
    if (block.type === "compressed") {
      decoder.decode(bytes, block.start, block.end, header.maxBlockBytes);
    } else {
      output.reserve(block.size);
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
  }
  if (contentSize !== -1 && output.length - contentStart !== contentSize) {
    throw badZstd(`${output.length - contentStart} bytes come out, ${contentSize} were announced`);
  }
  const end = endOfFrame(bytes, at, header);
  if (
    header.hasChecksum &&
    readZstdNumber(bytes, at, 4) !== xxHash64Low(output.bytes, contentStart, output.length)
  ) {
    throw badZstd("a checksum is wrong");
  }
  return end;
}
