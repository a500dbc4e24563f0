/**
 * Reading the partitions of the disk scenarios, and looking up times and epochs in them.
 *
 * @module
 */
import { offsetForTimestamp } from "../../../log/fixture.ts";
import { STORED_CODECS } from "../../stored_codecs.ts";
import type { Place } from "../machine.ts";
import { indexOf } from "../models/partition_model.ts";
import { PlaceActions } from "./place_actions.ts";
import { readFrom, sameBytes, type StoredBatch } from "../models/stored_batch.ts";

/** Reads logs and compares the results with the models. */
export class Lookups<P extends Place = Place> extends PlaceActions<P> {
  /** Reads from a random offset. */
  read(place: P): void {
    const { model, log } = place;
    if (model.endOffset === model.startOffset) return;
    const offset = this.random.between(model.startOffset, model.endOffset - 1);
    try {
      const read = readFrom(log, offset, 1 + this.random.below(2_000));
      const first = read[0];
      if (first === undefined) {
        if (!model.isCompacted) this.fail(place, `there is nothing at ${offset}`);
        return;
      }
      if (model.isCompacted) {
        if (first.lastOffset < offset) this.fail(place, `reading ${offset} begins too early`);
        return;
      }
      let index = indexOf(model.batches, offset);
      for (const { baseOffset, bytes } of read) {
        const wanted = model.batches[index++];
        if (wanted === undefined || !sameBytes(bytes, wanted.bytes)) {
          this.fail(place, `reading ${offset} returns a wrong batch at ${baseOffset}`);
        }
      }
    } catch (error) {
      this.machine.expectFault(`cannot read ${model.name} at ${offset}`, error, place);
    }
  }

  /** Looks up the first record at or after a time. */
  lookUpTime(place: P): void {
    const { model, log } = place;
    if (model.isCompacted) return;
    const timestamp = this.machine.runtime.clock.now() - this.random.below(6_000);
    const offset = firstAt(model.readable, model.startOffset, timestamp);
    try {
      const found = offsetForTimestamp(log, timestamp, STORED_CODECS)?.offset ?? null;
      if (found !== offset) {
        this.fail(
          place,
          `the first record at ${timestamp} is reported at ${found}, expected ${offset}`,
        );
      }
    } catch (error) {
      this.machine.expectFault(`cannot search ${model.name}`, error, place);
    }
  }

  /** Looks up the end of an epoch. */
  lookUpEpoch(place: P): void {
    const { model, log } = place;
    const readable = model.readable;
    // The log may forget an epoch whose records were all compacted.
    if (readable.length === 0 || model.compactedUpTo > 0) return;
    const { epoch } = readable[this.random.below(readable.length)]!;
    const next = readable.find((batch) => batch.epoch > epoch);
    const endOffset = next?.baseOffset ?? model.endOffset;
    const found = log.endOffsetForEpoch(epoch);
    if (found.leaderEpoch !== epoch || found.endOffset !== endOffset) {
      this.fail(
        place,
        `epoch ${epoch} is reported to end at ${found.leaderEpoch}/${found.endOffset}, not ${endOffset}`,
      );
    }
  }
}

/** Returns the offset of the first record at or after a time, or null. */
function firstAt(
  batches: readonly StoredBatch[],
  startOffset: number,
  timestamp: number,
): number | null {
  for (const { baseOffset, records } of batches) {
    const index = records.findIndex((record, i) =>
      record.timestamp >= timestamp && baseOffset + i >= startOffset
    );
    if (index !== -1) return baseOffset + index;
  }
  return null;
}
