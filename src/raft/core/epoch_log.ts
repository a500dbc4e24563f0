/**
 * The outline of a log: its offsets, the epochs of its records and its snapshots, but not the records. It
 * decides whether the log of another replica agrees with this one.
 *
 * @module
 */
import { assert } from "../../assert.ts";

/** Names a snapshot: the offset after its last record, and that record's epoch (KIP-630). */
export interface SnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

/** An epoch with the offset of its first record. */
export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** How a log begins its life in the core. */
export interface LogOutline {
  readonly startOffset: number;
  readonly endOffset: number;
  /** In ascending order. Without records that an earlier snapshot contains. */
  readonly epochs: readonly EpochStart[];
  /** In ascending order, none before the start. The bootstrap checkpoint, 0-0, does not count. */
  readonly snapshots: readonly SnapshotId[];
}

/** How the end of another replica's log relates to this log. */
export type Agreement =
  /** The other log is a prefix of this one. */
  | { readonly type: "valid" }
  /** The other log must be truncated to this point, or to its own end of this epoch if that is lower. */
  | { readonly type: "diverging"; readonly epoch: number; readonly endOffset: number }
  /** The other log ends before this one begins, and must be replaced by this snapshot. */
  | { readonly type: "snapshot"; readonly id: SnapshotId };

/** Returns the text of `id` for messages and transcripts. */
export function snapshotName({ endOffset, epoch }: SnapshotId): string {
  return `${endOffset}-${epoch}`;
}

/** The outline of one log. */
export class EpochLog {
  #startOffset: number;
  #endOffset: number;
  #durableOffset: number;
  #epochs: EpochStart[];
  #snapshots: SnapshotId[];

  /** Everything in `outline` is durable. */
  constructor({ startOffset, endOffset, epochs, snapshots }: LogOutline) {
    this.#startOffset = startOffset;
    this.#endOffset = endOffset;
    this.#durableOffset = endOffset;
    this.#epochs = [...epochs];
    this.#snapshots = [...snapshots];
    const { latestSnapshot: latest, earliestSnapshot: earliest } = this;
    assert(
      earliest === null || earliest.endOffset >= startOffset,
      `The snapshot ${
        earliest && snapshotName(earliest)
      } ends before the log's start ${startOffset}`,
    );
    assert(
      startOffset === 0 || latest !== null && latest.endOffset >= startOffset,
      `The log begins at ${startOffset} without a snapshot of the records before`,
    );
    assert(
      latest === null || latest.endOffset <= endOffset,
      `The log ends at ${endOffset}, before the snapshot ${latest?.endOffset}`,
    );
    assert(
      latest === null || latest.endOffset === startOffset ||
        this.epochAt(latest.endOffset - 1) === latest.epoch,
      `The log has other records than the snapshot ${latest && snapshotName(latest)}`,
    );
  }

