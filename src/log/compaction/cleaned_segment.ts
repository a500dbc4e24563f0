/**
 * The segment that compaction writes: what is kept is gathered and written in large pieces, and
 * brought to the disk piece by piece, so that no sync has much to do at once.
 *
 * @module
 */
import {
  readBaseOffset,
  readBatchSize,
  readLastOffset,
  readMaxTimestamp,
} from "../../protocol/records/batch.ts";
import type { Segment } from "../segments/segment.ts";

/** How much is gathered before it is written, bytes. */
const PIECE_BYTES = 65_536;
/** How much is written before it is synced, bytes. */
const SYNC_BYTES = 8_388_608;

/** Writes one new segment from its beginning. */
export class CleanedSegment {
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #gathered = 0;
  #unsynced = 0;

  /** A writer into `segment`, which is empty. */
  constructor(readonly segment: Segment) {}

  /** Whether enough was written that {@linkcode CleanedSegment.sync} should be awaited. */
  get isDueForSync(): boolean {
    return this.#unsynced >= SYNC_BYTES;
  }

  /** Adds the batch `bytes[at..at + size)`. Returns how many bytes went to the file. */
  add(bytes: Uint8Array, at: number, size: number): number {
    let written = 0;
    if (this.#gathered + size > PIECE_BYTES) written = this.flush();
    if (size > PIECE_BYTES) return written + this.#write(bytes.subarray(at, at + size));
    this.#piece.set(bytes.subarray(at, at + size), this.#gathered);
    this.#gathered += size;
    return written;
  }

  /** Writes what was gathered. Returns how many bytes went to the file. */
  flush(): number {
    const length = this.#gathered;
    this.#gathered = 0;
    return length === 0 ? 0 : this.#write(this.#piece.subarray(0, length));
  }

  /** Resolves when everything written so far is on the disk. */
  async sync(): Promise<void> {
    this.#unsynced = 0;
    await this.segment.sync();
  }

  #write(batches: Uint8Array): number {
    const { segment } = this;
    segment.write(batches);
    for (let at = 0; at < batches.length;) {
      const size = readBatchSize(batches, at);
      segment.addBatch(
        size,
        readBaseOffset(batches, at),
        readLastOffset(batches, at),
        readMaxTimestamp(batches, at),
      );
      at += size;
    }
    this.#unsynced += batches.length;
    return batches.length;
  }
}
