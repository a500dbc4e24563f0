/**
 * Writing to the partitions of the disk scenarios: new batches, and batches that are sent again.
 *
 * @module
 */
import type { AppendOptions, AppendResult } from "../../../../src/log/log_types.ts";
import { ErrorCode, KafkaError } from "../../../../src/protocol/errors.ts";
import type { Place } from "../machine.ts";
import { PlaceActions } from "./place_actions.ts";
import type { PartitionModel } from "../models/partition_model.ts";
import { makeBatch, placed, type StoredBatch } from "../models/stored_batch.ts";

/** Idempotent producers of each partition. */
const PRODUCERS = 2;
/** How many of its last batches a producer may send again. */
const REPEATED = 5;
const KEYS = 6;

/** Appends batches. */
export class Writes<P extends Place = Place> extends PlaceActions<P> {
  /** Stores a batch, or nothing if the disk fails. */
  append(place: P): void {
    const { random } = this;
    const { model } = place;
    const producer = random.below(PRODUCERS + 2) - 2;
    const producerId = producer < 0 ? -1 : model.producerId(producer);
    const last = producerId < 0 ? undefined : model.lastOf(producerId, 1)[0];
    const nowMs = this.machine.runtime.clock.now();
    const batch = makeBatch({
      baseOffset: model.endOffset,
      epoch: model.epoch,
      producerId,
      baseSequence: last === undefined ? 0 : last.baseSequence + last.records.length,
      isCompressed: random.oneIn(8),
      records: Array.from({ length: 1 + random.below(random.oneIn(3) ? 5 : 2) }, () => ({
        key: model.isCompacted || random.oneIn(2) ? `key ${random.below(KEYS)}` : null,
        value: random.oneIn(4) ? null : "v".repeat(random.below(random.oneIn(6) ? 600 : 40)) +
          random.below(1_000_000),
        timestamp: nowMs - random.below(3_000),
      })),
    });
    if (batch.sent.length > place.config.segmentBytes) return;
    this.store(place, batch);
  }

  /** Appends batches with the offsets and epochs that another leader has given them. */
  appendAsFollower(place: P): void {
    const { model, log } = place;
    if (log.failure !== null) return;
    const batches = this.#fetchedBatches(model);
    try {
      log.appendAsFollower(joined(batches), { leaderEpoch: model.epoch });
    } catch (error) {
      this.machine.expectFault(`cannot append to ${model.name} as follower`, error, place);
    }
    // A segment that is full takes some of them, and the next one may have no space.
    const stored = batches.filter(({ lastOffset }) => lastOffset < log.logEndOffset);
    for (const batch of stored) model.append(batch);
    if (stored.length < batches.length && log.failure !== null && model.uncertain.length === 0) {
      model.uncertain = batches.slice(stored.length);
    }
    this.world.count("records of a leader", model.endOffset - batches[0]!.baseOffset);
  }

  #fetchedBatches(model: PartitionModel): StoredBatch[] {
    const { random } = this;
    const nowMs = this.machine.runtime.clock.now();
    const batches: StoredBatch[] = [];
    let baseOffset = model.endOffset;
    for (let count = 1 + random.below(4); count > 0; count--) {
      if (random.oneIn(4)) model.epoch++;
      const batch = makeBatch({
        baseOffset,
        epoch: model.epoch,
        producerId: -1,
        baseSequence: 0,
        isCompressed: false,
        records: Array.from({ length: 1 + random.below(3) }, () => ({
          key: `key ${random.below(KEYS)}`,
          value: `${random.below(1_000_000)}`,
          timestamp: nowMs - random.below(3_000),
        })),
      });
      batches.push(batch);
      baseOffset = batch.lastOffset + 1;
    }
    return batches;
  }

  /** Stores `batch`, which is next. */
  store(place: P, batch: StoredBatch, origin: AppendOptions["origin"] = "client"): void {
    const { model } = place;
    const result = this.#appendTo(place, batch.sent, origin);
    if (result === null) {
      if (place.log.failure !== null && model.uncertain.length === 0) model.uncertain = [batch];
      return;
    }
    if (result.duplicate || result.baseOffset !== batch.baseOffset) {
      this.fail(place, `a new batch for ${batch.baseOffset} was stored at ${result.baseOffset}`);
    }
    model.append(batch);
    this.world.count("records", batch.records.length);
  }

  #appendTo(place: P, sent: Uint8Array, origin: AppendOptions["origin"]): AppendResult | null {
    try {
      return place.log.append(sent, { leaderEpoch: place.model.epoch, origin });
    } catch (error) {
      this.machine.expectFault(`cannot append to ${place.model.name}`, error, place);
      return null;
    }
  }

  /** Sends one of the last batches of a producer again: it must be recognized, or rejected. */
  repeat(place: P): void {
    const { model } = place;
    const producerId = model.producerId(this.random.below(PRODUCERS));
    const sent = model.lastOf(producerId, REPEATED);
    if (sent.length === 0 || place.log.failure !== null) return;
    const back = this.random.oneIn(2) ? 0 : this.random.below(sent.length);
    const batch = sent[back]!;
    try {
      const result = place.log.append(batch.sent, { leaderEpoch: model.epoch, origin: "client" });
      if (result.duplicate) {
        // Where it was forgotten and stored again, the later place counts.
        const places = sent.filter(({ baseSequence }) => baseSequence === batch.baseSequence);
        if (places.some(({ baseOffset }) => baseOffset === result.baseOffset)) return;
        return this.fail(
          place,
          `${batch.baseOffset} sent again is reported as ${result.baseOffset}`,
        );
      }
      const newest = sent[0]!;
      const isGone = batch.lastOffset < model.startOffset;
      const isNext = newest.baseSequence + newest.records.length === batch.baseSequence;
      if (newest.lastOffset < model.startOffset || isGone && isNext) {
        // Its records are deleted: the log may forget the batch and accept it again.
        return model.append(placed(batch, result.baseOffset, model.epoch));
      }
      this.fail(place, `${batch.baseOffset} sent again is stored again, at ${result.baseOffset}`);
    } catch (error) {
      const isRefused = error instanceof KafkaError &&
        error.code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
      if (isRefused && back > 0) return;
      this.machine.expectFault(`cannot repeat ${batch.baseOffset} of ${model.name}`, error, place);
    }
  }
}

function joined(batches: readonly StoredBatch[]): Uint8Array {
  const bytes = new Uint8Array(batches.reduce((sum, batch) => sum + batch.bytes.length, 0));
  let at = 0;
  for (const batch of batches) {
    bytes.set(batch.bytes, at);
    at += batch.bytes.length;
  }
  return bytes;
}
