/**
 * The answers of one connection, sent in the order of their requests. Answers that are ready at the same
 * time leave in one write. Records are copied from the log into a borrowed buffer when they are sent, so an
 * answer that waits for a slow reader holds no records, only their files.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { ByteWriter } from "../../protocol/wire.ts";
import type { LargeAnswers } from "./large_answers.ts";
import type { SendPool } from "./send_pool.ts";

/** Writes one complete frame. */
export type FillAnswer = (writer: ByteWriter) => void;

/** An answer to be encoded in steps when those before it have been. */
export interface LargeAnswer {
  encode(): Steps<FillAnswer>;
}

/** The position of one request's answer in the queue. */
export interface AnswerSlot {
  /** Sets the answer, null if none is sent. Must be called once. */
  complete(answer: FillAnswer | LargeAnswer | null): void;
}

class Slot implements AnswerSlot {
  answer: FillAnswer | LargeAnswer | null = null;
  ready = false;
  constructor(readonly queue: AnswerQueue) {}

  complete(answer: FillAnswer | LargeAnswer | null): void {
    assert(!this.ready, "a request was answered twice");
    this.ready = true;
    this.answer = answer;
    this.queue.advance();
  }
}

/** Orders, batches and writes answers. */
export class AnswerQueue {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #pool: SendPool;
  readonly #onBroken: (error: unknown) => void;
  readonly #largeAnswers: Pick<LargeAnswers, "run">;
  readonly #slots: Slot[] = [];
  /** The answers of the next write. Null while there are none, so an idle connection holds no buffer. */
  #filling: ByteWriter | null = null;
  #unsentBytes = 0;
  /** Whether the first answer is being encoded in steps. */
  #encoding = false;
  #writing = false;
  #held = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(
    write: (bytes: Uint8Array) => Promise<void>,
    pool: SendPool,
    onBroken: (error: unknown) => void,
    largeAnswers: Pick<LargeAnswers, "run">,
  ) {
    this.#write = write;
    this.#pool = pool;
    this.#onBroken = onBroken;
    this.#largeAnswers = largeAnswers;
  }

  /** Number of requests without an answer, or whose answer waits for that of an earlier request. */
  get inFlight(): number {
    return this.#slots.length;
  }

  /** Bytes of answers that have not been written to the socket. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Adds a slot at the end of the queue. */
  open(): AnswerSlot {
    const slot = new Slot(this);
    this.#slots.push(slot);
    return slot;
  }

  /** Delays writes while several requests are started, so that their answers leave in one write. */
  hold(): void {
    this.#held = true;
  }

  /** Ends {@linkcode hold} and writes the answers that are ready. */
  release(): void {
    this.#held = false;
    this.#send();
  }

  /** Resolves when the next answer has been completed or sent, or the queue is closed. */
  progress(): Promise<void> {
    return this.#closed
      ? Promise.resolve()
      : new Promise((resolve) => void this.#waiters.push(resolve));
  }

  /** Drops all answers: the connection is closed. */
  close(): void {
    this.#closed = true;
    this.#slots.length = 0;
    this.#filling?.releaseParts();
    this.#filling = null;
    this.#wake();
  }

  /** Moves answers into the send buffer, up to the first one that is not ready. */
  advance(): void {
    if (this.#closed || this.#encoding) return;
    let moved = 0;
    while (moved < this.#slots.length && this.#slots[moved]!.ready) {
      const fill = this.#slots[moved]!.answer;
      if (fill !== null && typeof fill !== "function") {
        this.#encode(fill, this.#slots[moved]!).catch((error) => this.#break(error));
        break;
      }
      moved++;
      if (fill === null) continue;
      const writer = this.#filling ??= this.#pool.lendWriter();
      const before = writer.totalLength;
      try {
        fill(writer);
      } catch (error) {
        return this.#break(error);
      }
      this.#unsentBytes += writer.totalLength - before;
    }
    if (moved === 0) return;
    this.#slots.splice(0, moved);
    if (!this.#held) this.#send();
  }

  async #encode(answer: LargeAnswer, slot: Slot): Promise<void> {
    this.#encoding = true;
    const fill = await this.#largeAnswers.run(answer.encode(), () => !this.#closed);
    this.#encoding = false;
    slot.answer = fill;
    this.advance();
  }

  #send(): void {
    if (this.#writing || this.#closed) return;
    if (this.#filling === null) return this.#wake();
    this.#writing = true;
    this.#drain().catch((error) => this.#break(error));
  }

  async #drain(): Promise<void> {
    while (this.#filling !== null && !this.#closed) {
      const sending = this.#filling;
      this.#filling = null;
      const { totalLength } = sending;
      if (sending.externalParts.length === 0) await this.#write(sending.written());
      else {
        try {
          await this.#writeWithRecords(sending);
        } finally {
          sending.releaseParts();
        }
      }
      this.#unsentBytes -= totalLength;
      this.#pool.giveBackWriter(sending);
      this.#wake();
    }
    this.#writing = false;
  }

  /** Copies the bytes of answers and of their records in order into borrowed chunks and writes those. */
  async #writeWithRecords(sending: ByteWriter): Promise<void> {
    const own = sending.written();
    const parts = sending.externalParts;
    let left = sending.totalLength;
    let ownFrom = 0;
    let part = 0;
    let partFrom = 0;
    while (left > 0) {
      const chunk = this.#pool.lend(left);
      try {
        let filled = 0;
        const capacity = Math.min(chunk.length, left);
        while (filled < capacity) {
          const ownTo = parts[part]?.position ?? own.length;
          if (ownFrom < ownTo) {
            const length = Math.min(ownTo - ownFrom, capacity - filled);
            chunk.set(own.subarray(ownFrom, ownFrom + length), filled);
            ownFrom += length;
            filled += length;
            continue;
          }
          const { source } = parts[part]!;
          const length = Math.min(source.byteLength - partFrom, capacity - filled);
          source.copyTo(chunk.subarray(filled, filled + length), partFrom);
          partFrom += length;
          filled += length;
          if (partFrom === source.byteLength) {
            part++;
            partFrom = 0;
          }
        }
        await this.#write(chunk.subarray(0, filled));
        left -= filled;
      } finally {
        this.#pool.giveBack(chunk);
      }
    }
  }

  #break(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#onBroken(error);
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
