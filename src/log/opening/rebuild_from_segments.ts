/**
 * Rebuilds state from the records of a log if its files are missing or invalid: the producers'
 * state from a snapshot on, the leader epochs, and a segment's list of aborted transactions.
 *
 * @module
 */
import type { KafkaError } from "../../protocol/errors.ts";
import { RecordError } from "../../protocol/records/record_error.ts";
import { atOnce, type Steps } from "../../protocol/records/compression/steps.ts";
import { BatchScanner, WALK_WINDOW } from "../segments/batch_scanner.ts";
import type { EpochStart } from "../leader_epochs.ts";
import type { ProducerSnapshots } from "../producers/producer_snapshot_storage.ts";
import { ProducerState } from "../producers/producer_state.ts";
import { LogReplay } from "../producers/batch_replay.ts";
import type { Segment } from "../segments/segment.ts";
import { storageError } from "../storage_error.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";

/** Applies the batches in `[from, to)` to `producers`. */
export function* replayProducers(
  segments: readonly Segment[],
  producers: ProducerState,
  from: number,
  to: number,
): Steps<void> {
  if (from < to) yield* walk(segments, from, to, new LogReplay(producers));
}

/**
 * Restores `producers` to the state at the log end, from the newest snapshot and the records after
 * it.
 */
export function* loadProducers(
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  producers: ProducerState,
  nowMs: number,
): Steps<void> {
  const end = segments.at(-1)!.nextOffset;
  const from = snapshots.restore(producers, segments[0]!.baseOffset, end, nowMs);
  yield* replayProducers(segments, producers, from, end);
}

/** Returns every leader epoch in the batches of the log, with its first offset. */
export function* replayEpochs(segments: readonly Segment[]): Steps<readonly EpochStart[]> {
  const replay = new LogReplay(null);
  yield* walk(segments, 0, Infinity, replay);
  return replay.epochs;
}

/**
 * Returns the aborted transactions with records in `[fetchOffset, endOffset)`. An invalid list is
 * rebuilt.
 */
export function abortedTransactions(
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  fetchOffset: number,
  endOffset: number,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = [];
  for (const segment of segments) {
    if (segment.nextOffset <= fetchOffset || !segment.aborted.mayHaveSome) continue;
    const entries = segment.aborted.entries(segment.baseOffset, segment.nextOffset) ??
      rebuilt(segments, snapshots, segment);
    for (const entry of entries) {
      if (entry.lastOffset >= fetchOffset && entry.firstOffset < endOffset) found.push(entry);
      if (entry.lastStableOffset >= endOffset) return found;
    }
  }
  return found;
}

function rebuilt(
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  segment: Segment,
): readonly AbortedTransaction[] {
  const producers = new ProducerState();
  const from = snapshots.restore(producers, segments[0]!.baseOffset, segment.baseOffset, 0);
  atOnce(replayProducers(segments, producers, from, segment.baseOffset));
  const replay = new LogReplay(producers);
  atOnce(walk([segment], segment.baseOffset, segment.nextOffset, replay));
  segment.aborted.replace(replay.aborted);
  return replay.aborted;
}

function* walk(
  segments: readonly Segment[],
  from: number,
  to: number,
  replay: LogReplay,
): Steps<void> {
  for (const segment of segments) {
    if (segment.size === 0 || segment.nextOffset <= from || segment.baseOffset >= to) continue;
    const start = from <= segment.baseOffset ? 0 : segment.index.locate(from);
    const scanner = new BatchScanner(segment.reader, start, segment.size, WALK_WINDOW);
    while (scanner.next()) {
      if (scanner.baseOffset >= to) break;
      try {
        replay.visit(scanner);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        throw unreadable(segment, scanner.position, error);
      }
      if (scanner.mayPause) yield;
    }
    if (scanner.problem !== null) {
      throw unreadable(segment, scanner.nextPosition, new Error(scanner.problem));
    }
  }
}

function unreadable(segment: Segment, position: number, cause: Error): KafkaError {
  return storageError(`Cannot read the batch at byte ${position} of ${segment.path}`, cause);
}