  get startOffset(): number {
    return this.#startOffset;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  /** The offset below which all records survive a power failure. */
  get durableOffset(): number {
    return this.#durableOffset;
  }

  /** The epoch of the last record, which may be in a snapshot; 0 for an empty log. */
  get lastEpoch(): number {
    return this.#epochs.at(-1)?.epoch ?? this.latestSnapshot?.epoch ?? 0;
  }

  get earliestSnapshot(): SnapshotId | null {
    return this.#snapshots[0] ?? null;
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#snapshots.at(-1) ?? null;
  }

  /** Returns the largest epoch of the log that is at most `epoch`, and the offset at which it ends. */
  endOfEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number } {
    const index = this.#epochs.findLastIndex((start) => start.epoch <= epoch);
    const next = this.#epochs[index + 1];
    if (index >= 0) {
      return { epoch: this.#epochs[index]!.epoch, endOffset: next?.startOffset ?? this.#endOffset };
    }
    const snapshot = this.earliestSnapshot;
    if (snapshot !== null && snapshot.epoch <= epoch && this.#startOffset > 0) {
      return { epoch: snapshot.epoch, endOffset: snapshot.endOffset };
    }
    return { epoch: 0, endOffset: this.#startOffset };
  }

  /** Compares with a log that ends at `offset` and whose last record has epoch `epoch`. */
  compare(offset: number, epoch: number): Agreement {
    const latest = this.latestSnapshot;
    const earliest = this.earliestSnapshot;
    if (offset === 0) return latest === null ? { type: "valid" } : { type: "snapshot", id: latest };
    if (
      latest !== null && earliest !== null && this.#startOffset > 0 &&
      (offset < this.#startOffset || epoch < earliest.epoch ||
        offset === this.#startOffset && epoch !== earliest.epoch)
    ) return { type: "snapshot", id: latest };
    const end = this.endOfEpoch(epoch);
    if (end.epoch === epoch && end.endOffset >= offset) return { type: "valid" };
    return { type: "diverging", ...end };
  }

  /** Appends records with offsets up to `lastOffset`. Throws an AssertionFailure for a gap or an old epoch. */
  append(baseOffset: number, lastOffset: number, epoch: number): void {
    assert(
      baseOffset === this.#endOffset && lastOffset >= baseOffset,
      `Records ${baseOffset} to ${lastOffset} after ${this.#endOffset}`,
    );
    assert(epoch >= this.lastEpoch, `A record of epoch ${epoch} after ${this.lastEpoch}`);
    const last = this.#epochs.at(-1);
    if (last?.epoch !== epoch) this.#epochs.push({ epoch, startOffset: baseOffset });
    this.#endOffset = lastOffset + 1;
  }

  /** Marks the records below `offset` as durable. */
  setDurable(offset: number): void {
    this.#durableOffset = Math.max(this.#durableOffset, Math.min(offset, this.#endOffset));
  }

  /** Removes the records at `endOffset` and after. */
  truncateTo(endOffset: number): void {
    assert(
      endOffset >= this.#startOffset && endOffset <= this.#endOffset,
      `Cannot truncate a log of ${this.#startOffset} to ${this.#endOffset} to ${endOffset}`,
    );
    this.#endOffset = endOffset;
    this.#durableOffset = Math.min(this.#durableOffset, endOffset);
    while ((this.#epochs.at(-1)?.startOffset ?? -1) >= endOffset) this.#epochs.pop();
  }

  /** Removes all records and begins anew at the end of snapshot `id`, which is durable. */
  truncateFully(id: SnapshotId): void {
    assert(id.endOffset > this.#startOffset, `Snapshot ${snapshotName(id)} is before the log`);
    this.#startOffset = this.#endOffset = this.#durableOffset = id.endOffset;
    this.#epochs = [];
    this.#snapshots = [id];
  }

  /** Adds a snapshot of the records before `id.endOffset`. */
  addSnapshot(id: SnapshotId): void {
    assert(
      id.endOffset <= this.#endOffset && id.endOffset > (this.latestSnapshot?.endOffset ?? 0),
      `Snapshot ${snapshotName(id)} of a log that ends at ${this.#endOffset}`,
    );
    this.#snapshots.push(id);
  }

  /** Returns whether the log has the snapshot `id`. */
  hasSnapshot(id: SnapshotId): boolean {
    return this.#snapshots.some((one) => one.endOffset === id.endOffset && one.epoch === id.epoch);
  }

  /** Removes the records and snapshots that `id` replaces, which then is the earliest snapshot. */
  startAt(id: SnapshotId): void {
    assert(this.hasSnapshot(id), `The log has no snapshot ${snapshotName(id)}`);
    this.#startOffset = Math.max(this.#startOffset, id.endOffset);
    this.#snapshots = this.#snapshots.filter(({ endOffset }) => endOffset >= id.endOffset);
    const kept = this.#epochs.findLastIndex(({ startOffset }) => startOffset <= id.endOffset);
    this.#epochs = this.#epochs.slice(Math.max(0, kept)).map(({ epoch, startOffset }) => ({
      epoch,
      startOffset: Math.max(startOffset, id.endOffset),
    }));
    // The last of the epochs before may have no record left.
    const [first] = this.#epochs;
    if (first !== undefined && first.startOffset >= this.#endOffset) this.#epochs.shift();
  }

  /** Returns the epoch of the record at `offset`, or of the snapshot that contains it. */
  epochAt(offset: number): number {
    const start = this.#epochs.findLast((one) => one.startOffset <= offset);
    return start?.epoch ?? this.earliestSnapshot?.epoch ?? 0;
  }
}
