/**
 * What the batches of a log say about its producers and leader epochs, taken in one by one when the
 * log is opened.
 *
 * @module
 */
import {
  decodeControlRecordKey,
  decodeEndTransactionMarker,
} from "../protocol/records/control_record.ts";
import {
  isControl,
  readAttributes,
  readBaseOffset,
  readMaxTimestamp,
  readPartitionLeaderEpoch,
  readProducerEpoch,
  readProducerId,
  readRecords,
} from "../protocol/records/batch.ts";
import { readProducedBatch } from "./append_validation.ts";
import type { BatchScanner } from "./batch_scanner.ts";
import type { EpochStart, LeaderEpochs } from "./leader_epochs.ts";
import type { ProducedBatch, ProducerState } from "./producer_state.ts";

/** One replay. */
export class LogReplay {
  readonly #producers: ProducerState;
  readonly #epochs: EpochStart[] = [];
  readonly #batch: ProducedBatch = {
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastOffsetDelta: 0,
    isTransactional: false,
  };

  /** A replay that fills `producers`. */
  constructor(producers: ProducerState) {
    this.#producers = producers;
  }

  /** Takes in the scanner's current batch. Throws a `RecordError` before anything is taken in. */
  visit(scanner: BatchScanner): void {
    const hasProducer = readProducedBatch(scanner.bytes, scanner.at, this.#batch);
    if (hasProducer) {
      if (isControl(readAttributes(scanner.bytes, scanner.at))) scanner.loadWhole();
      LogReplay.track(this.#producers, this.#batch, scanner.bytes, scanner.at);
    }
    const epoch = readPartitionLeaderEpoch(scanner.bytes, scanner.at);
    if (epoch > (this.#epochs.at(-1)?.epoch ?? -1)) {
      this.#epochs.push({ epoch, startOffset: scanner.baseOffset });
    }
  }

  /**
   * Loads the leader epochs' file and makes it agree with the batches: entries beyond the log's ends
   * go, and a file that is unreadable or contradicts a batch is made anew.
   */
  reconcileEpochs(epochs: LeaderEpochs, logStartOffset: number, logEndOffset: number): void {
    let isTrue = true;
    try {
      epochs.load();
    } catch {
      isTrue = false;
    }
    epochs.truncateFromEnd(logEndOffset);
    epochs.truncateFromStart(logStartOffset);
    const seen = this.#epochs;
    for (const { epoch, startOffset } of seen) {
      const offset = Math.max(startOffset, logStartOffset);
      isTrue &&= epochs.epochForOffset(offset) === epoch || isPassed(seen, epoch, logStartOffset);
    }
    isTrue &&= seen.length > 0 || epochs.entries().length === 0;
    if (isTrue) return;
    epochs.replace(seen);
    epochs.truncateFromStart(logStartOffset);
  }

  /** Takes the batch at `at`, of which `batch` is the producer's part, into `producers`. */
  static track(
    producers: ProducerState,
    batch: ProducedBatch,
    bytes: Uint8Array,
    at: number,
  ): void {
    const timestamp = readMaxTimestamp(bytes, at);
    if (!isControl(readAttributes(bytes, at))) {
      producers.add(batch, readBaseOffset(bytes, at), timestamp);
      return;
    }
    // Markers are never compressed. A batch that compaction emptied says nothing any more.
    for (const marker of readRecords(bytes, at, { checkCrc: false })) {
      const type = decodeControlRecordKey(marker.key);
      if (type !== "commit" && type !== "abort") continue;
      producers.endTransaction(
        readProducerId(bytes, at),
        readProducerEpoch(bytes, at),
        decodeEndTransactionMarker(marker.value),
        timestamp,
      );
    }
  }
}

/** Whether `epoch` ended before the log's start, so that nothing need be known of it. */
function isPassed(seen: readonly EpochStart[], epoch: number, logStartOffset: number): boolean {
  const next = seen[seen.findIndex((start) => start.epoch === epoch) + 1];
  return next !== undefined && next.startOffset <= logStartOffset;
}
