/**
 * Encodes answers that are too large for one turn of the event loop. All connections of a server take
 * turns: one answer is encoded at a time, so that the time between two turns does not grow with their number.
 * The result is a list of chunks, since a large buffer would be copied each time it grows.
 *
 * @module
 */
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { RecordsSource } from "../../protocol/records_source.ts";
import type { WriteInSteps } from "../../protocol/schema.ts";
import { ByteWriter } from "../../protocol/wire.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { runInTurns, serveOthers } from "./turns.ts";

/** Answers with more array elements are encoded in steps: 1,024 take a millisecond. */
const SMALL_ANSWER_ELEMENTS = 1_024;
/** The size of a request with so many elements that is answered at once. */
const SMALL_REQUEST_BYTES = 65_536;

/**
 * Returns whether to encode an answer with so many array elements in steps. It repeats what was asked, and may
 * repeat it in the description of an error.
 */
export function isLargeAnswer(elements: number, requestBytes: number): boolean {
  return elements > SMALL_ANSWER_ELEMENTS ||
    elements * requestBytes > SMALL_ANSWER_ELEMENTS * SMALL_REQUEST_BYTES;
}

/** Encodes the large answers of one server. */
export class LargeAnswers {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();

  /** `clock` measures the turns. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `steps` after all earlier ones, and serves other connections in between. Resolves with their result,
   * or with null as soon as `isWanted` returns false. Rejects like a step.
   */
  run<Result>(steps: Steps<Result>, isWanted: () => boolean): Promise<Result | null> {
    const result = this.#last.then(() => this.#run(steps, isWanted));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run<Result>(steps: Steps<Result>, isWanted: () => boolean): Promise<Result | null> {
    // The answer itself may have been made in this turn.
    await serveOthers(this.#clock);
    return await runInTurns(whileWanted(steps, isWanted), this.#clock);
  }
}

function* whileWanted<Result>(
  steps: Steps<Result>,
  isWanted: () => boolean,
): Steps<Result | null> {
  while (isWanted()) {
    const step = steps.next();
    if (step.done === true) return step.value;
    yield;
  }
  return null;
}

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
