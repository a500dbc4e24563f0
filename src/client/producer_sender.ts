/**
 * Brings batches to the leaders of their partitions: at most so many requests on their way to a
 * broker, a batch of each partition in a request, and what failed again until its time is up.
 *
 * @module
 */
import { ErrorCode, errorName, isRetriable, KafkaError } from "../protocol/errors.ts";
import { initProducerId } from "../protocol/messages/init_producer_id.ts";
import { produce, type ProduceResponse } from "../protocol/messages/produce.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { BrokerConnection } from "../network/peer_connection.ts";
import type { ClusterClient } from "./cluster_client.ts";
import { answered } from "./errors.ts";
import { recordErrorsOf } from "./record_errors.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { ProducerBatch, ProducerIdentity } from "./producer_batch.ts";
import { backoffMs } from "../network/retry.ts";
import type { ProducerSettings } from "./producer_options.ts";

/** A batch on its way, with the queue it came from. */
interface Sent {
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
}

/** The answer for one partition. */
type PartitionAnswer = ProduceResponse["responses"][number]["partitionResponses"][number];

/** Before this version Produce names topics, from it on it gives their ids. */
const LAST_VERSION_WITH_NAMES = 12;

/** Errors after which the record may be in the log nevertheless. */
const UNCERTAIN: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);

/** Errors that a new producer id heals. */
const LOST_IDENTITY: ReadonlySet<number> = new Set([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
]);

