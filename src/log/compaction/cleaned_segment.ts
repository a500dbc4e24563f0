/**
 * The segment that compaction writes. Batches are buffered and written in large pieces, and synced
 * at intervals, so that no single sync takes long.
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

/** The size of the write buffer, bytes. */
const PIECE_BYTES = 65_536;
/** The number of bytes written between two syncs. */
const SYNC_BYTES = 8_388_608;

/** Writes one new segment from its start. */
export class CleanedSegment {
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #gathered = 0;
  #unsynced = 0;

  /** Creates a writer for the empty `segment`. */
  constructor(readonly segment: Segment) {}

  /** Whether so much has been written that {@linkcode CleanedSegment.sync} is due. */
  get isDueForSync(): boolean {
    return this.#unsynced >= SYNC_BYTES;
  }

  /** Appends the batch `bytes[at..at + size)`. Returns the number of bytes written to the file. */
  add(bytes: Uint8Array, at: number, size: number): number {
    let written = 0;
    if (this.#gathered + size > PIECE_BYTES) written = this.flush();
    if (size > PIECE_BYTES) return written + this.#write(bytes.subarray(at, at + size));
    this.#piece.set(bytes.subarray(at, at + size), this.#gathered);
    this.#gathered += size;
    return written;
  }

  /** Writes the buffered bytes. Returns their number. */
  flush(): number {
    const length = this.#gathered;
    this.#gathered = 0;
    return length === 0 ? 0 : this.#write(this.#piece.subarray(0, length));
  }

  /** Resolves when everything written so far is durable. */
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
