/**
 * Removing records from the partitions of the disk scenarios: truncation, deletion and retention.
 *
 * @module
 */
import type { PartitionLog } from "../../../../src/log/partition_log.ts";
import type { Place } from "../machine.ts";
import { PlaceActions } from "./place_actions.ts";

/** Removes the beginning or the end of logs. */
export class Deletions<P extends Place = Place> extends PlaceActions<P> {
  /** Truncates the log to the beginning of a batch, or all logs of `all` together. */
  async truncate(place: P, all: readonly P[]): Promise<void> {
    const { random } = this;
    const places = random.oneIn(3) ? all : [place];
    const offsets = new Map<P, number>();
    for (const one of places) {
      const { model, log } = one;
      if (model.isLoose || one.truncation !== undefined || log.failure !== null) continue;
      // Compacted records are committed, so that no leader truncates them.
      const batches = model.readable.slice(1)
        .filter(({ baseOffset }) => baseOffset >= model.compactedUpTo);
      if (batches.length === 0) continue;
      const first = batches[Math.max(0, batches.length - 1 - random.below(6))]!;
      offsets.set(one, first.baseOffset);
    }
    if (places.length > 1) return await this.#truncateAll(offsets);
    for (const [one, offset] of offsets) {
      await this.#truncating(one, offset, () => one.log.truncateTo(offset));
    }
  }

  async #truncateAll(offsets: ReadonlyMap<P, number>): Promise<void> {
    const failures = this.machine.truncateAll(
      new Map([...offsets].map(([{ log }, offset]) => [log, offset])),
    );
    this.world.count("truncations together");
    const outcomeOf = async (log: PartitionLog): Promise<void> => {
      const failure = (await failures).get(log);
      if (failure !== undefined) throw failure;
    };
    await Promise.all(
      [...offsets].map(([place, offset]) =>
        this.#truncating(place, offset, () => outcomeOf(place.log))
      ),
    );
  }

  /** Repeats a truncation that has failed, until which nothing can be appended. */
  async truncateAgain(place: P, offset: number): Promise<void> {
    if (this.random.oneIn(3)) return await this.pause();
    this.world.count("truncations repeated");
    await this.#truncating(place, offset, () => place.log.truncateTo(offset));
  }

  /** Until `truncate` has ended, a crash may leave the records. Then none may bring them back. */
  async #truncating(place: P, offset: number, truncate: () => Promise<void>): Promise<void> {
    const { model, log } = place;
    const { life } = this.machine;
    const truncation = place.truncation ??= { offset, end: model.truncate(offset) };
    try {
      await truncate();
    } catch (error) {
      if (life !== this.machine.life || this.machine.isClosing || place.isGone) return;
      this.machine.expectFault(`cannot truncate ${model.name}`, error, place);
      // Nothing was cut, or the log is out of service: the next start shows.
      if (!log.isTruncating || log.failure !== null) delete place.truncation;
      return;
    }
    if (life !== this.machine.life) return;
    truncation.end();
    delete place.truncation;
    this.expectEnds(place);
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
