/**
 * Batches of a segment that are read only when they are copied into a response.
 *
 * @module
 */
import type { RecordsSource } from "../../protocol/records_source.ts";

/** Batches of a log, which stay in the file until they are copied. */
export interface LogRecords extends RecordsSource {
  /** An offset above all records. */
  readonly offsetBound: number;
}

/** The part of a segment that a {@linkcode SegmentSlice} needs. */
interface SlicedSegment {
  readonly index: { offsetBoundAt(end: number): number };
  copy(target: Uint8Array, position: number, cuts: number): void;
  hold(): void;
  release(): void;
}

/** Batches of a segment for a response. */
export class SegmentSlice implements LogRecords {
  /**
   * Creates a slice of `byteLength` bytes from `start`, valid until the segment has been truncated
   * more than `cuts` times.
   */
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

/** Contains no batches. */
export const NO_RECORDS: LogRecords = { byteLength: 0, offsetBound: 0, copyTo: () => {} };
