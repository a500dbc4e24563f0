/**
 * What is done to the partitions of the disk scenario while a process runs, by chance, each time on
 * the log and on its model alike.
 *
 * @module
 */
import { findCleanable } from "../../../src/log/compaction/cleanable.ts";
import { cleanLog } from "../../../src/log/compaction/cleaner.ts";
import { KeyDigest, SECRET_BYTES } from "../../../src/log/compaction/key_digest.ts";
import { OffsetMap } from "../../../src/log/compaction/offset_map.ts";
import { CleaningStopped, Pacer } from "../../../src/log/compaction/pacer.ts";
import type { AppendOptions, AppendResult } from "../../../src/log/log_types.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import { offsetForTimestamp } from "../../log/fixture.ts";
import { STORED_CODECS } from "../stored_codecs.ts";
import type { World } from "../world.ts";
import { indexOf } from "./partition_model.ts";
import {
  makeBatch,
  placed,
  readFrom,
  readLog,
  sameBytes,
  type StoredBatch,
} from "./stored_batch.ts";
import type { Machine, Place } from "./machine.ts";
import { judgeTransactions } from "./transaction_checks.ts";

/** Idempotent producers of each partition. */
const PRODUCERS = 2;
/** How many of its last batches are sent again now and then. */
const REPEATED = 5;
const KEYS = 6;
/** How often each operation is chosen, beside the others. */
const WEIGHTS: readonly (readonly [name: keyof Operations, weight: number])[] = [
  ["append", 26],
  ["appendAsFollower", 5],
  ["flush", 4],
  ["flushInBackground", 3],
  ["commit", 3],
  ["compact", 5],
  ["read", 4],
  ["repeat", 3],
  ["lookUpTime", 2],
  ["lookUpEpoch", 1],
  ["roll", 2],
  ["truncate", 2],
  ["deleteRecords", 3],
  ["retain", 2],
  ["pause", 4],
  ["injectFault", 2],
];
const TOTAL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

/** Operations on the open logs of a machine. */
export class Operations<P extends Place = Place> {
  readonly #world: World;
  readonly #secret: Uint8Array;
  /** The places that can be worked with. */
  #places: readonly P[] = [];

  constructor(
    readonly machine: Machine<P>,
    readonly random: Xoshiro128,
    readonly mayFail: boolean,
  ) {
    this.#world = machine.world;
    this.#secret = random.fill(new Uint8Array(SECRET_BYTES));
  }

  /** Does something, to one of `places`. */
  async step(places: readonly P[] = this.machine.places): Promise<void> {
    this.#places = places;
    let choice = this.random.below(TOTAL);
    const [name] = WEIGHTS.find(([, weight]) => (choice -= weight) < 0)!;
    const place = places[this.random.below(places.length)]!;
    if (!await this.prepare(place)) return;
    this.#world.simulation.trace(`${name} ${place.model.name}`);
    this.#world.count(name);
    await (this[name] as (place: P) => unknown)(place);
  }

  /** Whether something can be done to `place` now; otherwise something was, if it needed that. */
  async prepare(place: P): Promise<boolean> {
    const { truncation, log } = place;
    if (truncation !== undefined && log.isTruncating) {
      await this.#truncateAgain(place, truncation.offset);
      return false;
    }
    return !place.model.isLoose;
  }

