/**
 * Looks over the directory of one partition: its segments, oldest first, and then what the files
 * beside them say of the same log.
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
import { MADE_ANEW, type PartitionProgress, verifySegment } from "./verify_segment.ts";

/** What is known of a partition before its directory is opened. */
export interface PartitionPlace {
  readonly files: FileSystem;
  readonly findings: Findings;
  /** The partition's directory. */
  readonly directory: string;
  /** Whether the process that wrote it ended in order. */
  readonly wasShutDownCleanly: boolean;
  /** What `recovery-point-offset-checkpoint` says of it, or -1. */
  readonly recoveryPoint: number;
  /** What `log-start-offset-checkpoint` says of it, or -1. */
  readonly logStartOffset: number;
  /** Whether offsets may be missing: the topic is compacted, or nobody knows. */
  readonly allowGaps: boolean;
  /** To decode records as well, or null. */
  readonly codecs: HostCodecs | null;
  pause(): Promise<void>;
}

/** Where a partition's log begins and ends; both -1 for one without segments. */
export interface PartitionEnds {
  readonly firstOffset: number;
  readonly logEndOffset: number;
}

/** Looks over one partition. Throws a `FileError` when a file cannot be read at all. */
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
    return "the next start cuts the log off here, as the tail of a write that a crash tore";
  }
  return "bring the file back from a copy or another replica";
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

/** Files that belong to a segment which is not there, and files that something left half done. */
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
      findings.add(path, `there is no ${stem}.log that it belongs to; remove it`);
    } else if (/\.(cleaned|swap)$/.test(suffix)) {
      findings.add(
        path,
        "compaction was interrupted; the next start finishes it or drops what it had made",
      );
    } else if (suffix === "log" && !Number.isSafeInteger(Number(stem))) {
      findings.add(path, "its name is no offset; remove it");
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
      findings.add(metadata, "it is torn; a start writes it anew from the cluster's metadata");
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
          `${progress.nextOffset}; ${MADE_ANEW}`,
        { offset: last.startOffset },
      );
    }
    for (const [epoch, offset] of progress.epochStarts) {
      const known = entries.find((entry) => entry.epoch === epoch);
      const isKnown = known === undefined
        ? offset < entries[0]!.startOffset
        : known.startOffset <= Math.max(offset, logStartOffset);
      if (isKnown) continue;
      const says = known === undefined
        ? `does not know epoch ${epoch}`
        : `has epoch ${epoch} begin at ${known.startOffset}`;
      findings.add(
        path,
        `it ${says}, of which the log has a batch at offset ${offset}; ${MADE_ANEW}`,
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
        `it is of offset ${offset}, the log ends at ${progress.nextOffset}; ${MADE_ANEW}`,
        { offset },
      );
    }
    const beyond = entries.find(({ lastOffset }) => lastOffset >= offset);
    if (beyond === undefined) return;
    findings.add(
      path,
      `it says that producer ${beyond.producerId} wrote offset ${beyond.lastOffset}, and holds ` +
        `only what is below ${offset}; ${MADE_ANEW}`,
      { offset: beyond.lastOffset },
    );
  });
}

/** A snapshot of the metadata log: batches like a log's. */
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
    findings.add(path, `${problem}; bring the file back from a copy`, { position });
  }
}

/** Runs `check`; what it throws because of the content of the file at `path` is a damage. */
export function attempt(findings: Findings, path: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    findings.add(path, error.message);
  }
}
