/**
 * The batches of one partition in order: open, waiting and in flight. Manages the sequence numbers
 * that let an idempotent producer avoid duplicates and reordering.
 *
 * @module
 */
import type { ProducerBatch, ProducerIdentity } from "./producer_batch.ts";

/** The sequence number after this one is 0. */
const MAX_SEQUENCE = 2_147_483_647;

/** The waiting and in-flight batches of one partition. */
export class PartitionQueue {
  /** The batch that accepts records, or null. */
  open: ProducerBatch | null = null;
  /** Closed batches, in order. */
  readonly #waiting: ProducerBatch[] = [];
  /** Batches sent but not responseError, in order. */
  readonly #inFlight: ProducerBatch[] = [];
  /** Batches that failed and will be sent again. */
  readonly #failed: ProducerBatch[] = [];
  #nextSequence = 0;
  /** The sequence number of a rejected batch, reused by the next one; -1 for none. */
  #renumberFrom = -1;
  /** Number of failed batches that were sent before the rejected one. */
  #failedBefore = 0;
  /** Set when a batch fails. No new batch is sent until all batches in flight are answered. */
  #isRecovering = false;
  /** Whether the broker has accepted a batch of this identity. */
  #isKnown = false;
  /** Time of the monotonic clock before which nothing is sent. */
  notBeforeMs = 0;

  constructor(readonly topic: string, readonly partition: number) {}

  /** Whether no batch is waiting or in flight. */
  get isIdle(): boolean {
    return this.open === null && this.#waiting.length === 0 && this.#inFlight.length === 0 &&
      this.#failed.length === 0;
  }

  /** Number of batches in flight. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** Whether a batch failed and some of those sent with it are not answered yet. */
  get isRecovering(): boolean {
    return this.#isRecovering;
  }

  /**
   * Whether nothing may be sent until the batches in flight are answered. A broker accepts any
   * sequence number from an unknown producer: if it rejected the first batch and accepted the
   * second, the first could never be sent again.
   */
  get isBlocked(): boolean {
    return this.#isRecovering ||
      (!this.#isKnown && this.#inFlight.some((batch) => batch.baseSequence >= 0));
  }

  /** Whether a closed batch is waiting to be sent. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Closes the open batch for further records. */
  closeOpen(): void {
    if (this.open === null) return;
    this.#waiting.push(this.open);
    this.open = null;
  }

  /** Returns the next batch to send, or undefined. */
  peek(): ProducerBatch | undefined {
    return this.#waiting[0];
  }

  /** Removes the next batch for sending. Numbers it if there is an identity. */
  take(identity: ProducerIdentity | null): ProducerBatch {
    const batch = this.#waiting.shift()!;
    if (identity !== null) {
      if (batch.baseSequence < 0) {
        batch.assignSequence(identity, this.#nextSequence);
        this.#nextSequence = sequenceAfter(this.#nextSequence, batch.recordCount);
      } else batch.assignSequence(identity, batch.baseSequence);
    }
    this.#inFlight.push(batch);
    return batch;
  }

  /** Completes a batch that the broker has accepted. */
  complete(batch: ProducerBatch): void {
    this.#isKnown = true;
    remove(this.#inFlight, batch);
    this.#finishRecovery();
  }

  /** Queues a batch to be sent again, not before `notBeforeMs`. */
  requeue(batch: ProducerBatch, notBeforeMs: number): void {
    remove(this.#inFlight, batch);
    this.#failed.push(batch);
    this.#isRecovering = true;
    this.notBeforeMs = Math.max(this.notBeforeMs, notBeforeMs);
    this.#finishRecovery();
  }

  /**
   * Drops a batch that was rejected permanently and is not in the log. Later batches are renumbered
   * from its sequence number.
   */
  reject(batch: ProducerBatch): void {
    remove(this.#inFlight, batch);
    if (batch.baseSequence >= 0 && this.#renumberFrom < 0) {
      this.#isRecovering = true;
      this.#renumberFrom = batch.baseSequence;
      this.#failedBefore = this.#failed.length;
    }
    this.#finishRecovery();
  }

  /** Removes batches that were opened before `deadlineMs`. */
  takeExpired(deadlineMs: number): ProducerBatch[] {
    const expired: ProducerBatch[] = [];
    if (this.#isRecovering) return expired;
    while (this.#waiting.length > 0 && this.#waiting[0]!.createdAtMs < deadlineMs) {
      expired.push(this.#waiting.shift()!);
    }
    return expired;
  }

  /**
   * Prepares for a new producer identity: clears all sequence numbers and restarts at 0. Returns
   * the batches that may have been written under the old identity and must not be sent again. No
   * batch may be in flight.
   */
  resetIdentity(): ProducerBatch[] {
    const uncertain = this.#waiting.filter((batch) => batch.isUncertain);
    for (const batch of uncertain) remove(this.#waiting, batch);
    for (const batch of this.#waiting) batch.clearSequence();
    this.#nextSequence = 0;
    this.#isKnown = false;
    return uncertain;
  }

  /** Removes all batches that have not been sent. */
  takeAll(): ProducerBatch[] {
    this.closeOpen();
    return [...this.#failed.splice(0), ...this.#waiting.splice(0)];
  }

  /** Returns all batches. */
  batches(): ProducerBatch[] {
    const open = this.open === null ? [] : [this.open];
    return [...this.#inFlight, ...this.#failed, ...this.#waiting, ...open];
  }

  #finishRecovery(): void {
    if (!this.#isRecovering || this.#inFlight.length > 0) return;
    this.#isRecovering = false;
    const failed = this.#failed.splice(0);
    if (this.#renumberFrom >= 0) {
      // Responses arrive in order, so batches that failed before the rejection were also sent
      // before it.
      for (const later of failed.slice(this.#failedBefore)) later.clearSequence();
      for (const later of this.#waiting) later.clearSequence();
      this.#nextSequence = this.#renumberFrom;
      this.#renumberFrom = -1;
    }
    this.#waiting.unshift(...failed);
  }
}

/** Returns the sequence number `count` after `sequence`. */
export function sequenceAfter(sequence: number, count: number): number {
  const next = sequence + count;
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next;
}

function remove(batches: ProducerBatch[], batch: ProducerBatch): void {
  const index = batches.indexOf(batch);
  if (index >= 0) batches.splice(index, 1);
}
