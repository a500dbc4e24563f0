/**
 * Verifies the directory of one partition: its segments, oldest first, and then the other files against
 * the log.
 *
 * @module
 */
import { LEADER_EPOCH_CHECKPOINT, LeaderEpochs } from "../log/leader_epochs.ts";
import { PARTITION_METADATA, readPartitionMetadata } from "../log/partition_metadata.ts";
import { decodeProducerSnapshot } from "../log/producers/producer_snapshot_format.ts";
import { baseOffsetOf } from "../log/segments/segment.ts";
import { KafkaError } from "../protocol/errors.ts";
import type { HostCodecs } from "../protocol/records/batch.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import { BatchWalk } from "./batch_walk.ts";
import type { Findings } from "./findings.ts";
import { readWhole } from "./read_whole.ts";
import { type PartitionProgress, REBUILT, verifySegment } from "./verify_segment.ts";

/** A partition to verify. */
export interface PartitionPlace {
  readonly files: FileSystem;
  readonly findings: Findings;
  /** The directory of the partition. */
  readonly directory: string;
  /** Whether the process that wrote it shut down in order. */
  readonly wasShutDownCleanly: boolean;
  /** Its offset in `recovery-point-offset-checkpoint`, or -1. */
  readonly recoveryPoint: number;
  /** Its offset in `log-start-offset-checkpoint`, or -1. */
  readonly logStartOffset: number;
  /** Whether offsets may be missing: the topic is compacted, or its policy is unknown. */
  readonly allowGaps: boolean;
  /** Decodes records, or null to omit that. */
  readonly codecs: HostCodecs | null;
  pause(): Promise<void>;
}

/** The first offset and the end offset of a log; both -1 without segments. */
export interface PartitionEnds {
  readonly firstOffset: number;
  readonly logEndOffset: number;
}

/** Verifies one partition. Throws a `FileError` if a file cannot be read. */
export async function verifyPartition(place: PartitionPlace): Promise<PartitionEnds> {
  const { files, findings, directory } = place;
  const names = files.list(directory).filter((entry) => !entry.isDirectory)
    .map((entry) => entry.name).sort();
  const baseOffsets = names.map(baseOffsetOf).filter((offset) => offset >= 0)
    .sort((a, b) => a - b);
  const progress: PartitionProgress = {
    files,
    findings,
    codecs: place.codecs,
    allowGaps: place.allowGaps,
    isComplete: baseOffsets[0] === 0 && !place.allowGaps,
    nextOffset: -1,
    isLost: false,
    epoch: -1,
    epochStarts: new Map(),
    transactions: new Map(),
    pause: place.pause,
    remedy: (isLast, offset) => remedyFor(place, isLast, offset),
  };
  findings.partitions++;
  const lastWithData = baseOffsets.findLast((baseOffset) => sizeOf(place, baseOffset) > 0);
  for (const baseOffset of baseOffsets) {
    const isLast = baseOffset === lastWithData;
    await verifySegment(progress, segmentPath(place, baseOffset), baseOffset, isLast);
    await place.pause();
  }
  verifyNames(place, names, baseOffsets);
  verifySmallFiles(place, names, progress);
  for (const name of names) {
    if (name.endsWith(".snapshot")) verifySnapshot(place, name, progress);
    if (name.endsWith(".checkpoint")) verifyMetadataSnapshot(place, name);
  }
  return { firstOffset: baseOffsets[0] ?? -1, logEndOffset: progress.nextOffset };
}

function remedyFor(place: PartitionPlace, isLast: boolean, offset: number): string {
  const { wasShutDownCleanly, recoveryPoint } = place;
  if (isLast && !wasShutDownCleanly && offset >= recoveryPoint) {
    return "the next start truncates the log here, at the torn end of a write";
  }
  return "restore the file from a backup or another replica";
}

function segmentPath({ directory }: PartitionPlace, baseOffset: number): string {
  return `${directory}/${String(baseOffset).padStart(20, "0")}.log`;
}

function sizeOf(place: PartitionPlace, baseOffset: number): number {
  const file = place.files.open(segmentPath(place, baseOffset), "read");
  try {
    return file.size();
  } finally {
    file.close();
  }
}

