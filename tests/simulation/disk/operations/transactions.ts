/**
 * Transactional producers and their coordinator on the partitions of a disk scenario: they
 * write batches, end transactions, send a batch again, leave one out, or come back with an epoch that
 * is over. Each time the log must take it, know it or refuse it, as the model says.
 *
 * A decision of the coordinator stays, as its own log would keep it: where a power failure has taken
 * a marker, the same one is written again before anything else of that producer.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../../../src/protocol/errors.ts";
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import type { Machine, Place } from "../machine.ts";
import type { Operations } from "./operations.ts";
import { makeBatch, makeMarker, readLog, type StoredBatch } from "../models/stored_batch.ts";
import { judgeTransactions } from "../models/transaction_checks.ts";
import { type Transaction, transactionKey } from "../models/transaction_model.ts";

/** The transactional producers of each partition, by their numbers. */
const FIRST_PRODUCER = 2;
const PRODUCERS = 3;
const REPEATED = 5;
const KEYS = 6;
/** The errors for a producer whose batch is not the next one. */
const REFUSALS: readonly number[] = [
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
];

/** Transactions on the open logs of a machine. */
export class Transactions<P extends Place = Place> {
  constructor(
    readonly machine: Machine<P>,
    readonly operations: Operations<P>,
    readonly random: Xoshiro128,
  ) {}

  /** Does something to `place`. */
  step(place: P): void {
    const choice = this.random.below(20);
    if (choice < 9) this.produce(place);
    else if (choice < 15) this.end(place);
    else if (choice < 17) this.repeat(place);
    else if (choice < 18) this.leaveOut(place);
    else this.examine(place);
  }

  /** A producer writes into its transaction, which begins with that unless it is open. */
  produce(place: P): void {
    const { random } = this;
    const { model } = place;
    const history = model.history();
    const producerId = this.#anyProducer(place);
    const transaction = history.open.get(producerId);
    if (transaction !== undefined && transaction.decision !== null) {
      return this.#decide(place, transaction);
    }
    const batch = this.#next(place, producerId, 0);
    if (batch.sent.length > place.config.segmentBytes) return;
    // The coordinator vouches for the first one, as it does when a partition joins a transaction.
    const isFirst = transaction === undefined;
    this.#count("transactional batches", place);
    this.operations.writes.store(
      place,
      batch,
      isFirst || random.oneIn(4) ? "coordinator" : "client",
    );
  }

  /** The coordinator ends some transaction. */
  end(place: P): void {
    const open = [...place.model.history().open.values()];
    if (open.length > 0) this.#decide(place, open[this.random.below(open.length)]!);
  }

  #decide(place: P, transaction: Transaction): void {
    const { random } = this;
    const { model } = place;
    const { producerId, batches } = transaction;
    const decision = transaction.decision ?? (random.oneIn(2) ? "commit" : "abort");
    model.decisions.set(transactionKey(transaction), decision);
    this.#count(decision, place);
    const marker = makeMarker({
      baseOffset: model.endOffset,
      epoch: model.epoch,
      producerId,
      // Since KIP-890 a marker may carry the producer's next epoch.
      producerEpoch: batches.at(-1)!.producerEpoch + (random.oneIn(3) ? 1 : 0),
      decision,
      timestamp: this.machine.runtime.clock.now(),
    });
    this.operations.writes.store(place, marker, "coordinator");
  }

  /** A producer sends one of its last batches again: it must be known, or refused. */
  repeat(place: P): void {
    const { random } = this;
    const { model, log } = place;
    const producerId = this.#anyProducer(place);
    const sent = model.lastOf(producerId, REPEATED);
    const newest = sent[0];
    // The log may forget a producer whose records are all deleted.
    if (newest === undefined || newest.lastOffset < model.startOffset || log.failure) return;
    const back = random.oneIn(2) ? 0 : random.below(sent.length);
    const batch = sent[back]!;
    const isNewest = back === 0 &&
      model.history().producers.get(producerId)!.epoch === batch.producerEpoch;
    this.#count("transactional batches sent again", place);
    this.#offer(place, batch, (result) => {
      if (result === null) return !isNewest;
      return result === batch.baseOffset;
    });
  }

  /** A producer sends a batch before the one that comes next. */
  leaveOut(place: P): void {
    const { model, log } = place;
    const producerId = this.#anyProducer(place);
    const known = model.history().producers.get(producerId);
    const isKnown = known !== undefined && known.lastOffset >= model.startOffset;
    if (!isKnown || log.failure) return;
    const batch = this.#next(place, producerId, 1);
    if (batch.sent.length > place.config.segmentBytes) return;
    this.#count("batches left out", place);
    this.#offer(place, batch, (result) => result === null);
  }

  /** Holds all that the log knows of transactions and records against the model. */
  examine(place: P): void {
    const { model, log } = place;
    if (log.failure) return;
    this.#count("transactions examined", place);
    try {
      const problem = judgeTransactions(log, model, this.random) ??
        (model.isCompacted ? model.judgeRecords(readLog(log, this.random)) : null);
      if (problem !== null) this.machine.world.fail(`${model.name}: ${problem}`);
    } catch (error) {
      this.machine.expectFault(`cannot examine ${model.name}`, error, place);
    }
  }

  /** Sends `batch`, which must not be stored. `isRight` receives its offset, or null if it was rejected. */
  #offer(place: P, batch: StoredBatch, isRight: (baseOffset: number | null) => boolean): void {
    const { model, log } = place;
    let result: number | null = null;
    try {
      const answer = log.append(batch.sent, { leaderEpoch: model.epoch, origin: "client" });
      if (!answer.duplicate) {
        return this.machine.world.fail(
          `${model.name}: ${batch.producerId}/${batch.producerEpoch}/${batch.baseSequence}, which ` +
            `does not come next, is stored at ${answer.baseOffset}`,
        );
      }
      result = answer.baseOffset;
    } catch (error) {
      if (!(error instanceof KafkaError && REFUSALS.includes(error.code))) {
        return this.machine.expectFault(`cannot append to ${model.name}`, error, place);
      }
    }
    if (isRight(result)) return;
    this.machine.world.fail(
      `${model.name}: ${batch.producerId}/${batch.producerEpoch}/${batch.baseSequence} is ` +
        (result === null ? "refused" : `said to lie at ${result}`),
    );
  }

  /** The batch that a producer sends next, or so many sequence numbers later. */
  #next({ model }: P, producerId: number, later: number): StoredBatch {
    const { random } = this;
    const known = model.history().producers.get(producerId);
    const nowMs = this.machine.runtime.clock.now();
    return makeBatch({
      baseOffset: model.endOffset,
      epoch: model.epoch,
      producerId,
      producerEpoch: known?.epoch ?? 0,
      baseSequence: (known?.lastSequence ?? -1) + 1 + later,
      isTransactional: true,
      isCompressed: random.oneIn(8),
      records: Array.from({ length: 1 + random.below(3) }, () => ({
        key: `key ${random.below(KEYS)}`,
        value: random.oneIn(4) ? null : "t".repeat(random.below(random.oneIn(6) ? 600 : 40)) +
          random.below(1_000_000),
        timestamp: nowMs - random.below(3_000),
      })),
    });
  }

  #anyProducer({ model }: P): number {
    return model.producerId(FIRST_PRODUCER + this.random.below(PRODUCERS));
  }

  #count(what: string, { model }: P): void {
    this.machine.world.simulation.trace(`${what} ${model.name}`);
    this.machine.world.count(what);
  }
}
