/**
 * The names of the files of snapshots: `<end offset>-<epoch>.checkpoint`, with zeros up to 20 and 10
 * digits. Apache Kafka adds `.part` while it writes one, and `.deleted` before it removes one.
 *
 * @module
 */

/** Names a snapshot: the offset after its last record, and that record's epoch (KIP-630). */
export interface SnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

/**
 * The id of the snapshot that `format` writes: features, and the voters at the start of a quorum. It does
 * not replace a part of the log, and is never sent to other nodes.
 */
export const BOOTSTRAP_SNAPSHOT_ID: SnapshotId = { endOffset: 0, epoch: 0 };

/** The suffix of a snapshot that is not complete. */
export const PARTIAL_SUFFIX = ".part";
/** The suffix of a snapshot that is being removed. */
export const DELETED_SUFFIX = ".deleted";

/** Returns the name of the file of a snapshot. */
export function snapshotFileName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, "0")}-${String(epoch).padStart(10, "0")}.checkpoint`;
}

/** Parses the name of a complete snapshot. Returns null for any other name. */
export function parseSnapshotFileName(name: string): SnapshotId | null {
  const match = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name);
  if (match === null) return null;
  const [endOffset, epoch] = [Number(match[1]), Number(match[2])];
  return Number.isSafeInteger(endOffset) && epoch < 2 ** 31 ? { endOffset, epoch } : null;
}

/** Returns whether a file is what an interrupted write or removal of a snapshot has left. */
export function isSnapshotLeftover(name: string): boolean {
  return /^\d{20}-\d{10}(-\d+)?\.checkpoint\.(part|deleted)$/.test(name);
}

/** Compares two ids by offset, then by epoch. */
export function compareSnapshotIds(one: SnapshotId, other: SnapshotId): number {
  return one.endOffset - other.endOffset || one.epoch - other.epoch;
}
