/**
 * The start offset of each leader epoch of a log (KIP-101, KIP-279), stored in Kafka's
 * `leader-epoch-checkpoint`. Returning replicas, and consumers that validate their position, use it
 * to find where their history diverges from the leader's.
 *
 * @module
 */
import type { FileSystem } from "../runtime/runtime.ts";
import { checkpointNumber, readCheckpoint, writeCheckpoint } from "./checkpoint_format.ts";
import { DurableFile } from "./text_file.ts";

/** The name of the file in a partition's directory. */
export const LEADER_EPOCH_CHECKPOINT = "leader-epoch-checkpoint";

/** An epoch and the offset of its first record. */
export interface EpochStart {
  /** The leader's epoch, 0 or more. */
  readonly epoch: number;
  /** The offset of the first record that this leader appended. */
  readonly startOffset: number;
}

/** An epoch and the offset after its last record, or -1 and -1 if unknown. */
export interface EpochEnd {
  /** The largest epoch that is at most the one asked for, or -1. */
  readonly leaderEpoch: number;
  /** The start offset of the next epoch, or -1. */
  readonly endOffset: number;
}

const UNDEFINED: EpochEnd = { leaderEpoch: -1, endOffset: -1 };

/**
 * The epochs of one log, with both epochs and start offsets strictly rising. Changes are written to
 * the file immediately, if there is one; these methods throw a `FileError`.
 */
export class LeaderEpochs {
  #starts: readonly EpochStart[] = [];

  readonly #file: DurableFile | null;
  /** Whether the file is known not to exist. */
  #isMissing = false;

  /** Creates an empty list. `path` is the checkpoint file, or null for none. */
  constructor(readonly files: FileSystem, path: string | null) {
    this.#file = path === null ? null : new DurableFile(files, path);
  }

  /** The path of the checkpoint file, which may change, or null. */
  get path(): string | null {
    return this.#file?.path ?? null;
  }

  /** Must be called after the directory was renamed. */
  moveTo(path: string): void {
    if (this.#file !== null) this.#file.path = path;
  }

  /** Whether the file was written since the last sync started. */
  get isDirty(): boolean {
    return this.#file?.isDirty ?? false;
  }

  /** Resolves when the file is durable. Rejects with a `FileError`. */
  async sync(): Promise<void> {
    await this.#file?.sync();
  }

  /** Closes the file if it is open for a sync. */
  closeFile(): void {
    this.#file?.closeFile();
  }

  /** Records that the file does not exist, which saves looking for it. */
  expectNoFile(): void {
    this.#isMissing = true;
  }

  /** Reads the file, if it exists. Throws KAFKA_STORAGE_ERROR if it is malformed. */
  load(): void {
    if (this.path === null || this.#isMissing) return;
    const path = this.path;
    const entries = readCheckpoint(this.files, path, 2) ?? [];
    let starts: readonly EpochStart[] = [];
    for (const [epoch, startOffset] of entries) {
      starts = inserted(starts, checkpointNumber(path, epoch), checkpointNumber(path, startOffset));
    }
    this.#starts = starts;
  }

  /** The newest epoch, or -1. */
  get latestEpoch(): number {
    return this.#starts.at(-1)?.epoch ?? -1;
  }

  /** The oldest epoch with its start, or null. */
  get earliest(): EpochStart | null {
    return this.#starts[0] ?? null;
  }

  /** Every epoch with its start, oldest first. */
  entries(): readonly EpochStart[] {
    return this.#starts;
  }

  /**
   * Starts `epoch` at `startOffset`, both 0 or more. Has no effect if the epoch already exists.
   * Removes epochs that start later, or at `startOffset` without any record.
   */
  assign(epoch: number, startOffset: number): void {
    const starts = inserted(this.#starts, epoch, startOffset);
    if (starts !== this.#starts) this.replace(starts);
  }

  /** Replaces all entries. If the file cannot be written, nothing changes. */
  replace(starts: readonly EpochStart[]): void {
    if (this.path !== null) {
      const entries = starts.map((start) => [start.epoch, start.startOffset]);
      this.closeFile();
      // In place only if every part of the text is malformed, or says the same.
      const isFirst = this.#isMissing && starts.length === 1 && starts[0]!.startOffset === 0;
      this.#isMissing = false;
      writeCheckpoint(this.files, this.path, entries, !isFirst);
      if (this.#file !== null) this.#file.isDirty = true;
    }
    this.#starts = starts;
  }

  /** Returns the epoch of the record at `offset`, or -1 if it is before the first known epoch. */
  epochForOffset(offset: number): number {
    for (let i = this.#starts.length - 1; i >= 0; i--) {
      if (this.#starts[i]!.startOffset <= offset) return this.#starts[i]!.epoch;
    }
    return -1;
  }

  /**
   * Returns the largest epoch that is at most `epoch`, and the start offset of the next one, or
   * `logEndOffset` for the newest epoch. Returns `epoch` and the start of the oldest epoch if
   * `epoch` is older than all known ones; -1 and -1 if it is newer than all, or -1.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch < 0 || epoch > this.latestEpoch) return UNDEFINED;
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const next = this.#starts.findIndex((start) => start.epoch > epoch);
    const endOffset = this.#starts[next]!.startOffset;
    return { leaderEpoch: next === 0 ? epoch : this.#starts[next - 1]!.epoch, endOffset };
  }

  /** Removes the epochs that start at or after `endOffset`, the new log end. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.#starts.filter((start) => start.startOffset < endOffset);
    if (kept.length < this.#starts.length) this.replace(kept);
  }

  /**
   * Removes the epochs that end before `startOffset`, the new log start, and lets the current one
   * start there.
   */
  truncateFromStart(startOffset: number): void {
    const first = this.#starts.findLastIndex((start) => start.startOffset <= startOffset);
    if (first === -1 || (first === 0 && this.#starts[0]!.startOffset === startOffset)) return;
    const { epoch } = this.#starts[first]!;
    this.replace([{ epoch, startOffset }, ...this.#starts.slice(first + 1)]);
  }
}

/** Returns `starts` with another epoch, or `starts` itself if the epoch already exists. */
function inserted(
  starts: readonly EpochStart[],
  epoch: number,
  startOffset: number,
): readonly EpochStart[] {
  const latest = starts.at(-1);
  if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) {
    return starts;
  }
  const kept = starts.findLastIndex((start) =>
    start.epoch < epoch && start.startOffset < startOffset
  );
  return [...starts.slice(0, kept + 1), { epoch, startOffset }];
}
