/**
 * Record batches that are part of a response but copied only when it is sent.
 *
 * @module
 */

/**
 * Record batches that a response refers to without holding them. They are copied directly from
 * their storage into the send buffer when the response is written.
 */
export interface RecordsSource {
  readonly byteLength: number;
  /** Copies `target.length` bytes, starting `offset` bytes into the records, into `target`. */
  copyTo(target: Uint8Array, offset: number): void;
  /**
   * Called when the records become part of a pending response. Their storage must not change until
   * released.
   */
  hold?(): void;
  /** Called once per {@linkcode RecordsSource.hold}, when the response has been sent or dropped. */
  release?(): void;
}

/** A position in the written bytes where those of a {@linkcode RecordsSource} belong. */
export interface ExternalPart {
  /** Number of the writer's own bytes before it. */
  readonly position: number;
  readonly source: RecordsSource;
}