  /** Stores a batch, or, on a disk that fails, nothing. */
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
    const nowMs = this.machine.runtime.clock.now();
    const batches: StoredBatch[] = [];
    let baseOffset = model.endOffset;
    for (let count = 1 + this.random.below(4); count > 0; count--) {
      if (this.random.oneIn(4)) model.epoch++;
      const batch = makeBatch({
        baseOffset,
        epoch: model.epoch,
        producerId: -1,
        baseSequence: 0,
        isCompressed: false,
        records: Array.from({ length: 1 + this.random.below(3) }, () => ({
          key: `key ${this.random.below(KEYS)}`,
          value: `${this.random.below(1_000_000)}`,
          timestamp: nowMs - this.random.below(3_000),
        })),
      });
      batches.push(batch);
      baseOffset = batch.lastOffset + 1;
    }
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
    this.#world.count("records of a leader", model.endOffset - batches[0]!.baseOffset);
  }

  /** Stores a batch that may come next. */
  store(place: P, batch: StoredBatch, origin: AppendOptions["origin"] = "client"): void {
    const { model } = place;
    const result = this.#appendTo(place, batch.sent, origin);
    if (result === null) {
      if (place.log.failure !== null && model.uncertain.length === 0) model.uncertain = [batch];
      return;
    }
    if (result.duplicate || result.baseOffset !== batch.baseOffset) {
      this.#fail(place, `a new batch for ${batch.baseOffset} came to ${result.baseOffset}`);
    }
    model.append(batch);
    this.#world.count("records", batch.records.length);
  }

  #appendTo(place: P, sent: Uint8Array, origin: AppendOptions["origin"]): AppendResult | null {
    try {
      return place.log.append(sent, { leaderEpoch: place.model.epoch, origin });
    } catch (error) {
      this.machine.expectFault(`cannot append to ${place.model.name}`, error, place);
      return null;
    }
  }

  /** A producer sends one of its last batches again: it must be known, or refused. */
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
        // Where it was forgotten and stored anew, the later place counts.
        const places = sent.filter(({ baseSequence }) => baseSequence === batch.baseSequence);
        if (places.some(({ baseOffset }) => baseOffset === result.baseOffset)) return;
        return this.#fail(
          place,
          `${batch.baseOffset} sent again is said to be ${result.baseOffset}`,
        );
      }
      const newest = sent[0]!;
      const isGone = batch.lastOffset < model.startOffset;
      const isNext = newest.baseSequence + newest.records.length === batch.baseSequence;
      if (newest.lastOffset < model.startOffset || isGone && isNext) {
        // Its records are gone: the log may forget the batch, and accept it behind one before it.
        return model.append(placed(batch, result.baseOffset, model.epoch));
      }
      this.#fail(place, `${batch.baseOffset} sent again is stored again, at ${result.baseOffset}`);
    } catch (error) {
      const isRefused = error instanceof KafkaError &&
        error.code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
      if (isRefused && back > 0) return;
      this.machine.expectFault(`cannot repeat ${batch.baseOffset} of ${model.name}`, error, place);
    }
  }

  /** Waits until everything is on the disk. */
  async flush(place: P): Promise<void> {
    const { model, log } = place;
    const { life } = this.machine;
    const mark = model.beginFlush();
    try {
      await log.flush();
      mark();
    } catch (error) {
      if (life !== this.machine.life || place.isGone) return;
      this.machine.expectFault(`cannot flush ${model.name}`, error, place);
      if (log.failure === null && !this.machine.mayLackDescriptors(error)) {
        this.#fail(place, "a flush has failed, and the log goes on");
      }
    }
  }

  /** Begins to flush, and goes on. */
  flushInBackground(place: P): void {
    void this.flush(place);
  }

  /** Waits for the next sync that serves everybody, and goes on. */
  commit(place: P): void {
    const { model, log } = place;
    const { life } = this.machine;
    const mark = model.beginFlush();
    this.machine.commits.commit(log).then(mark, (error) => {
      if (life !== this.machine.life || this.machine.isClosing || place.isGone) return;
      this.machine.expectFault(`cannot commit ${model.name}`, error, place);
    });
  }

  /** Compacts what can be, in one pass. */
  async compact(place: P): Promise<void> {
    const { model, log, config } = place;
    if (!model.isCompacted || log.failure !== null) return;
    const { clock } = this.machine.runtime;
    if (this.random.oneIn(2)) {
      this.roll(place);
      await this.flush(place);
    }
    if (log.failure !== null || model.isLoose) return;
    try {
      await log.compaction.finishSwaps();
      const nowMs = clock.now();
      const { segments, logStartOffset, logEndOffset, cleanedOffset } = log.compaction;
      const lastStableOffset = this.compactableEnd(log);
      const cleanable = findCleanable({
        segments,
        config,
        logStartOffset,
        logEndOffset,
        cleanedOffset,
        lastStableOffset,
        nowMs,
      });
      if (cleanable === null) return;
      model.compact(cleanable.endOffset, nowMs);
      await cleanLog({
        log: log.compaction,
        cleanable,
        map: new OffsetMap(new KeyDigest(this.#secret), {
          maxBytes: this.random.oneIn(3) ? 120 : 100_000,
          loadFactor: 0.9,
        }),
        pacer: new Pacer({ clock, maxBytesPerSecond: () => Infinity, sliceBytes: 500 }),
        nowMs,
        bufferBytes: 100 + this.random.below(2_000),
      });
      this.#world.count("compactions");
      const problem = model.judgeRecords(readLog(log, this.random)) ??
        judgeTransactions(log, model, this.#world.random(`compacted ${model.name}`));
      if (problem !== null) this.#fail(place, `after compaction ${problem}`);
    } catch (error) {
      // A map may be too small for the keys of one batch.
      if (error instanceof KafkaError && error.message.includes("dedupe.buffer.size")) return;
      if (error instanceof CleaningStopped && this.machine.mayHaveFailed(place)) return;
      this.machine.expectFault(`cannot compact ${model.name}`, error, place);
    }
  }

  /** Nothing from here on may be compacted, as the broker's cleaner has it. */
  compactableEnd(log: PartitionLog): number {
    return Math.min(log.lastStableOffset(log.logEndOffset), log.recoveryPoint);
  }

  /** Reads from any offset. */
  read(place: P): void {
    const { model, log } = place;
    if (model.endOffset === model.startOffset) return;
    const offset = this.random.between(model.startOffset, model.endOffset - 1);
    try {
      const read = readFrom(log, offset, 1 + this.random.below(2_000));
      const first = read[0];
      if (first === undefined) {
        if (!model.isCompacted) this.#fail(place, `there is nothing at ${offset}`);
        return;
      }
      if (model.isCompacted) {
        if (first.lastOffset < offset) this.#fail(place, `reading ${offset} begins too early`);
        return;
      }
      let index = indexOf(model.batches, offset);
      for (const { baseOffset, bytes } of read) {
        const wanted = model.batches[index++];
        if (wanted === undefined || !sameBytes(bytes, wanted.bytes)) {
          this.#fail(place, `reading ${offset} gives a wrong batch at ${baseOffset}`);
        }
      }
    } catch (error) {
      this.machine.expectFault(`cannot read ${model.name} at ${offset}`, error, place);
    }
  }

  /** The first record at or after a time. */
  lookUpTime(place: P): void {
    const { model, log } = place;
    if (model.isCompacted) return;
    const timestamp = this.machine.runtime.clock.now() - this.random.below(6_000);
    const offset = firstAt(model.readable, model.startOffset, timestamp);
    try {
      const found = offsetForTimestamp(log, timestamp, STORED_CODECS)?.offset ?? null;
      if (found !== offset) {
        this.#fail(place, `the first at ${timestamp} is said to be ${found}, it is ${offset}`);
      }
    } catch (error) {
      this.machine.expectFault(`cannot search ${model.name}`, error, place);
    }
  }

  /** Where an epoch ended. */
  lookUpEpoch(place: P): void {
    const { model, log } = place;
    const readable = model.readable;
    // Of an epoch whose records were all compacted nothing need be known.
    if (readable.length === 0 || model.compactedUpTo > 0) return;
    const { epoch } = readable[this.random.below(readable.length)]!;
    const next = readable.find((batch) => batch.epoch > epoch);
    const endOffset = next?.baseOffset ?? model.endOffset;
    const told = log.endOffsetForEpoch(epoch);
    if (told.leaderEpoch !== epoch || told.endOffset !== endOffset) {
      this.#fail(
        place,
        `the epoch ${epoch} is said to end at ${told.leaderEpoch}/${told.endOffset}, not ${endOffset}`,
      );
    }
  }

  /** Begins another segment. */
  roll(place: P): void {
    this.#change(place, "roll", () => place.log.roll());
  }

  /** Truncates the log to the beginning of a batch, or several logs together. */
  async truncate(place: P, all: readonly P[] = this.#places): Promise<void> {
    const { random } = this;
    const places = random.oneIn(3) ? all : [place];
    const offsets = new Map<P, number>();
    for (const one of places) {
      const { model, log } = one;
      if (model.isLoose || one.truncation !== undefined || log.failure !== null) continue;
      // Compacted records are committed: no leader has them truncated.
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
    this.#world.count("truncations together");
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
  async #truncateAgain(place: P, offset: number): Promise<void> {
    if (this.random.oneIn(3)) return await this.pause();
    this.#world.count("truncations repeated");
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
    this.#expectEnds(place);
  }

  /** Deletes what is before `before`, by default some offset. */
  async deleteRecords(place: P, before?: number): Promise<void> {
    const { model, log } = place;
    if (log.failure !== null) return;
    const offset = before ?? this.random.between(
      model.startOffset,
      Math.min(model.endOffset, model.startOffset + 8),
    );
    if (!this.#change(place, "delete records of", () => log.deleteRecordsBefore(offset))) {
      return void (model.latestStart = offset);
    }
    model.startOffset = offset;
    this.#expectEnds(place);
    if (this.random.oneIn(2)) await this.#awaitStart(place);
  }

  /** Waits until what was deleted cannot come back. */
  async #awaitStart(place: P): Promise<void> {
    const { model, log } = place;
    const { startOffset } = model;
    try {
      await log.logStartOffsetSaved();
      model.durableStart = Math.max(model.durableStart, startOffset);
    } catch (error) {
      this.machine.expectFault(`cannot write down the start of ${model.name}`, error, place);
    }
  }

  /** Lets time pass and old segments go. */
  async retain(place: P): Promise<void> {
    const { model, log, config } = place;
    await this.#world.pause(this.random.below(4_000));
    if (log.failure !== null) return;
    const nowMs = this.machine.runtime.clock.now();
    const size = log.sizeInBytes;
    const before = log.logStartOffset;
    const isDone = this.#change(place, "retain", () => log.applyRetention(nowMs));
    const start = log.logStartOffset;
    if (start === before) return;
    if (!isDone) return void (model.latestStart = start);
    this.#world.count("retentions");
    const gone = model.batches.filter(({ baseOffset, lastOffset }) =>
      lastOffset >= before && baseOffset < start
    );
    // What is not old enough went because there was too much behind it.
    const young = gone.findLastIndex(({ records }) =>
      records.some(({ timestamp }) => nowMs - timestamp <= config.retentionMs)
    );
    const deleted = gone.slice(0, young + 1).reduce((sum, { bytes }) => sum + bytes.length, 0);
    const isExcess = config.retentionBytes >= 0 && size - deleted >= config.retentionBytes;
    if (!config.delete || (young !== -1 && !isExcess)) {
      this.#fail(place, `retention has deleted up to ${start}, which had to stay`);
    }
    model.startOffset = start;
    this.#expectEnds(place);
    if (this.random.oneIn(2)) await this.#awaitStart(place);
  }

  /** Lets time pass. */
  async pause(): Promise<void> {
    await this.#world.pause(this.random.below(this.random.oneIn(4) ? 1_000 : 20));
  }

  /** Has the disk fail, now and then. */
  injectFault(place: P): void {
    if (!this.mayFail) return;
    const { disk } = this.machine;
    const path = `${place.model.name}/`;
    switch (this.random.below(7)) {
      case 0:
        return disk.failNext("write", "io", path);
      case 1:
      case 2:
      case 3:
        return disk.failNext("sync", "io", this.random.oneIn(2) ? ".log" : path);
      case 4:
        return disk.failNext("read", "io", path);
      case 5:
        return disk.failNext("open", "io", path);
      default:
        disk.isFull = !disk.isFull;
    }
  }

  /** False when a fault kept it from happening, or from happening whole. */
  #change(place: P, action: string, run: () => unknown): boolean {
    try {
      run();
      return true;
    } catch (error) {
      place.model.isLoose = true;
      place.model.keepLineage();
      this.machine.expectFault(`cannot ${action} ${place.model.name}`, error, place);
      return false;
    }
  }

  #expectEnds({ model, log }: P): void {
    if (model.isLoose) return;
    if (log.logStartOffset !== model.startOffset || log.logEndOffset !== model.endOffset) {
      this.#world.fail(
        `${model.name} has ${log.logStartOffset} to ${log.logEndOffset}, ` +
          `${model.startOffset} to ${model.endOffset} must be`,
      );
    }
  }

  #fail({ model }: Place, text: string): void {
    this.#world.fail(`${model.name}: ${text}`);
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
