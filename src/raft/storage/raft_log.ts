/**
 * The log of the quorum: the partition log `__cluster_metadata-0` with the snapshots that replace its
 * beginning. The log's start moves only onto the end of a snapshot, so that a snapshot and the log after
 * it always hold the whole state.
 *
 * Calls that append or truncate must follow one another; the caller keeps the order and the rules of Raft.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  endOfBatch,
  headerProblem,
  readBaseOffset,
  readLastOffset,
  readPartitionLeaderEpoch,
} from "../../protocol/records/batch.ts";
import type { EpochStart } from "../../log/leader_epochs.ts";
import type { AppendedRange } from "../../log/log_types.ts";
import type { PartitionLog } from "../../log/partition_log.ts";
import type { LogRecords } from "../../log/segments/log_records.ts";
import type { SnapshotFiles } from "./snapshot_files.ts";
import { snapshotFileName, type SnapshotId } from "./snapshot_names.ts";

/** The offsets of a log, its epochs and its snapshots. */
export interface RaftLogOutline {
  readonly startOffset: number;
  readonly endOffset: number;
  /** The first offset of each epoch that has records in the log, in ascending order. */
  readonly epochs: readonly EpochStart[];
  /** In ascending order, without the bootstrap snapshot. */
  readonly snapshots: readonly SnapshotId[];
}

/** When old snapshots, and the part of the log before the next one, are deleted. */
export interface SnapshotRetention {
  /** `metadata.max.retention.bytes`: the maximum size of log and snapshots, or -1 for no limit. */
  readonly maxBytes: number;
  /** `metadata.max.retention.ms`: the maximum age of the newest record of a snapshot, or -1. */
  readonly maxAgeMs: number;
  /** The time, ms since 1970. */
  readonly nowMs: number;
}

/** The parts of a {@linkcode RaftLog}. */
export interface RaftLogOptions {
  /** The partition log. */
  readonly log: PartitionLog;
  /** The snapshots in its directory. */
  readonly snapshots: SnapshotFiles;
}

/** The log of the quorum on one node. Methods throw a `KafkaError`, KAFKA_STORAGE_ERROR when files fail. */
export class RaftLog {
  /** The snapshots. Only {@linkcode RaftLog.deleteBeforeSnapshot} and the log's truncation remove any. */
  readonly snapshots: SnapshotFiles;
  readonly #log: PartitionLog;

  private constructor({ log, snapshots }: RaftLogOptions) {
    this.#log = log;
    this.snapshots = snapshots;
  }

  /**
   * Makes what was found durable and finishes what a crash has interrupted: a snapshot beyond the log
   * was received to replace it, and one before its start was to be removed. Rejects when the beginning of
   * the log is in no snapshot.
   */
  static async open(options: RaftLogOptions): Promise<RaftLog> {
    const { log, snapshots } = options;
    const { latest } = snapshots;
    if (log.logStartOffset > (latest?.endOffset ?? 0)) {
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        `Cannot open ${log.name}: it begins at offset ${log.logStartOffset}, and no snapshot in ` +
          `${log.directory} has the records before; bring the .checkpoint file back from a copy, ` +
          "or format the directory with a new directory id while the other controllers have a leader",
      );
    }
    const opened = new RaftLog(options);
    // A new log is made durable with its first records. One that was repaired must be durable before.
    if (log.logEndOffset > 0 || log.mustFlushFirst || latest !== null) await log.flush();
    if (latest !== null && opened.#isReplacedBy(latest)) await opened.truncateFully(latest);
    opened.#deleteSnapshotsBeforeStart();
    return opened;
  }

  /** The first offset of the log: 0, or the end of a snapshot. */
  get startOffset(): number {
    return this.#log.logStartOffset;
  }

  /** The offset of the next record. */
  get endOffset(): number {
    return this.#log.logEndOffset;
  }

  /** All records below this offset are durable. */
  get durableOffset(): number {
    return this.#log.recoveryPoint;
  }

  /** The epoch of the last record of the log, or of the snapshot that it continues; 0 for neither. */
  get lastEpoch(): number {
    return this.#epochs().at(-1)?.epoch ?? this.snapshots.latest?.epoch ?? 0;
  }

