/**
 * Sends batches to the leaders of their partitions: a limited number of in-flight requests per
 * broker, one batch per partition in a request, and retries of failed batches until their timeout.
 *
 * @module
 */
import { ErrorCode, errorName, isRetriable, KafkaError } from "../../protocol/errors.ts";
import { initProducerId } from "../../protocol/messages/init_producer_id.ts";
import { produce, type ProduceResponse } from "../../protocol/messages/produce.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import type { PeerConnection } from "../../network/peer_connection.ts";
import type { ClusterClient } from "../cluster/cluster_client.ts";
import { responseError } from "../errors.ts";
import { recordErrorsOf } from "./record_errors.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { ProducerBatch, ProducerIdentity } from "./producer_batch.ts";
import { backoffMs } from "../../network/retry.ts";
import type { ProducerSettings } from "./producer_options.ts";
import {
  type PartitionAnswer,
  partitionAnswer,
  produceRequest,
  type Sent,
} from "./produce_request.ts";

/** Errors after which the records may have been written nevertheless. */
const UNCERTAIN_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);

/** Errors that require a new producer id. */
const IDENTITY_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
]);

/** Errors that mean that another broker leads the partition, or that the topic has another id. */
const STALE_METADATA_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.NETWORK_EXCEPTION,
]);

/** Sends the batches of the queues. */
export class ProducerSender {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;
  readonly #settings: ProducerSettings;
  /** All queues ever used, since all of them have sequence numbers. */
  readonly #queues = new Set<PartitionQueue>();
  /** Queues that are not idle. */
  readonly #active = new Set<PartitionQueue>();
  /** Number of in-flight requests by broker. */
  readonly #inFlight = new Map<number, number>();
  #totalInFlight = 0;
  #identity: ProducerIdentity | null = null;
  #isObtaining = false;
  #isRenewing = false;
  #isRefreshing = false;
  /** Number of metadata refreshes after which a leader was still unknown. */
  #refreshes = 0;
  #isScheduled = false;
  #flushing = 0;
  #timer: Timer | null = null;
  #timerAtMs = Infinity;

  constructor(
    client: ClusterClient,
    runtime: Runtime,
    settings: ProducerSettings,
    /** Called with each completed batch. */
    readonly onDone: (batch: ProducerBatch) => void,
  ) {
    this.#client = client;
    this.#runtime = runtime;
    this.#settings = settings;
  }

  /** Notifies the sender of a new record in a queue. Sending starts in a microtask. */
  wake(queue: PartitionQueue): void {
    this.#queues.add(queue);
    this.#active.add(queue);
    this.#schedule();
  }

  /** Sends all current batches. Resolves when they have succeeded or failed. */
  async flush(): Promise<void> {
    const batches = [...this.#active].flatMap((queue) => queue.batches());
    this.#flushing++;
    this.#schedule();
    try {
      await Promise.all(batches.map((batch) => batch.whenDone()));
    } finally {
      this.#flushing--;
    }
  }

  /** Fails all unsent batches and stops. */
  abort(error: Error): void {
    this.#timer?.cancel();
    for (const queue of this.#active) this.#failAll(queue.takeAll(), error);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#drain();
    });
  }