/** Errors that say that somebody else leads the partition, or has it under another id. */
const STALE_METADATA: ReadonlySet<number> = new Set([
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

/** Sends what the queues hold. */
export class ProducerSender {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;
  readonly #settings: ProducerSettings;
  /** Every queue that was ever woken: all of them have sequence numbers. */
  readonly #queues = new Set<PartitionQueue>();
  /** Queues that are not idle. */
  readonly #active = new Set<PartitionQueue>();
  /** Requests on their way by broker. */
  readonly #inFlight = new Map<number, number>();
  #totalInFlight = 0;
  #identity: ProducerIdentity | null = null;
  #isObtaining = false;
  #isRenewing = false;
  #isRefreshing = false;
  /** Times that metadata were asked for and some leader was still unknown. */
  #refreshes = 0;
  #isScheduled = false;
  #flushing = 0;
  #timer: Timer | null = null;
  #timerAtMs = Infinity;

  constructor(
    client: ClusterClient,
    runtime: Runtime,
    settings: ProducerSettings,
    /** Called for each batch that is done, with its size. */
    readonly onDone: (batch: ProducerBatch) => void,
  ) {
    this.#client = client;
    this.#runtime = runtime;
    this.#settings = settings;
  }

  /** The queue has got a record. Sending begins when the caller's turn is over. */
  wake(queue: PartitionQueue): void {
    this.#queues.add(queue);
    this.#active.add(queue);
    this.#schedule();
  }

  /** Sends everything there is now and resolves when it is done, well or not. */
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

  /** Fails what has not been sent and stops. */
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

  /** Sends whatever may be sent now, and sets a timer for what may be sent later. */
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
    // An expired batch may have cost the producer its identity.
    if (this.#isRenewing) return this.#schedule();
    for (const [leader, queues] of byLeader) this.#sendTo(leader, queues);
    this.#setTimer(wakeAt);
  }

  /** Whether there is an identity to send with; sees to one if not. */
  #isReady(): boolean {
    if (this.#isRenewing && this.#totalInFlight === 0) {
      this.#isRenewing = false;
      this.#identity = null;
      for (const queue of this.#queues) {
        for (const batch of queue.renew()) this.#fail(batch, unknownOutcome(queue, batch));
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
        throw answered(answer.errorCode, `Cannot get a producer id from ${connection.address}`);
      });
    } catch (error) {
      // Whoever sends next tries again.
      for (const queue of this.#active) this.#failAll(queue.takeAll(), error as Error);
    } finally {
      this.#isObtaining = false;
      this.#schedule();
    }
  }

  /** When the queue has something to send: now or before, later, or Infinity until something happens. */
  #sendableAt(queue: PartitionQueue, now: number): number {
    if (queue.mustWait) return Infinity;
    const { open } = queue;
    if (!queue.hasWaiting) {
      if (open === null) return Infinity;
      const { lingerMs } = this.#settings;
      if (this.#flushing === 0) {
        if (lingerMs > 0 && now < open.createdAtMs + lingerMs) return open.createdAtMs + lingerMs;
        // Without linger records gather for as long as the batch before them is on its way.
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
        if (next === undefined || queue.mustWait) continue;
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

  /** One request. Never rejects: every batch is settled or sent again. */
  async #send(leader: number, sent: readonly Sent[]): Promise<void> {
    let wasSent = false;
    try {
      const connection = await this.#client.broker(leader);
      const { query, topicIds, maxVersion } = this.#query(sent);
      wasSent = true;
      if (this.#settings.acks === 0) {
        await connection.post(produce, query, { maxVersion });
        for (const { queue, batch } of sent) {
          queue.settle(batch);
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
        if (wasSent && UNCERTAIN.has(error.code)) one.batch.isUncertain = true;
        this.#failed(one, error.code, error, error.retriable && this.#hasRetries(one));
      }
    }
  }

  #query(sent: readonly Sent[]) {
    const topics = new Map<
      string,
      { name: string; topicId: string; partitionData: { index: number; records: Uint8Array }[] }
    >();
    const topicIds = new Map<string, string>();
    let hasIds = true;
    for (const { queue, batch } of sent) {
      let topic = topics.get(queue.topic);
      if (topic === undefined) {
        const topicId = this.#client.view.topic(queue.topic)?.topicId ?? null;
        hasIds &&= topicId !== null;
        topic = { name: queue.topic, topicId: topicId ?? ZERO_UUID, partitionData: [] };
        topics.set(queue.topic, topic);
        topicIds.set(queue.topic, topic.topicId);
      }
      topic.partitionData.push({ index: queue.partition, records: batch.bytes() });
    }
    const query = {
      transactionalId: null,
      acks: this.#settings.acks,
      timeoutMs: this.#client.settings.requestTimeoutMs,
      topicData: [...topics.values()],
    };
    return { query, topicIds, maxVersion: hasIds ? Infinity : LAST_VERSION_WITH_NAMES };
  }

  #receive(
    connection: BrokerConnection,
    sent: readonly Sent[],
    answer: ProduceResponse,
    topicIds: ReadonlyMap<string, string>,
  ): void {
    for (const one of sent) {
      const { queue, batch } = one;
      const topic = answer.responses.find((topic) =>
        topic.name === "" ? topic.topicId === topicIds.get(queue.topic) : topic.name === queue.topic
      );
      const result = topic?.partitionResponses.find(({ index }) => index === queue.partition);
      if (result === undefined) {
        const what = `${connection.address} did not answer for ${queue.topic}-${queue.partition}`;
        const error = new KafkaError(ErrorCode.NETWORK_EXCEPTION, what);
        this.#failed(one, error.code, error, this.#hasRetries(one));
      } else if (
        result.errorCode === ErrorCode.NONE ||
        result.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER
      ) {
        queue.settle(batch);
        batch.succeed(queue.topic, queue.partition, result.baseOffset, result.logAppendTimeMs);
        this.onDone(batch);
      } else this.#refused(one, result);
    }
  }

  #refused(one: Sent, answer: PartitionAnswer): void {
    const { errorCode, errorMessage, recordErrors } = answer;
    const detail = errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? null;
    const error = answered(errorCode, `Cannot send to ${nameOf(one.queue)}`, detail);
    if (UNCERTAIN.has(errorCode)) one.batch.isUncertain = true;
    // While an earlier batch is to be sent again, those after it are out of order: of course.
    const isAfterFailed = one.queue.isRecovering &&
      errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (!isAfterFailed && this.#settings.isIdempotent && LOST_IDENTITY.has(errorCode)) {
      this.#isRenewing = true;
      return this.#failed(one, errorCode, error, this.#hasRetries(one));
    }
    const mayRetry = isAfterFailed || isRetriable(errorCode) && this.#hasRetries(one);
    const errorOf = recordErrors.length === 0
      ? undefined
      : recordErrorsOf(nameOf(one.queue), answer);
    this.#failed(one, errorCode, error, mayRetry, errorOf);
  }

  #hasRetries({ batch }: Sent): boolean {
    return batch.attempts < this.#settings.retries;
  }

  /**
   * An attempt has failed: the batch is sent again when that may help. Otherwise its records fail with
   * `error`, or with what `errorOf` returns for the index of each.
   */
  #failed(
    { queue, batch }: Sent,
    code: number,
    error: Error,
    mayRetry: boolean,
    errorOf: (batchIndex: number) => Error = () => error,
  ): void {
    if (STALE_METADATA.has(code)) this.#client.view.forget(queue.topic);
    batch.lastError = error;
    if (!mayRetry || this.#client.signal.aborted) {
      if (batch.isUncertain && batch.baseSequence >= 0) this.#isRenewing = true;
      queue.refuse(batch);
      batch.failEach(errorOf);
      return this.onDone(batch);
    }
    const wait = backoffMs(this.#client.settings, batch.attempts++, this.#runtime.random);
    queue.again(batch, this.#runtime.clock.monotonicMs() + wait);
  }

  /** Fails what has waited longer than the delivery time-out. */
  #expire(queue: PartitionQueue, now: number): void {
    const { deliveryTimeoutMs } = this.#settings;
    for (const batch of queue.takeExpired(now - deliveryTimeoutMs)) {
      if (batch.baseSequence >= 0) this.#isRenewing = true;
      const why = batch.lastError === null ? "no broker took it" : batch.lastError.message;
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

  /** Asks who leads what, once at a time, and goes on with what it learns. */
  async #refreshMetadata(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      // By their names: a topic once asked for in vain is not refreshed by itself.
      await this.#client.refresh([...new Set([...this.#active].map(({ topic }) => topic))]);
    } catch {
      // The batches fail by their own time-out if this goes on.
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

  /** Drains again at `atMs`, unless that happens earlier anyway. */
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

/** Anything else thrown while a request is made comes from a batch that cannot be encoded. */
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
    `Cannot tell whether ${batch.recordCount.toLocaleString("en-US")} records for ` +
      `${nameOf(queue)} were written: ${cause?.message ?? errorName(ErrorCode.NETWORK_EXCEPTION)}`,
    { cause },
  );
}
