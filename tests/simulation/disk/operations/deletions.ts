/**
 * Removing records from the partitions of the disk scenarios: truncation, deletion and retention.
 *
 * @module
 */
import { KafkaError } from "../../../../src/protocol/errors.ts";
import type { Place } from "../machine.ts";
import { PlaceActions } from "./place_actions.ts";

/** Removes the beginning or the end of logs. */
export class Deletions<P extends Place = Place> extends PlaceActions<P> {
  /** Truncates the log to the beginning of a batch. */
  async truncate(place: P): Promise<void> {
    const { model, log } = place;
    // Compacted records are committed, so that no leader truncates them.
    const batches = model.readable.slice(1)
      .filter(({ baseOffset }) => baseOffset >= model.compactedUpTo);
    if (batches.length === 0 || log.failure !== null) return;
    const offset = batches[Math.max(0, batches.length - 1 - this.random.below(6))]!.baseOffset;
    try {
      await log.lowerRecoveryPoint(offset);
    } catch (error) {
      return this.machine.expectFault(
        `cannot lower the recovery point of ${model.name}`,
        error,
        place,
      );
    }
    if (log.failure !== null) return;
    this.change(place, "truncate", () => {
      try {
        log.truncateTo(offset);
      } catch (error) {
        if (error instanceof KafkaError && error === log.failure) place.cutInPart = error;
        throw error;
      }
    });
    model.truncate(offset);
    this.expectEnds(place);
    place.isCut = true;
  }

  /** Deletes the records before `before`, which defaults to a random offset. */
  async deleteRecords(place: P, before?: number): Promise<void> {
    const { model, log } = place;
    if (log.failure !== null) return;
    const offset = before ?? this.random.between(
      model.startOffset,
      Math.min(model.endOffset, model.startOffset + 8),
    );
    if (!this.change(place, "delete records of", () => log.deleteRecordsBefore(offset))) {
      return void (model.latestStart = offset);
    }
    model.startOffset = offset;
    this.expectEnds(place);
    if (this.random.oneIn(2)) await this.#awaitStart(place);
  }

  /** Waits until deleted records cannot come back. */
  async #awaitStart(place: P): Promise<void> {
    const { model, log } = place;
    const { startOffset } = model;
    try {
      await log.logStartOffsetSaved();
      model.durableStart = Math.max(model.durableStart, startOffset);
    } catch (error) {
      this.machine.expectFault(`cannot store the start of ${model.name}`, error, place);
    }
  }

  /** Lets time pass and deletes old segments. */
  async retain(place: P): Promise<void> {
    const { model, log, config } = place;
    await this.world.pause(this.random.below(4_000));
    if (log.failure !== null) return;
    const nowMs = this.machine.runtime.clock.now();
    const size = log.sizeInBytes;
    const before = log.logStartOffset;
    const isDone = this.change(place, "retain", () => log.applyRetention(nowMs));
    const start = log.logStartOffset;
    if (start === before) return;
    if (!isDone) return void (model.latestStart = start);
    this.world.count("retentions");
    const gone = model.batches.filter(({ baseOffset, lastOffset }) =>
      lastOffset >= before && baseOffset < start
    );
    // Records that are not old enough must have been deleted by size.
    const young = gone.findLastIndex(({ records }) =>
      records.some(({ timestamp }) => nowMs - timestamp <= config.retentionMs)
    );
    const deleted = gone.slice(0, young + 1).reduce((sum, { bytes }) => sum + bytes.length, 0);
    const isExcess = config.retentionBytes >= 0 && size - deleted >= config.retentionBytes;
    if (!config.delete || (young !== -1 && !isExcess)) {
      this.fail(place, `retention deleted records up to ${start} too early`);
    }
    model.startOffset = start;
    this.expectEnds(place);
    if (this.random.oneIn(2)) await this.#awaitStart(place);
  }
}
