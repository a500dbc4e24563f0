/**
 * The answers of one connection, on their way out in the order of their requests. Answers that are
 * ready together leave in one write; records are copied from the log into a borrowed buffer at the
 * moment they are sent, so an answer that waits for a slow reader holds no records; their files stay
 * until then.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { ByteWriter } from "../../protocol/wire.ts";
import type { SendPool } from "./send_pool.ts";

/** Writes one whole frame. */
export type FillAnswer = (writer: ByteWriter) => void;

/** The place of one request's answer. */
export interface AnswerSlot {
  /** Gives the answer, or null when none is to be sent. Called once. */
  complete(fill: FillAnswer | null): void;
}

class Slot implements AnswerSlot {
  fill: FillAnswer | null = null;
  ready = false;
  constructor(readonly queue: AnswerQueue) {}

  complete(fill: FillAnswer | null): void {
    assert(!this.ready, "a request was answered twice");
    this.ready = true;
    this.fill = fill;
    this.queue.advance();
  }
}

/** Orders, gathers and writes. */
export class AnswerQueue {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #pool: SendPool;
  readonly #onBroken: (error: unknown) => void;
  readonly #slots: Slot[] = [];
  /** Answers that gather; null while there are none, so that an idle connection holds no buffer. */
  #filling: ByteWriter | null = null;
  #unsentBytes = 0;
  #writing = false;
  #held = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(
    write: (bytes: Uint8Array) => Promise<void>,
    pool: SendPool,
    onBroken: (error: unknown) => void,
  ) {
    this.#write = write;
    this.#pool = pool;
    this.#onBroken = onBroken;
  }

  /** Requests without a complete answer, or with one that waits for an earlier request's. */
  get inFlight(): number {
    return this.#slots.length;
  }

  /** Bytes of answers that the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** A place behind all those opened before. */
  open(): AnswerSlot {
    const slot = new Slot(this);
    this.#slots.push(slot);
    return slot;
  }

  /** Holds writes back while several requests are started, so that their answers leave together. */
  hold(): void {
    this.#held = true;
  }

  /** Ends {@linkcode hold} and writes what has gathered. */
  release(): void {
    this.#held = false;
    this.#send();
  }

  /** Resolves when something has been sent or completed since. */
  progress(): Promise<void> {
    return this.#closed
      ? Promise.resolve()
      : new Promise((resolve) => void this.#waiters.push(resolve));
  }

  /** Drops everything: the connection is gone. */
  close(): void {
    this.#closed = true;
    this.#slots.length = 0;
    this.#filling?.releaseParts();
    this.#filling = null;
    this.#wake();
  }

  /** Moves answers that are ready, up to the first that is not, into the send buffer. */
  advance(): void {
    if (this.#closed) return;
    let moved = 0;
    while (moved < this.#slots.length && this.#slots[moved]!.ready) {
      const { fill } = this.#slots[moved]!;
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

  /** Copies own bytes and records, in order, into borrowed chunks and writes each. */
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
        const room = Math.min(chunk.length, left);
        while (filled < room) {
          const ownTo = parts[part]?.position ?? own.length;
          if (ownFrom < ownTo) {
            const length = Math.min(ownTo - ownFrom, room - filled);
            chunk.set(own.subarray(ownFrom, ownFrom + length), filled);
            ownFrom += length;
            filled += length;
            continue;
          }
          const { source } = parts[part]!;
          const length = Math.min(source.byteLength - partFrom, room - filled);
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
