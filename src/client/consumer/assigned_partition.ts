/**
 * A partition assigned to a consumer, with its read positions.
 *
 * @module
 */

/**
 * A start position: the earliest or latest offset, an offset, or the first record at or after a
 * time.
 */
export type StartPosition = "earliest" | "latest" | number | {
  readonly timestamp: number | bigint;
};

/** A partition, identified by topic and number. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A partition while it is assigned. A later assignment of the same partition creates a new object.
 */
export class AssignedPartition implements TopicPartition {
  /** The offset of the next record to return, or -1 if unknown. */
  position = -1;
  /**
   * The offset up to which records are known to be processed. Excludes the record returned last.
   */
  processed = -1;
  /** The offset committed to the group, or -1 if none. */
  committed = -1;
  /** The next offset to fetch, ahead of the position by the buffered records, or -1 if unknown. */
  fetchOffset = -1;
  /** The last known offset after the last readable record, or -1 if unknown. */
  highWatermark = -1;
  /** Number of buffered responses. */
  buffered = 0;
  /** Whether a request for the partition is in flight. */
  isBusy = false;
  /** Time of the monotonic clock before which the partition is not fetched. */
  notBeforeMs = 0;
  /** Number of consecutive failed requests. */
  failures = 0;
  /** Whether the assignment was revoked. Responses that still arrive are dropped. */
  isRevoked = false;

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** The start position while the offset is unknown. */
    public start: StartPosition,
  ) {
    if (typeof start === "number") this.moveTo(start);
  }

  /** The partition's name in logs and messages. */
  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** Continues at `offset`. */
  moveTo(offset: number): void {
    this.position = this.processed = this.fetchOffset = offset;
  }
}
