/**
 * Which leader epoch began at which offset of a log (KIP-101, KIP-279), kept in Kafka's
 * `leader-epoch-checkpoint`. A replica that comes back, and a consumer that validates its position,
 * ask it where their history parts from the leader's.
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

/** An epoch and the offset after its last record; -1 and -1 when nothing is known. */
export interface EpochEnd {
  /** The largest epoch that is at most the one asked for, or -1. */
  readonly leaderEpoch: number;
  /** Where the next epoch begins, or -1. */
  readonly endOffset: number;
}

const UNDEFINED: EpochEnd = { leaderEpoch: -1, endOffset: -1 };

/**
 * The epochs of one log, both epoch and start offset strictly rising. Changes are written through to
 * the file at once, if one was given: the methods that change anything throw a `FileError`.
 */
export class LeaderEpochs {
  #starts: readonly EpochStart[] = [];

  readonly #file: DurableFile | null;
  /** Whether the file is known not to exist. */
  #isMissing = false;

  /** No epochs yet. `path` is the checkpoint file, or null to keep none. */
  constructor(readonly files: FileSystem, path: string | null) {
    this.#file = path === null ? null : new DurableFile(files, path);
  }

  /** The checkpoint file, or null. It may move. */
  get path(): string | null {
    return this.#file?.path ?? null;
  }

  /** The file's directory has got another name. */
  moveTo(path: string): void {
    if (this.#file !== null) this.#file.path = path;
  }

  /** Whether the file was written since the last sync began. */
  get isDirty(): boolean {
    return this.#file?.isDirty ?? false;
  }

  /** Resolves when the file is on the disk. Rejects with a `FileError`. */
  async sync(): Promise<void> {
    await this.#file?.sync();
  }

  /** Nobody may have the file open now. */
  closeFile(): void {
    this.#file?.closeFile();
  }

  /** Records that the file does not exist, which saves looking for it. */
  expectNoFile(): void {
    this.#isMissing = true;
  }

  /** Reads the file, if there is one. Throws KAFKA_STORAGE_ERROR when it is malformed. */
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
   * `epoch` begins at `startOffset`. Does nothing when it has begun before; epochs that began later,
   * or at `startOffset` without getting a record, make way. Both are 0 or more.
   */
  assign(epoch: number, startOffset: number): void {
    const starts = inserted(this.#starts, epoch, startOffset);
    if (starts !== this.#starts) this.replace(starts);
  }

  /** Puts `starts` in the place of everything known. When the file cannot be written, nothing changes. */
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

  /** The epoch of the record at `offset`, or -1 when it is from before the first that is known. */
  epochForOffset(offset: number): number {
    for (let i = this.#starts.length - 1; i >= 0; i--) {
      if (this.#starts[i]!.startOffset <= offset) return this.#starts[i]!.epoch;
    }
    return -1;
  }

  /**
   * The largest epoch that is at most `epoch`, and the offset where the next one begins; for the
   * newest epoch that is `logEndOffset`. For an epoch older than all that are known: itself and the
   * start of the oldest. For a newer one, and for -1: -1 and -1.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch < 0 || epoch > this.latestEpoch) return UNDEFINED;
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const next = this.#starts.findIndex((start) => start.epoch > epoch);
    const endOffset = this.#starts[next]!.startOffset;
    return { leaderEpoch: next === 0 ? epoch : this.#starts[next - 1]!.epoch, endOffset };
  }

  /** The log now ends at `endOffset`: epochs that begin there or later go. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.#starts.filter((start) => start.startOffset < endOffset);
    if (kept.length < this.#starts.length) this.replace(kept);
  }

  /** The log now begins at `startOffset`: epochs that ended before go, the one it lies in begins there. */
  truncateFromStart(startOffset: number): void {
    const first = this.#starts.findLastIndex((start) => start.startOffset <= startOffset);
    if (first === -1 || (first === 0 && this.#starts[0]!.startOffset === startOffset)) return;
    const { epoch } = this.#starts[first]!;
    this.replace([{ epoch, startOffset }, ...this.#starts.slice(first + 1)]);
  }
}

/** `starts` with another one, or `starts` itself when the epoch has begun before. */
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