  /** Sends everything that may be sent now, and sets a timer for the rest. */
  #drain(): void {
    if (this.#client.signal.aborted || !this.#isReady()) return;
    const now = this.#runtime.clock.monotonicMs();
    const byLeader = new Map<number, PartitionQueue[]>();
    let wakeAt = Infinity;
    let isLeaderMissing = false;
    for (const queue of this.#active) {
      if (queue.isIdle) {
        this.#active.delete(queue);
        continue;
      }
      this.#expire(queue, now);
      const sendableAt = this.#sendableAt(queue, now);
      if (sendableAt > now) {
        wakeAt = Math.min(wakeAt, sendableAt);
        continue;
      }
      const leader = this.#client.view.leaderOf(queue.topic, queue.partition);
      if (leader === undefined) {
        isLeaderMissing = true;
        this.#refreshMetadata();
        continue;
      }
      const queues = byLeader.get(leader);
      if (queues === undefined) byLeader.set(leader, [queue]);
      else queues.push(queue);
    }
    if (!isLeaderMissing && byLeader.size > 0) this.#refreshes = 0;
    // Expiry of a batch may require a new identity.
    if (this.#isRenewing) return this.#schedule();
    for (const [leader, queues] of byLeader) this.#sendTo(leader, queues);
    this.#setTimer(wakeAt);
  }

  /** Returns whether there is an identity to send with. Requests one if necessary. */
  #isReady(): boolean {
    if (this.#isRenewing && this.#totalInFlight === 0) {
      this.#isRenewing = false;
      this.#identity = null;
      for (const queue of this.#queues) {
        for (const batch of queue.resetIdentity()) this.#fail(batch, unknownOutcome(queue, batch));
      }
    }
    if (this.#isRenewing) return false;
    if (!this.#settings.isIdempotent || this.#identity !== null) return true;
    if (!this.#isObtaining) this.#obtainIdentity();
    return false;
  }

  async #obtainIdentity(): Promise<void> {
    this.#isObtaining = true;
    try {
      const query = { transactionalId: null, transactionTimeoutMs: 2_147_483_647 };
      this.#identity = await this.#client.retry(async () => {
        const connection = await this.#client.anyBroker();
        const answer = await connection.request(initProducerId, query);
        if (answer.errorCode === ErrorCode.NONE) return answer;
        throw responseError(
          answer.errorCode,
          `Cannot get a producer id from ${connection.address}`,
        );
      });
    } catch (error) {
      // Retried with the next record.
      for (const queue of this.#active) this.#failAll(queue.takeAll(), error as Error);
    } finally {
      this.#isObtaining = false;
      this.#schedule();
    }
  }

  /**
   * Returns when the queue can send its next batch: a time, or Infinity if it must wait for an
   * event.
   */
  #sendableAt(queue: PartitionQueue, now: number): number {
    if (queue.isBlocked) return Infinity;
    const { open } = queue;
    if (!queue.hasWaiting) {
      if (open === null) return Infinity;
      const { lingerMs } = this.#settings;
      if (this.#flushing === 0) {
        if (lingerMs > 0 && now < open.createdAtMs + lingerMs) return open.createdAtMs + lingerMs;
        // Without linger, records are collected while the previous batch is in flight.
        if (lingerMs === 0 && queue.inFlight > 0) return Infinity;
      }
      queue.closeOpen();
    }
    return queue.notBeforeMs > now ? queue.notBeforeMs : now;
  }

