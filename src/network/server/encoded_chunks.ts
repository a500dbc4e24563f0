/**
 * Values that are encoded in steps, as chunks: a large buffer would be copied each time it grows.
 *
 * @module
 */
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { RecordsSource } from "../../protocol/records_source.ts";
import type { WriteInSteps } from "../../protocol/schema.ts";
import { ByteWriter } from "../../protocol/wire.ts";

/** Chunks have at least this size, except for the last. */
const CHUNK_BYTES = 65_536;

/** Encodes `value` in steps, after the bytes that `begin` writes. */
export function* encodeInChunks<Value>(
  codec: WriteInSteps<Value>,
  value: Value,
  begin: (writer: ByteWriter) => void = () => {},
): Steps<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const writer = new ByteWriter(2 * CHUNK_BYTES);
  begin(writer);
  for (const _ of codec.write(writer, value)) {
    if (writer.length >= CHUNK_BYTES) take();
    yield;
  }
  take();
  return chunks;

  function take(): void {
    chunks.push(writer.toBytes());
    writer.reset();
  }
}

/** Returns the bytes of all chunks, copied when they are sent. */
export function sourceOf(chunks: readonly Uint8Array[]): RecordsSource {
  const starts: number[] = [];
  let byteLength = 0;
  for (const { length } of chunks) {
    starts.push(byteLength);
    byteLength += length;
  }
  return {
    byteLength,
    copyTo(target, offset) {
      let index = chunkAt(starts, offset);
      for (let filled = 0; filled < target.length; index++) {
        const from = offset + filled - starts[index]!;
        const part = chunks[index]!.subarray(from, from + target.length - filled);
        target.set(part, filled);
        filled += part.length;
      }
    },
  };
}

/** Returns the index of the last start that is at most `offset`. */
function chunkAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = low + high + 1 >>> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
