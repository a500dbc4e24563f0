/**
 * Compressors that give the same bytes on every runtime: gzip and zstd in their stored forms, which
 * any decompressor reads.
 *
 * @module
 */
import { decompressZstd } from "../../src/protocol/records/compression/zstd/decoder.ts";
import { RecordError } from "../../src/protocol/records/record_error.ts";
import type { HostCodecs } from "../../src/runtime/runtime.ts";

const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const TRAILER_BYTES = 8;
const LARGEST_BLOCK = 65_535;
const BLOCK_HEADER_BYTES = 5;

/** For simulations whose trace hash is compared between runtimes. */
export const STORED_CODECS: HostCodecs = {
  gzip,
  gunzip,
  zstd: { compress: zstd, decompress: unzstd },
};

/** Our own zstd decoder, with the errors of a host's. */
export function unzstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return decompressZstd(bytes, maxBytes);
  } catch (error) {
    const isTooLarge = error instanceof RecordError && error.reason === "too-large";
    throw isTooLarge ? new RangeError(error.message, { cause: error }) : error;
  }
}

function gzip(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / LARGEST_BLOCK));
  const size = HEADER.length + blocks * BLOCK_HEADER_BYTES + bytes.length + TRAILER_BYTES;
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set(HEADER);
  let at = HEADER.length;
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * LARGEST_BLOCK, (block + 1) * LARGEST_BLOCK);
    out[at] = block === blocks - 1 ? 1 : 0;
    view.setUint16(at + 1, part.length, true);
    view.setUint16(at + 3, ~part.length & 0xffff, true);
    out.set(part, at + BLOCK_HEADER_BYTES);
    at += BLOCK_HEADER_BYTES + part.length;
  }
  view.setUint32(at, crc32(bytes), true);
  view.setUint32(at + 4, bytes.length, true);
  return out;
}

function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let length = 0;
  let at = HEADER.length;
  for (let isLast = false; !isLast;) {
    isLast = bytes[at] === 1;
    const size = view.getUint16(at + 1, true);
    parts.push(bytes.subarray(at + BLOCK_HEADER_BYTES, at + BLOCK_HEADER_BYTES + size));
    length += size;
    at += BLOCK_HEADER_BYTES + size;
    if (length > maxBytes) throw new RangeError(`Cannot decompress: more than ${maxBytes} bytes`);
  }
  const out = new Uint8Array(length);
  let filled = 0;
  for (const part of parts) {
    out.set(part, filled);
    filled += part.length;
  }
  if (view.getUint32(at, true) !== crc32(out)) throw new RangeError("Cannot decompress: wrong CRC");
  return out;
}

/** Magic, and a descriptor: one segment, the content size in four bytes. */
const ZSTD_HEADER = [0x28, 0xb5, 0x2f, 0xfd, 0xa0];
const ZSTD_BLOCK = 131_072;
const ZSTD_BLOCK_HEADER_BYTES = 3;

function zstd(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / ZSTD_BLOCK));
  let at = ZSTD_HEADER.length + 4;
  const out = new Uint8Array(at + blocks * ZSTD_BLOCK_HEADER_BYTES + bytes.length);
  out.set(ZSTD_HEADER);
  new DataView(out.buffer).setUint32(ZSTD_HEADER.length, bytes.length, true);
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * ZSTD_BLOCK, (block + 1) * ZSTD_BLOCK);
    const header = part.length << 3 | (block === blocks - 1 ? 1 : 0);
    out.set([header, header >>> 8, header >>> 16], at);
    out.set(part, at + ZSTD_BLOCK_HEADER_BYTES);
    at += ZSTD_BLOCK_HEADER_BYTES + part.length;
  }
  return out;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