  #sendTo(leader: number, queues: readonly PartitionQueue[]): void {
    const { maxInFlight, maxRequestBytes } = this.#settings;
    while ((this.#inFlight.get(leader) ?? 0) < maxInFlight) {
      const sent: Sent[] = [];
      let size = 0;
      for (const queue of queues) {
        const next = queue.peek();
        if (next === undefined || queue.isBlocked) continue;
        if (sent.length > 0 && size + next.sizeInBytes > maxRequestBytes) continue;
        const batch = queue.take(this.#identity);
        size += batch.sizeInBytes;
        sent.push({ queue, batch });
      }
      if (sent.length === 0) return;
      this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 0) + 1);
      this.#totalInFlight++;
      this.#send(leader, sent).finally(() => {
        this.#inFlight.set(leader, this.#inFlight.get(leader)! - 1);
        this.#totalInFlight--;
        this.#drain();
      });
    }
  }

  /** Sends one request. Never rejects: every batch is completed or sent again. */
  async #send(leader: number, sent: readonly Sent[]): Promise<void> {
    let wasSent = false;
    try {
      const connection = await this.#client.broker(leader);
      const { query, topicIds, maxVersion } = produceRequest(
        sent,
        this.#client.view,
        this.#settings.acks,
        this.#client.settings.requestTimeoutMs,
      );
      wasSent = true;
      if (this.#settings.acks === 0) {
        await connection.post(produce, query, { maxVersion });
        for (const { queue, batch } of sent) {
          queue.complete(batch);
          batch.succeed(queue.topic, queue.partition, -1, -1);
          this.onDone(batch);
        }
        return;
      }
      const answer = await connection.request(produce, query, { maxVersion });
      this.#receive(connection, sent, answer, topicIds);
    } catch (cause) {
      const error = cause instanceof KafkaError ? cause : invalidRecord(cause);
      for (const one of sent) {
        if (wasSent && UNCERTAIN_ERRORS.has(error.code)) one.batch.isUncertain = true;
        this.#handleFailure(one, error.code, error, error.retriable && this.#hasRetries(one));
      }
    }
  }

  #receive(
    connection: PeerConnection,
    sent: readonly Sent[],
    answer: ProduceResponse,
    topicIds: ReadonlyMap<string, string>,
  ): void {
    for (const one of sent) {
      const { queue, batch } = one;
      const result = partitionAnswer(answer, queue, topicIds);
      if (result === undefined) {
        const what = `${connection.address} did not respond for ${queue.topic}-${queue.partition}`;
        const error = new KafkaError(ErrorCode.NETWORK_EXCEPTION, what);
        this.#handleFailure(one, error.code, error, this.#hasRetries(one));
      } else if (
        result.errorCode === ErrorCode.NONE ||
        result.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER
      ) {
        queue.complete(batch);
        batch.succeed(queue.topic, queue.partition, result.baseOffset, result.logAppendTimeMs);
        this.onDone(batch);
      } else this.#handleRejection(one, result);
    }
  }

  #handleRejection(one: Sent, answer: PartitionAnswer): void {
    const { errorCode, errorMessage, recordErrors } = answer;
    const detail = errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? null;
    const error = responseError(errorCode, `Cannot send to ${nameOf(one.queue)}`, detail);
    if (UNCERTAIN_ERRORS.has(errorCode)) one.batch.isUncertain = true;
    // While an earlier batch waits to be sent again, the batches after it are expected to be out of
    // order.
    const isAfterFailed = one.queue.isRecovering &&
      errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (!isAfterFailed && this.#settings.isIdempotent && IDENTITY_ERRORS.has(errorCode)) {
      this.#isRenewing = true;
      return this.#handleFailure(one, errorCode, error, this.#hasRetries(one));
    }
    const mayRetry = isAfterFailed || isRetriable(errorCode) && this.#hasRetries(one);
    const errorOf = recordErrors.length === 0
      ? undefined
      : recordErrorsOf(nameOf(one.queue), answer);
    this.#handleFailure(one, errorCode, error, mayRetry, errorOf);
  }

  #hasRetries({ batch }: Sent): boolean {
    return batch.attempts < this.#settings.retries;
  }

  /**
   * Handles a failed attempt: the batch is sent again if that may help. Otherwise its records fail
   * with `error`, or with the error that `errorOf` returns for each index.
   */
  #handleFailure(
    { queue, batch }: Sent,
    code: number,
    error: Error,
    mayRetry: boolean,
    errorOf: (batchIndex: number) => Error = () => error,
  ): void {
    if (STALE_METADATA_ERRORS.has(code)) this.#client.view.forget(queue.topic);
    batch.lastError = error;
    if (!mayRetry || this.#client.signal.aborted) {
      if (batch.isUncertain && batch.baseSequence >= 0) this.#isRenewing = true;
      queue.reject(batch);
      batch.failEach(errorOf);
      return this.onDone(batch);
    }
    const wait = backoffMs(this.#client.settings, batch.attempts++, this.#runtime.random);
    queue.requeue(batch, this.#runtime.clock.monotonicMs() + wait);
  }

  /** Fails batches that have exceeded the delivery timeout. */
  #expire(queue: PartitionQueue, now: number): void {
    const { deliveryTimeoutMs } = this.#settings;
    for (const batch of queue.takeExpired(now - deliveryTimeoutMs)) {
      if (batch.baseSequence >= 0) this.#isRenewing = true;
      const why = batch.lastError === null ? "no broker accepted it" : batch.lastError.message;
      const within = `${deliveryTimeoutMs.toLocaleString("en-US")} ms`;
      this.#fail(
        batch,
        new KafkaError(
          ErrorCode.REQUEST_TIMED_OUT,
          `Cannot send to ${nameOf(queue)} within ${within}: ${why}`,
          { cause: batch.lastError },
        ),
      );
    }
  }

  #fail(batch: ProducerBatch, error: Error): void {
    batch.fail(error);
    this.onDone(batch);
  }

  #failAll(batches: readonly ProducerBatch[], error: Error): void {
    for (const batch of batches) this.#fail(batch, error);
  }

  /** Refreshes the metadata, one refresh at a time, and continues sending. */
  async #refreshMetadata(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      // By name, since a topic whose lookup failed is not refreshed automatically.
      await this.#client.refresh([...new Set([...this.#active].map(({ topic }) => topic))]);
    } catch {
      // If this persists, the batches reach their delivery timeout.
    }
    this.#isRefreshing = false;
    const { view } = this.#client;
    if ([...this.#active].every((one) => view.leaderOf(one.topic, one.partition) !== undefined)) {
      return this.#drain();
    }
    const { clock, random } = this.#runtime;
    const wait = backoffMs(this.#client.settings, this.#refreshes++, random);
    this.#setTimer(clock.monotonicMs() + wait);
  }

  /** Schedules sending at `atMs`, unless it is scheduled earlier. */
  #setTimer(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#client.signal.aborted) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    const delayMs = Math.max(0, Math.ceil(atMs - this.#runtime.clock.monotonicMs()));
    this.#timer = this.#runtime.clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#timerAtMs = Infinity;
      this.#drain();
    });
  }
}

/** Any other error while a request is built comes from a batch that cannot be encoded. */
function invalidRecord(cause: unknown): KafkaError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new KafkaError(ErrorCode.INVALID_RECORD, message, { cause });
}

function nameOf(queue: PartitionQueue): string {
  return `${queue.topic}-${queue.partition}`;
}

function unknownOutcome(queue: PartitionQueue, batch: ProducerBatch): KafkaError {
  const cause = batch.lastError;
  return new KafkaError(
    ErrorCode.REQUEST_TIMED_OUT,
    `It is unknown whether ${batch.recordCount.toLocaleString("en-US")} records for ` +
      `${nameOf(queue)} were written: ${cause?.message ?? errorName(ErrorCode.NETWORK_EXCEPTION)}`,
    { cause },
  );
}
