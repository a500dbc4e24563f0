/**
 * Replays the batches of a log when it is opened, to restore the state of its producers and leader
 * epochs.
 *
 * @module
 */
import {
  decodeControlRecordKey,
  decodeEndTransactionMarker,
} from "../../protocol/records/control_record.ts";
import {
  isControl,
  readAttributes,
  readBaseOffset,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readProducerEpoch,
  readProducerId,
  readRecords,
} from "../../protocol/records/batch.ts";
import { readProducedBatch } from "../append/append_validation.ts";
import type { BatchScanner } from "../segments/batch_scanner.ts";
import type { EpochStart, LeaderEpochs } from "../leader_epochs.ts";
import type { ProducedBatch, ProducerState } from "./producer_state.ts";
import type { AbortedTransaction } from "../segments/transaction_index_format.ts";

/** One replay. */
export class LogReplay {
  /** The aborted transactions whose markers were read since the list was last emptied. */
  readonly aborted: AbortedTransaction[] = [];
  readonly #producers: ProducerState | null;
  readonly #epochs: EpochStart[] = [];
  /** The last offset read of each epoch. */
  readonly #lastOffsets: number[] = [];
  readonly #batch: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };

  /** Creates a replay that updates `producers`, or with null only collects leader epochs. */
  constructor(producers: ProducerState | null) {
    this.#producers = producers;
  }

  /** Processes the scanner's current batch. Throws a `RecordError` before any state changes. */
  visit(scanner: BatchScanner): void {
    if (
      this.#producers !== null && readProducedBatch(scanner.bytes, scanner.at, this.#batch)
    ) {
      if (isControl(readAttributes(scanner.bytes, scanner.at))) scanner.loadWhole();
      const { bytes, at } = scanner;
      const aborted = LogReplay.track(this.#producers, this.#batch, bytes, at, -1);
      if (aborted !== null) this.aborted.push(aborted);
    }
    const epoch = readPartitionLeaderEpoch(scanner.bytes, scanner.at);
    if (epoch > (this.#epochs.at(-1)?.epoch ?? -1)) {
      this.#epochs.push({ epoch, startOffset: scanner.baseOffset });
    }
    if (this.#epochs.length > 0) this.#lastOffsets[this.#epochs.length - 1] = scanner.lastOffset;
  }

  /** The leader epochs of the batches read, with the first offset of each. */
  get epochs(): readonly EpochStart[] {
    return this.#epochs;
  }

  /** Returns whether `epochs` assigns to every batch read the epoch in its header. */
  agreesWith(epochs: LeaderEpochs, logStartOffset: number): boolean {
    const seen = this.#epochs;
    return seen.every(({ epoch, startOffset }, i) => {
      const offset = Math.max(startOffset, logStartOffset);
      // A later epoch in between is one whose records were lost.
      const last = Math.max(this.#lastOffsets[i]!, logStartOffset);
      return isPassed(seen, epoch, logStartOffset) ||
        (epochs.epochForOffset(offset) === epoch && epochs.epochForOffset(last) === epoch);
    });
  }

  /**
   * Adds the batch at `at`, with the producer fields `batch`, to `producers`; `heardMs` is its time
   * of receipt, or -1. Returns the entry for the `.txnindex` if the batch aborts a transaction.
   */
  static track(
    producers: ProducerState,
    batch: ProducedBatch,
    bytes: Uint8Array,
    at: number,
    heardMs: number,
  ): AbortedTransaction | null {
    const timestamp = readMaxTimestamp(bytes, at);
    if (!isControl(readAttributes(bytes, at))) {
      producers.add(batch, readBaseOffset(bytes, at), timestamp, heardMs);
      return null;
    }
    let aborted: AbortedTransaction | null = null;
    // Markers are never compressed. A batch emptied by compaction has no effect.
    for (const marker of readRecords(bytes, at, { checkCrc: false })) {
      const type = decodeControlRecordKey(marker.key);
      if (type !== "commit" && type !== "abort") continue;
      aborted = producers.endTransaction({
        producerId: readProducerId(bytes, at),
        producerEpoch: readProducerEpoch(bytes, at),
        coordinatorEpoch: decodeEndTransactionMarker(marker.value),
        isCommit: type === "commit",
        offset: marker.offset,
        timestamp,
      }, heardMs) ?? aborted;
    }
    return aborted;
  }
}

/** Throws a `RecordError` when the records of the control batch at `at` cannot be read. */
export function checkMarkers(bytes: Uint8Array, at: number): void {
  for (const marker of readRecords(bytes, at, { checkCrc: false })) {
    const type = decodeControlRecordKey(marker.key);
    if (type === "commit" || type === "abort") decodeEndTransactionMarker(marker.value);
  }
}

/** Returns whether `epoch` ended before the log start, so that it need not be known. */
function isPassed(seen: readonly EpochStart[], epoch: number, logStartOffset: number): boolean {
  const next = seen[seen.findIndex((start) => start.epoch === epoch) + 1];
  return next !== undefined && next.startOffset <= logStartOffset;
}
