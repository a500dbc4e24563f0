/**
 * The batches of one partition on their way, in order: open, full and waiting, sent. It keeps the
 * sequence numbers, and with them the promise of an idempotent producer: nothing twice, nothing out
 * of order.
 *
 * @module
 */
import type { ProducerBatch, ProducerIdentity } from "./producer_batch.ts";

/** Sequence numbers begin again at 0 after this one. */
const MAX_SEQUENCE = 2_147_483_647;

/** What waits and what is on its way for one partition. */
export class PartitionQueue {
  /** Takes records; null when there is none. */
  open: ProducerBatch | null = null;
  /** No longer open, in order. */
  readonly #waiting: ProducerBatch[] = [];
  /** Sent and not answered, in order. */
  readonly #inFlight: ProducerBatch[] = [];
  /** Answered with an error, to be sent again. */
  readonly #failed: ProducerBatch[] = [];
  #nextSequence = 0;
  /** The number of a refused batch, which the next one takes over; -1 for none. */
  #renumberFrom = -1;
  /** How many of the failed were sent before the refused one. */
  #failedBefore = 0;
  /** Since a batch failed: no new one is sent before all that were sent have been answered. */
  #isRecovering = false;
  /** Whether the broker has answered well to a batch of this identity. */
  #isKnown = false;
  /** Nothing is sent before this time of the monotonic clock. */
  notBeforeMs = 0;

  constructor(readonly topic: string, readonly partition: number) {}

  /** Whether nothing waits and nothing is on its way. */
  get isIdle(): boolean {
    return this.open === null && this.#waiting.length === 0 && this.#inFlight.length === 0 &&
      this.#failed.length === 0;
  }

  /** How many batches were sent and not answered. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** Whether a batch failed and those sent with it have not all been answered. */
  get isRecovering(): boolean {
    return this.#isRecovering;
  }

  /**
   * Whether nothing more may be sent until what is on its way has been answered. A broker takes any
   * sequence number from a producer that it does not know: were the first batch refused and the
   * second taken, the first could never follow.
   */
  get mustWait(): boolean {
    return this.#isRecovering ||
      (!this.#isKnown && this.#inFlight.some((batch) => batch.baseSequence >= 0));
  }

  /** Whether a batch can be sent that takes no more records. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Closes the open batch: it takes no more records. */
  closeOpen(): void {
    if (this.open === null) return;
    this.#waiting.push(this.open);
    this.open = null;
  }

  /** The batch to be sent next, or undefined. */
  peek(): ProducerBatch | undefined {
    return this.#waiting[0];
  }

  /** Takes the next batch for sending, numbered when there is an identity. */
  take(identity: ProducerIdentity | null): ProducerBatch {
    const batch = this.#waiting.shift()!;
    if (identity !== null) {
      if (batch.baseSequence < 0) {
        batch.number(identity, this.#nextSequence);
        this.#nextSequence = advance(this.#nextSequence, batch.recordCount);
      } else batch.number(identity, batch.baseSequence);
    }
    this.#inFlight.push(batch);
    return batch;
  }

  /** The batch was answered well. */
  settle(batch: ProducerBatch): void {
    this.#isKnown = true;
    remove(this.#inFlight, batch);
    this.#finishRecovery();
  }

  /** The batch is to be sent again, not before `notBeforeMs`. */
  again(batch: ProducerBatch, notBeforeMs: number): void {
    remove(this.#inFlight, batch);
    this.#failed.push(batch);
    this.#isRecovering = true;
    this.notBeforeMs = Math.max(this.notBeforeMs, notBeforeMs);
    this.#finishRecovery();
  }

  /**
   * The batch was refused for good and is not in the log: what follows it is numbered anew, from the
   * number it had.
   */
  refuse(batch: ProducerBatch): void {
    remove(this.#inFlight, batch);
    if (batch.baseSequence >= 0 && this.#renumberFrom < 0) {
      this.#isRecovering = true;
      this.#renumberFrom = batch.baseSequence;
      this.#failedBefore = this.#failed.length;
    }
    this.#finishRecovery();
  }

  /** Takes out what waits longer than `deadlineMs` (the time it must have been opened after). */
  takeExpired(deadlineMs: number): ProducerBatch[] {
    const expired: ProducerBatch[] = [];
    if (this.#isRecovering) return expired;
    while (this.#waiting.length > 0 && this.#waiting[0]!.createdAtMs < deadlineMs) {
      expired.push(this.#waiting.shift()!);
    }
    return expired;
  }

  /**
   * The producer gets a new identity: every number is taken away and counting begins at 0. Returns
   * the batches that may be in the log under the old one: sending them again could write them twice.
   * Only when nothing is on its way.
   */
  renew(): ProducerBatch[] {
    const uncertain = this.#waiting.filter((batch) => batch.isUncertain);
    for (const batch of uncertain) remove(this.#waiting, batch);
    for (const batch of this.#waiting) batch.unnumber();
    this.#nextSequence = 0;
    this.#isKnown = false;
    return uncertain;
  }

  /** Takes out everything that has not been sent. */
  takeAll(): ProducerBatch[] {
    this.closeOpen();
    return [...this.#failed.splice(0), ...this.#waiting.splice(0)];
  }

  /** Every batch there is now. */
  batches(): ProducerBatch[] {
    const open = this.open === null ? [] : [this.open];
    return [...this.#inFlight, ...this.#failed, ...this.#waiting, ...open];
  }

  #finishRecovery(): void {
    if (!this.#isRecovering || this.#inFlight.length > 0) return;
    this.#isRecovering = false;
    const failed = this.#failed.splice(0);
    if (this.#renumberFrom >= 0) {
      // Answers come in order, so what failed before the refusal was sent before it as well.
      for (const later of failed.slice(this.#failedBefore)) later.unnumber();
      for (const later of this.#waiting) later.unnumber();
      this.#nextSequence = this.#renumberFrom;
      this.#renumberFrom = -1;
    }
    this.#waiting.unshift(...failed);
  }
}

/** The sequence number `count` after `sequence`. */
export function advance(sequence: number, count: number): number {
  const next = sequence + count;
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next;
}

function remove(batches: ProducerBatch[], batch: ProducerBatch): void {
  const index = batches.indexOf(batch);
  if (index >= 0) batches.splice(index, 1);
}