  /** Returns the offsets, epochs and snapshots. */
  outline(): RaftLogOutline {
    const { startOffset, endOffset, snapshots } = this;
    return { startOffset, endOffset, epochs: this.#epochs(), snapshots: snapshots.ids };
  }

  /**
   * Appends batches as the leader of `leaderEpoch`. They get that epoch and the next offsets, and are
   * copied before this returns. Throws RECORD_LIST_TOO_LARGE, CORRUPT_MESSAGE.
   */
  append(batches: Uint8Array, leaderEpoch: number): AppendedRange {
    assert(
      leaderEpoch >= this.lastEpoch,
      `Epoch ${leaderEpoch} is appended to ${this.#log.name} after ${this.lastEpoch}`,
    );
    const { baseOffset, lastOffset } = this.#log.append(batches, { leaderEpoch, origin: "raft" });
    return { baseOffset, lastOffset };
  }

  /**
   * Appends batches that were fetched from the leader of `leaderEpoch`, with their offsets and epochs. An
   * incomplete batch at their end, and a batch of an epoch above `leaderEpoch`, are left out. Returns
   * null if nothing was appended. Throws OFFSET_OUT_OF_RANGE unless the first batch begins at the log's
   * end and each other one at the end of the one before, FENCED_LEADER_EPOCH for an epoch below the
   * log's, and CORRUPT_MESSAGE.
   */
  appendFetched(batches: Uint8Array, leaderEpoch: number): AppendedRange | null {
    if (batches.length === 0) return null;
    this.#checkContinuity(batches, leaderEpoch);
    return this.#log.appendAsFollower(batches, { leaderEpoch });
  }

  /**
   * Returns whole batches from the one that holds `offset` on, up to `maxBytes` but at least one; empty
   * at the log's end. They are read from the file when they are copied. Throws OFFSET_OUT_OF_RANGE.
   */
  read(offset: number, maxBytes: number, endOffset: number = this.endOffset): LogRecords {
    return this.#log.read({ fetchOffset: offset, maxBytes, endOffset, minOneBatch: true });
  }

  /** Returns whether a batch begins at `offset`, or the log ends there: a snapshot must end so. */
  isBatchBoundary(offset: number): boolean {
    const { startOffset, endOffset } = this;
    if (offset === startOffset || offset === endOffset) return true;
    if (offset < startOffset || offset > endOffset) return false;
    const header = new Uint8Array(8);
    this.read(offset, 1).copyTo(header, 0);
    return readBaseOffset(header, 0) === offset;
  }

  /** Resolves with the offset below which all records are durable, at least the end at the call. */
  async flush(): Promise<number> {
    await this.#log.flush();
    return this.durableOffset;
  }

  /**
   * Removes the records from `offset` on, and those of its batch before it. Resolves with the log's end
   * when no power failure can bring them back.
   */
  async truncateTo(offset: number): Promise<number> {
    const least = Math.max(this.startOffset, this.snapshots.latest?.endOffset ?? 0);
    assert(
      offset >= least,
      `${this.#log.name} is truncated to ${offset}, although it is committed up to ${least}`,
    );
    await this.#log.truncateTo(offset);
    return this.endOffset;
  }

  /**
   * Replaces the log and all older snapshots by the snapshot `id`, which exists: the log is empty and
   * begins at its end. Resolves when that is durable. After a crash the next start repeats it.
   */
  async truncateFully(id: SnapshotId): Promise<void> {
    const { latest } = this.snapshots;
    assert(
      latest?.endOffset === id.endOffset && latest.epoch === id.epoch,
      `${this.#log.name} is replaced by ${snapshotFileName(id)}, which is not the latest snapshot`,
    );
    await this.#log.truncateFully(id.endOffset);
    this.snapshots.deleteBefore(id);
  }

  /**
   * Moves the log's start to the end of the snapshot `id`, and removes older snapshots once that is
   * durable. The files of the log's records are deleted `file.delete.delay.ms` later.
   */
  async deleteBeforeSnapshot(id: SnapshotId): Promise<void> {
    assert(
      this.snapshots.has(id) && id.endOffset <= this.endOffset,
      `${this.#log.name} cannot begin at ${snapshotFileName(id)}`,
    );
    this.#log.deleteRecordsBefore(id.endOffset);
    await this.#log.logStartOffsetSaved();
    if (this.snapshots.has(id)) this.snapshots.deleteBefore(id);
  }

  /**
   * Returns the snapshot onto which the log's start should move, for
   * {@linkcode RaftLog.deleteBeforeSnapshot}, or null. Call again after it has moved.
   */
  nextStart({ maxBytes, maxAgeMs, nowMs }: SnapshotRetention): SnapshotId | null {
    const [first, second = null] = this.snapshots.ids;
    if (first === undefined) return null;
    if (this.#isTooLarge(maxBytes)) return this.startOffset < first.endOffset ? first : second;
    if (second === null || maxAgeMs < 0) return null;
    return nowMs - this.#timestampOf(first) > maxAgeMs ? second : null;
  }

  #isTooLarge(maxBytes: number): boolean {
    if (maxBytes < 0) return false;
    const { snapshots } = this;
    const sizes = snapshots.ids.reduce((sum, id) => sum + snapshots.sizeOf(id), 0);
    return this.#log.sizeInBytes + sizes > maxBytes;
  }

  /** Returns when the last record in the snapshot was appended, ms since 1970. */
  #timestampOf(id: SnapshotId): number {
    const { reader, close } = this.snapshots.read(id);
    close();
    return Number(reader.header.lastContainedLogTimestamp);
  }

  /** An epoch that begins at the log's end has no record. */
  #epochs(): readonly EpochStart[] {
    const { endOffset } = this;
    return this.#log.epochs.filter((start) => start.startOffset < endOffset);
  }

  #deleteSnapshotsBeforeStart(): void {
    const { startOffset, snapshots } = this;
    const first = snapshots.ids.find(({ endOffset }) => endOffset >= startOffset);
    if (startOffset > 0 && first !== undefined) snapshots.deleteBefore(first);
  }

  /** Whether the log ends before the snapshot, or has parted from the history that is in it. */
  #isReplacedBy({ endOffset, epoch }: SnapshotId): boolean {
    const isEmpty = this.startOffset === this.endOffset;
    if (isEmpty && this.startOffset === endOffset) return false;
    return endOffset > this.endOffset || epoch > (this.#epochs().at(-1)?.epoch ?? -1);
  }

  #checkContinuity(batches: Uint8Array, leaderEpoch: number): void {
    let expected = this.endOffset;
    for (let at = 0; at < batches.length;) {
      const end = endOfBatch(batches, at, batches.length);
      // The append itself reports damage.
      if (end === -1 || headerProblem(batches, at, end - at) !== null) return;
      if (readPartitionLeaderEpoch(batches, at) > leaderEpoch) return;
      const baseOffset = readBaseOffset(batches, at);
      if (baseOffset !== expected) {
        throw new KafkaError(
          ErrorCode.OFFSET_OUT_OF_RANGE,
          `Cannot append to ${this.#log.name}: a batch begins at offset ${baseOffset}, and the one ` +
            `before ends at ${expected}`,
        );
      }
      expected = readLastOffset(batches, at) + 1;
      at = end;
    }
  }
}
