/**
 * A partition that a consumer reads, with how far it has come.
 *
 * @module
 */

/** Where to begin: the oldest record, the end, an offset, or the first record not before a time. */
export type StartPosition = "earliest" | "latest" | number | {
  readonly timestamp: number | bigint;
};

/** A partition by its topic and number. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A partition while it is assigned; assigned again it is another one. */
export class AssignedPartition implements TopicPartition {
  /** The offset of the record to be handed out next, -1 while unknown. */
  position = -1;
  /** What of that is surely processed: the record handed out last may not be. */
  processed = -1;
  /** What the group has stored, -1 for nothing. */
  committed = -1;
  /** The offset to be fetched next, ahead of the position by what is in memory; -1 while unknown. */
  fetchOffset = -1;
  /** The offset after the last record that may be read, as last heard; -1 before that. */
  highWatermark = -1;
  /** Answers in memory that have not been handed out. */
  buffered = 0;
  /** Whether a request for it is on its way. */
  isBusy = false;
  /** It is left alone until then, by the monotonic clock. */
  notBeforeMs = 0;
  /** Requests for it that have failed one after the other. */
  failures = 0;
  /** Whether it was taken away: what still arrives for it is dropped. */
  isRevoked = false;

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** Where to begin while the offset is unknown. */
    public start: StartPosition,
  ) {
    if (typeof start === "number") this.moveTo(start);
  }

  /** The partition as logs and messages name it. */
  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** Goes on from `offset`. */
  moveTo(offset: number): void {
    this.position = this.processed = this.fetchOffset = offset;
  }
}
