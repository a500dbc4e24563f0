/**
 * The disk of a simulated replica: its log, snapshots and state, of which only the durable part survives a
 * crash.
 *
 * @module
 */
import { assert } from "../../../../src/assert.ts";
import type { RaftStart } from "../../../../src/raft/core/core.ts";
import type { DurableState } from "../../../../src/raft/core/effects.ts";
import type { LogOutline, SnapshotId } from "../../../../src/raft/core/epoch_log.ts";
import type { FetchedBatch } from "../../../../src/raft/core/messages.ts";
import { VoterSet } from "../../../../src/raft/core/voter_set.ts";

/**
 * A batch. The same object is in the logs of all replicas that have it, so that two logs are equal where
 * they have the same objects.
 */
export type Batch = FetchedBatch;

/** A snapshot of all records before its end. */
export interface Snapshot {
  readonly id: SnapshotId;
  /** Null under `kraft.version` 0. */
  readonly voters: VoterSet | null;
  readonly kraftVersion: number;
  readonly bytes: Uint8Array;
}

/** What a replica with a new disk knows about the voters under `kraft.version` 1. */
export const NO_VOTERS = { voters: new VoterSet([]), kraftVersion: 1 };

/** The disk of one replica. */
export class ReplicaDisk {
  state: DurableState | null = null;
  snapshots: Snapshot[] = [];
  startOffset = 0;
  /** The records below are durable. */
  durableEnd = 0;
  batches: Batch[] = [];

  /** `voters` and `kraftVersion` are what the replica has without a log. */
  constructor(
    readonly directoryId: string,
    readonly initial: { readonly voters: VoterSet; readonly kraftVersion: number },
  ) {}

  get endOffset(): number {
    return (this.batches.at(-1)?.lastOffset ?? this.startOffset - 1) + 1;
  }

  get latestSnapshot(): Snapshot | null {
    return this.snapshots.at(-1) ?? null;
  }

  append(batch: Batch): void {
    assert(
      batch.baseOffset === this.endOffset,
      `Batch ${batch.baseOffset} after ${this.endOffset}`,
    );
    this.batches.push(batch);
  }

  /** Removes batches, durably. Returns them. */
  truncate(endOffset: number): Batch[] {
    const kept = this.indexOf(endOffset);
    const removed = this.batches.splice(kept);
    assert(
      removed.length === 0 || removed[0]!.baseOffset === endOffset,
      `Truncation to ${endOffset}, inside of a batch`,
    );
    this.durableEnd = Math.min(this.durableEnd, endOffset);
    return removed;
  }

  /** Replaces the log by a snapshot of it, durably. */
  replaceBy(snapshot: Snapshot): void {
    this.batches = [];
    this.startOffset = this.durableEnd = snapshot.id.endOffset;
    this.snapshots = [snapshot];
  }

  /** Removes the records before the end of a snapshot, and earlier snapshots. */
  cut({ endOffset }: SnapshotId): void {
    this.batches.splice(0, this.indexOf(endOffset));
    this.startOffset = Math.max(this.startOffset, endOffset);
    this.snapshots = this.snapshots.filter(({ id }) => id.endOffset >= endOffset);
  }

  /** Returns the index of the first batch that ends after `offset`. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = low + high >> 1;
      if (this.batches[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Returns the batch with the record at `offset`, or undefined. */
  batchAt(offset: number): Batch | undefined {
    const batch = this.batches[this.indexOf(offset)];
    return batch !== undefined && batch.baseOffset <= offset ? batch : undefined;
  }

  /** Returns the epoch of the record before `offset`, or undefined if it is not known. */
  epochBefore(offset: number): number | undefined {
    const snapshot = this.snapshots.find(({ id }) => id.endOffset === offset);
    return this.batchAt(offset - 1)?.epoch ?? snapshot?.id.epoch ?? (offset === 0 ? 0 : undefined);
  }

  /** Loses some of the batches that are not durable. Returns how many. */
  crash(below: (bound: number) => number): number {
    const durable = this.indexOf(this.durableEnd);
    const kept = durable + below(this.batches.length - durable + 1);
    const lost = this.batches.splice(kept).length;
    this.durableEnd = this.endOffset;
    this.#recover();
    return lost;
  }

  /** Loses the log, but not the state of the quorum. */
  loseLog(): void {
    this.batches = [];
    this.snapshots = [];
    this.startOffset = this.durableEnd = 0;
  }

  /** Returns the voters as of the records before `endOffset`, as the log has them. */
  votersBefore(endOffset: number): VoterSet {
    for (let index = this.batches.length - 1; index >= 0; index--) {
      const { baseOffset, control } = this.batches[index]!;
      for (let record = control.length - 1; record >= 0; record--) {
        const found = control[record]!;
        if (found.type !== "voters" || baseOffset + record >= endOffset) continue;
        return new VoterSet(found.voters);
      }
    }
    const snapshot = this.snapshots.findLast(({ id }) => id.endOffset <= endOffset);
    return snapshot?.voters ?? this.initial.voters;
  }

  /** What a process finds. */
  open(): Pick<RaftStart, "log" | "durable" | "voters" | "kraftVersion" | "voterRecords"> {
    const { startOffset, endOffset, batches, snapshots } = this;
    const epochs: { epoch: number; startOffset: number }[] = [];
    const voterRecords: RaftStart["voterRecords"][number][] = [];
    for (const { baseOffset, epoch, control } of batches) {
      if (epochs.at(-1)?.epoch !== epoch) epochs.push({ epoch, startOffset: baseOffset });
      for (const [index, record] of control.entries()) {
        const offset = baseOffset + index;
        if (record.type === "voters") {
          voterRecords.push({ offset, voters: new VoterSet(record.voters) });
        } else if (record.type === "kraft-version") {
          voterRecords.push({ offset, kraftVersion: record.level });
        }
      }
    }
    const latest = this.latestSnapshot;
    const log: LogOutline = {
      startOffset,
      endOffset,
      epochs,
      snapshots: snapshots.map(({ id }) => id),
    };
    return {
      log,
      durable: this.state,
      voters: latest?.voters ?? this.initial.voters,
      kraftVersion: latest?.kraftVersion ?? this.initial.kraftVersion,
      voterRecords,
    };
  }

  /**
   * A snapshot replaces a log that it is not a part of: its download was complete, or records that it
   * contains were not durable.
   */
  #recover(): void {
    const latest = this.latestSnapshot;
    if (latest === null || latest.id.endOffset === this.startOffset) return;
    const { endOffset, epoch } = latest.id;
    if (this.endOffset >= endOffset && this.epochBefore(endOffset) === epoch) return;
    this.replaceBy(latest);
  }
}
