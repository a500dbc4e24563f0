/**
 * Batches that were found in a segment, and are read when they are copied into an answer.
 *
 * @module
 */
import type { RecordsSource } from "../../protocol/records_source.ts";

/** Batches that were read, in the file until they are copied. */
export interface LogRecords extends RecordsSource {
  /** An offset that none of the records reaches. */
  readonly offsetBound: number;
}

/** What a {@linkcode SegmentSlice} needs of its segment. */
interface SlicedSegment {
  readonly index: { offsetBoundAt(end: number): number };
  copy(target: Uint8Array, position: number, cuts: number): void;
  hold(): void;
  release(): void;
}

/** Batches of a segment that a response carries. */
export class SegmentSlice implements LogRecords {
  /** `byteLength` bytes from `start` on, unless the segment is cut more than `cuts` times. */
  constructor(
    private readonly segment: SlicedSegment,
    private readonly start: number,
    readonly byteLength: number,
    private readonly cuts: number,
  ) {}

  get offsetBound(): number {
    return this.segment.index.offsetBoundAt(this.start + this.byteLength);
  }

  copyTo(target: Uint8Array, offset: number): void {
    this.segment.copy(target, this.start + offset, this.cuts);
  }

  hold(): void {
    this.segment.hold();
  }

  release(): void {
    this.segment.release();
  }
}

/** No batches at all. */
export const NO_RECORDS: LogRecords = { byteLength: 0, offsetBound: 0, copyTo: () => {} };