/** Reports files whose segment is missing, and files left by interrupted work. */
function verifyNames(
  { findings, directory }: PartitionPlace,
  names: readonly string[],
  baseOffsets: readonly number[],
): void {
  const stems = new Set(baseOffsets.map((offset) => String(offset).padStart(20, "0")));
  for (const name of names) {
    const path = `${directory}/${name}`;
    const [, stem = "", suffix = ""] = /^(\d{20})\.(.+)$/.exec(name) ?? [];
    if (["index", "timeindex", "txnindex"].includes(suffix) && !stems.has(stem)) {
      findings.add(path, `its segment ${stem}.log is missing; remove it`);
    } else if (/\.(cleaned|swap)$/.test(suffix)) {
      findings.add(
        path,
        "compaction was interrupted; the next start finishes or discards it",
      );
    } else if (suffix === "log" && !Number.isSafeInteger(Number(stem))) {
      findings.add(path, "its name is not an offset; remove it");
    }
  }
}

function verifySmallFiles(
  { files, findings, directory, logStartOffset }: PartitionPlace,
  names: readonly string[],
  progress: PartitionProgress,
): void {
  const metadata = `${directory}/${PARTITION_METADATA}`;
  attempt(findings, metadata, () => {
    if (names.includes(PARTITION_METADATA) && readPartitionMetadata(files, metadata) === null) {
      findings.add(metadata, "it is torn; the next start rewrites it from the cluster's metadata");
    }
  });
  const path = `${directory}/${LEADER_EPOCH_CHECKPOINT}`;
  attempt(findings, path, () => {
    const epochs = new LeaderEpochs(files, path);
    epochs.load();
    const entries = epochs.entries();
    if (entries.length === 0) return;
    const last = entries.at(-1)!;
    if (progress.nextOffset >= 0 && last.startOffset > progress.nextOffset) {
      findings.add(
        path,
        `epoch ${last.epoch} begins at ${last.startOffset}, the log ends at ` +
          `${progress.nextOffset}; ${REBUILT}`,
        { offset: last.startOffset },
      );
    }
    for (const [epoch, offset] of progress.epochStarts) {
      const known = entries.find((entry) => entry.epoch === epoch);
      const isKnown = known === undefined
        ? offset < entries[0]!.startOffset
        : known.startOffset <= Math.max(offset, logStartOffset);
      if (isKnown) continue;
      const problem = known === undefined
        ? `lacks epoch ${epoch}`
        : `has epoch ${epoch} start at ${known.startOffset}`;
      findings.add(
        path,
        `it ${problem}, but the log has a batch of it at offset ${offset}; ${REBUILT}`,
        { offset },
      );
    }
  });
}

function verifySnapshot(
  { files, findings, directory }: PartitionPlace,
  name: string,
  progress: PartitionProgress,
): void {
  const path = `${directory}/${name}`;
  const offset = /^\d{20}\./.test(name) ? Number(name.slice(0, 20)) : -1;
  attempt(findings, path, () => {
    const entries = decodeProducerSnapshot(readWhole(files, path), path);
    if (progress.nextOffset >= 0 && offset > progress.nextOffset) {
      findings.add(
        path,
        `its offset is ${offset}, the log ends at ${progress.nextOffset}; ${REBUILT}`,
        { offset },
      );
    }
    const beyond = entries.find(({ lastOffset }) => lastOffset >= offset);
    if (beyond === undefined) return;
    findings.add(
      path,
      `its producer ${beyond.producerId} has offset ${beyond.lastOffset}, but it covers only ` +
        `offsets below ${offset}; ${REBUILT}`,
      { offset: beyond.lastOffset },
    );
  });
}

/** Verifies a snapshot of the metadata log, which consists of batches as a log does. */
function verifyMetadataSnapshot(
  { files, findings, directory }: PartitionPlace,
  name: string,
): void {
  const path = `${directory}/${name}`;
  const file = files.open(path, "read");
  try {
    const walk = new BatchWalk(file);
    while (walk.next()) {
      findings.batches++;
      const problem = walk.crcProblem();
      if (problem !== null) addTo(walk.position, `the batch is damaged: ${problem}`);
    }
    findings.bytes += walk.nextPosition;
    if (walk.problem !== null) addTo(walk.nextPosition, `no batch begins here: ${walk.problem}`);
    walk.release();
  } finally {
    file.close();
  }
  function addTo(position: number, problem: string): void {
    findings.add(path, `${problem}; restore the file from a backup`, { position });
  }
}

/** Runs `check` and reports an error caused by the content of the file at `path` as a damage. */
export function attempt(findings: Findings, path: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    findings.add(path, error.message);
  }
}
