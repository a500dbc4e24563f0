/**
 * What the batches of a log say about its producers and leader epochs, taken in one by one when the
 * log is opened.
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
  /** Aborted transactions whose marker was seen since somebody emptied the list. */
  readonly aborted: AbortedTransaction[] = [];
  readonly #producers: ProducerState | null;
  readonly #epochs: EpochStart[] = [];
  /** The last offset that was seen of each of them. */
  readonly #lastOffsets: number[] = [];
  readonly #batch: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };

  /** A replay that fills `producers`, or that looks at leader epochs only. */
  constructor(producers: ProducerState | null) {
    this.#producers = producers;
  }

  /** Takes in the scanner's current batch. Throws a `RecordError` before anything is taken in. */
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

  /** The leader epochs that were seen, with the first offset of each. */
  get epochs(): readonly EpochStart[] {
    return this.#epochs;
  }

  /** Whether `epochs` say of every batch that was seen what the batch itself says. */
  agreesWith(epochs: LeaderEpochs, logStartOffset: number): boolean {
    const seen = this.#epochs;
    return seen.every(({ epoch, startOffset }, i) => {
      const offset = Math.max(startOffset, logStartOffset);
      // A later epoch that the file lets begin in between is one whose records were lost.
      const last = Math.max(this.#lastOffsets[i]!, logStartOffset);
      return isPassed(seen, epoch, logStartOffset) ||
        (epochs.epochForOffset(offset) === epoch && epochs.epochForOffset(last) === epoch);
    });
  }

  /**
   * Takes the batch at `at`, of which `batch` is the producer's part, into `producers`, heard of at
   * `heardMs`, or -1. Returns what the `.txnindex` has to keep of it, if it aborts a transaction.
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
    // Markers are never compressed. A batch that compaction emptied says nothing any more.
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

/** Whether `epoch` ended before the log's start, so that nothing need be known of it. */
function isPassed(seen: readonly EpochStart[], epoch: number, logStartOffset: number): boolean {
  const next = seen[seen.findIndex((start) => start.epoch === epoch) + 1];
  return next !== undefined && next.startOffset <= logStartOffset;
}
