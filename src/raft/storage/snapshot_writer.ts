/**
 * Writes a snapshot as Apache Kafka 4.4 does: a control batch with the SnapshotHeader and, under
 * `kraft.version` 1, the KRaftVersion and Voters records; the records in uncompressed batches; a control
 * batch with the SnapshotFooter. Offsets begin at 0, and every batch has the epoch of the snapshot's id.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { BatchBuilder } from "../../protocol/records/batch.ts";
import { type ControlRecord, encodeControlBatch, type VoterRecord } from "./control_batches.ts";

/** A batch is written once it has this size, bytes. */
const BATCH_BYTES = 65_536;
/** Maximum size of the headers of a batch and of its first record, bytes. */
const RECORD_OVERHEAD = 128;
/** The maximum size of a record, bytes: Apache Kafka's limit for a batch, less the headers. */
export const MAX_SNAPSHOT_RECORD_BYTES: number = 8_388_608 - RECORD_OVERHEAD;

/** What a snapshot says about itself. */
export interface SnapshotHeader {
  /** The timestamp of the last batch that it contains, ms since 1970. */
  readonly lastContainedLogTimestamp: Int64;
  /** The level of `kraft.version`. */
  readonly kraftVersion: number;
  /** The voters; null under `kraft.version` 0, and where they are not known yet. */
  readonly voters: readonly VoterRecord[] | null;
}

/** Options of a {@linkcode SnapshotWriter}. */
export interface SnapshotWriterOptions {
  readonly header: SnapshotHeader;
  /** The epoch of the snapshot's id. */
  readonly epoch: number;
  /** Returns the time, ms since 1970, at the start of each batch. */
  readonly now: () => number;
  /** Appends bytes, which do not change afterwards, to the file. */
  readonly write: (bytes: Uint8Array) => void;
}

/** Writes one snapshot. Not more than one batch is held in memory. */
export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions;
  #builder: BatchBuilder | null = null;
  #timestampMs = 0;
  #nextOffset = 0;
  #isFinished = false;

  /** Writes the header. Throws an AssertionFailure for voters under `kraft.version` 0. */
  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    const { lastContainedLogTimestamp, kraftVersion, voters } = options.header;
    assert(
      kraftVersion > 0 || voters === null,
      "A snapshot has a Voters record although kraft.version is 0",
    );
    const records: ControlRecord[] = [{ type: "snapshot-header", lastContainedLogTimestamp }];
    if (kraftVersion > 0) records.push({ type: "kraft-version", kraftVersion });
    if (voters !== null) records.push({ type: "kraft-voters", voters });
    this.#writeControl(records);
  }

  /** Appends a record. `value` is copied. Throws what `write` throws. */
  append(value: Uint8Array): void {
    assert(!this.#isFinished, "A record is appended to a snapshot that is complete");
    assert(
      value.length <= MAX_SNAPSHOT_RECORD_BYTES,
      `A record of ${value.length} bytes is appended to a snapshot`,
    );
    if (this.#builder !== null && this.#builder.sizeInBytes + value.length > BATCH_BYTES) {
      this.#writeBatch();
    }
    if (this.#builder === null) this.#beginBatch(value.length);
    this.#builder!.append({ value, timestamp: this.#timestampMs });
    this.#nextOffset++;
  }

  /** Writes the last batch and the footer. Throws what `write` throws. */
  finish(): void {
    assert(!this.#isFinished, "A snapshot is completed twice");
    this.#writeBatch();
    this.#writeControl([{ type: "snapshot-footer" }]);
    this.#isFinished = true;
  }

  #beginBatch(bytes: number): void {
    const { epoch, now } = this.#options;
    this.#timestampMs = now();
    this.#builder = new BatchBuilder(
      { baseOffset: this.#nextOffset, partitionLeaderEpoch: epoch },
      Math.max(BATCH_BYTES, bytes + RECORD_OVERHEAD),
    );
  }

  #writeBatch(): void {
    if (this.#builder === null) return;
    const batch = this.#builder.build();
    this.#builder = null;
    this.#options.write(batch);
  }

  #writeControl(records: readonly ControlRecord[]): void {
    const { epoch: leaderEpoch, now, write } = this.#options;
    const position = { baseOffset: this.#nextOffset, leaderEpoch, timestampMs: now() };
    write(encodeControlBatch(records, position));
    this.#nextOffset += records.length;
  }
}
