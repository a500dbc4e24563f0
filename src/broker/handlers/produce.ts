/**
 * Produce appends each partition's batch to its log and answers with the offset of its first record.
 *
 * Versions 3 to 13. Version 5 adds the log start offset to the answer, 7 allows zstd (KIP-110), 8 an
 * error message and the records at fault (KIP-467), 9 is flexible, 10 names the new leader with an
 * error (KIP-951), 11 and 12 are about transactions (KIP-890), 13 names topics by id (KIP-516).
 *
 * With acks 0 there is no answer, and a failure closes the connection so that the producer notices.
 * With acks 1 the answer is sent when the batch is in this node's log, with acks -1 when it is below
 * the high watermark: on every in-sync replica. Where `flush.messages` requires it, both wait for a
 * flush before that. A batch is refused whole or stored whole.
 *
 * A batch that is large, or becomes large when it is decompressed, is checked in slices between which
 * other connections are served. It is appended after its last slice: batches of other connections may
 * be appended before it, those behind it on its own connection are not.
 *
 * Kafka's own topics accept records of the client `__admin_client` alone, as in Apache Kafka, whose
 * tools use that name; others are answered INVALID_TOPIC_EXCEPTION.
 *
 * @module
 */
import type { AppendResult } from "../../log/partition_log.ts";
import { RejectedRecordsError } from "../../log/append/record_rules.ts";
import type { Partition } from "../../replication/partition.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";
import {
  CloseConnection,
  defineHandler,
  type Handler,
  type RequestContext,
} from "../../network/server/handler.ts";
import { answerInTurns } from "../../network/server/turns.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { produce, type ProduceRequest } from "../../protocol/messages/produce.ts";
import type { ProduceOptions } from "../../replication/partition.ts";
import type { Clock } from "../../runtime/runtime.ts";

type Response = ResponseInputOf<typeof produce>;
type TopicData = ProduceRequest["topicData"][number];
type PartitionData = TopicData["partitionData"][number];

type PartitionResponse = Response["responses"][number]["partitionResponses"][number];

/** What became of the batch for one partition. */
interface Outcome {
  readonly index: number;
  /** Undefined where there is no such partition. */
  readonly partition: Partition | undefined;
  /** Where the batch is in the log, or null when it was refused. */
  readonly appended: AppendResult | null;
  /** The flush that the answer has to wait for, or null. */
  readonly flushed: Promise<void> | null;
  /** Why the batch was refused, or cannot be acknowledged, or null. */
  error: KafkaError | null;
}

/** The client that may write to Kafka's own topics. */
const INTERNAL_CLIENT_ID = "__admin_client";

const ACKS_NONE = 0;
const ACKS_LEADER = 1;
const ACKS_ALL = -1;

/** The versions that name topics by id. */
const IDS_SINCE = 13;
const ZSTD_SINCE = 7;

/** Shared by all answers without any: it must not be changed. */
const NO_RECORD_ERRORS: PartitionResponse["recordErrors"] = [];

/** Errors that Apache Kafka answers without the log start offset. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.INVALID_TXN_STATE,
]);

interface Needs {
  readonly partitions: Pick<PartitionTable, "byId" | "byName">;
  readonly clock: Clock;
}

/** Serves Produce. */
export const produceHandler: Handler<Needs> = defineHandler(produce, {
  handle(request, context) {
    const { acks } = request;
    if (acks !== ACKS_ALL && acks !== ACKS_LEADER && acks !== ACKS_NONE) {
      const message = `acks is ${acks}: it must be 0, 1 or -1 (all)`;
      return refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS, message);
    }
    const outcomes = new ProduceRun(request, context).append();
    if (!(outcomes instanceof Promise)) return answer(request, outcomes, context);
    const release = context.retain();
    outcomes.then(release, release);
    return outcomes.then((later) => answer(request, later, context));
  },
  onError: (request, code, message) => refuseAll(request, code, message),
});

/** The appends of one request. */
class ProduceRun implements ProduceOptions {
  readonly #request: ProduceRequest;
  readonly #context: RequestContext<Needs>;
  readonly allReplicas: boolean;
  readonly allowZstd: boolean;

  constructor(request: ProduceRequest, context: RequestContext<Needs>) {
    this.#request = request;
    this.#context = context;
    this.allReplicas = request.acks === ACKS_ALL;
    this.allowZstd = context.apiVersion >= ZSTD_SINCE;
  }

  /**
   * Appends to one partition after the other. Returns what became of each, in the order of the request,
   * or a promise of it when it takes longer than others should wait; until it settles the records must
   * not change.
   */
  append(): Outcome[] | Promise<Outcome[]> {
    const { topicData } = this.#request;
    const [topic] = topicData;
    if (topicData.length === 1 && topic!.partitionData.length === 1) {
      // Most producers' requests have one partition.
      const outcome = this.#appendTo(topic!, topic!.partitionData[0]!);
      return outcome instanceof Promise ? outcome.then((later) => [later]) : [outcome];
    }
    return answerInTurns(
      topicData.flatMap((topic) => topic.partitionData.map((data) => ({ topic, data }))),
      ({ topic, data }) => this.#appendTo(topic, data),
      this.#context.services.clock,
    );
  }

  #appendTo(topic: TopicData, { index, records }: PartitionData): Outcome | Promise<Outcome> {
    const { apiVersion, clientId, services: { partitions } } = this.#context;
    let partition: Partition | undefined;
    try {
      partition = apiVersion >= IDS_SINCE
        ? partitions.byId(topic.topicId, index)
        : partitions.byName(topic.name, index);
      if (partition.isInternal && clientId !== INTERNAL_CLIENT_ID) {
        throw new KafkaError(
          ErrorCode.INVALID_TOPIC_EXCEPTION,
          `Cannot append to ${partition.name}: the topic is one of Kafka's own`,
        );
      }
      if (records === null) {
        throw new KafkaError(
          ErrorCode.INVALID_RECORD,
          `Cannot append to ${partition.name}: the request has no records for it`,
        );
      }
      const result = partition.append(records, this);
      if (!(result instanceof Promise)) return accepted(partition, index, result);
      const found = partition;
      return result.then(
        (later) => accepted(found, index, later),
        (error) => refused(found, index, error),
      );
    } catch (error) {
      return refused(partition, index, error);
    }
  }
}

function accepted(partition: Partition, index: number, appended: AppendResult): Outcome {
  const flushed = partition.flushed(appended.lastOffset + 1);
  return { index, partition, appended, flushed, error: null };
}

function refused(partition: Partition | undefined, index: number, error: unknown): Outcome {
  if (!(error instanceof KafkaError)) throw error;
  return { index, partition, appended: null, flushed: null, error };
}

/** Answers once the appends may be acknowledged. */
function answer(
  request: ProduceRequest,
  outcomes: Outcome[],
  context: RequestContext<Needs>,
): Response | null | Promise<Response> {
  const { acks } = request;
  if (acks === ACKS_NONE) {
    const failed = outcomes.find(({ error }) => error !== null);
    if (failed === undefined) return null;
    throw new CloseConnection(`A produce with acks=0 failed: ${failed.error!.message}`);
  }
  for (const outcome of outcomes) {
    if (outcome.flushed === null && (acks === ACKS_LEADER || !isWaiting(outcome))) continue;
    return finish(request, outcomes, context);
  }
  return responseOf(request, outcomes, context.apiVersion);
}

/** Whether a batch is in the log and not on every in-sync replica. */
function isWaiting({ partition, appended, error }: Outcome): boolean {
  return error === null && !partition!.isReplicated(appended!.lastOffset + 1);
}

/** Waits for the disk, then for the replicas where acks asks for them. */
async function finish(
  request: ProduceRequest,
  outcomes: Outcome[],
  context: RequestContext<Needs>,
): Promise<Response> {
  const { clock } = context.services;
  const begin = clock.monotonicMs();
  for (const outcome of outcomes) {
    try {
      await outcome.flushed;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      outcome.error = error;
    }
  }
  if (request.acks === ACKS_ALL) {
    const passedMs = clock.monotonicMs() - begin;
    await replicated(outcomes.filter(isWaiting), request.timeoutMs, passedMs, clock);
  }
  return responseOf(request, outcomes, context.apiVersion);
}

/** Resolves when each batch is on all in-sync replicas or has failed, after `timeoutMs` at the latest. */
async function replicated(
  outcomes: readonly Outcome[],
  timeoutMs: number,
  passedMs: number,
  clock: Clock,
): Promise<void> {
  if (outcomes.length === 0) return;
  const waits = outcomes.map(({ partition, appended }) =>
    partition!.whenReplicated(appended!.lastOffset + 1)
  );
  const timer = clock.setTimer(Math.max(0, timeoutMs - passedMs), () => {
    waits.forEach((wait, i) => wait.fail(timedOut(outcomes[i]!.partition!, timeoutMs)));
  });
  const ends = await Promise.allSettled(waits.map(({ done }) => done));
  timer.cancel();
  ends.forEach((end, i) => {
    if (end.status === "rejected") outcomes[i]!.error = end.reason;
  });
}

function timedOut({ name }: Partition, timeoutMs: number): KafkaError {
  return new KafkaError(
    ErrorCode.REQUEST_TIMED_OUT,
    `The in-sync replicas of ${name} did not have the batch after ${timeoutMs} ms`,
  );
}

function responseOf(
  { topicData }: ProduceRequest,
  outcomes: readonly Outcome[],
  apiVersion: number,
): Response {
  let next = 0;
  return {
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(() => {
        const outcome = outcomes[next++]!;
        return outcome.error === null ? acknowledgment(outcome) : failure(outcome, apiVersion);
      }),
    })),
  };
}

function acknowledgment({ index, partition, appended }: Outcome): PartitionResponse {
  return {
    index,
    errorCode: 0,
    errorMessage: null,
    baseOffset: appended!.baseOffset,
    logAppendTimeMs: appended!.logAppendTimeMs,
    logStartOffset: partition!.logStartOffset,
    recordErrors: NO_RECORD_ERRORS,
  };
}

function failure(outcome: Outcome, apiVersion: number): PartitionResponse {
  const { index, partition } = outcome;
  const error = outcome.error!;
  if (error.code === ErrorCode.REQUEST_TIMED_OUT) {
    // The batch is in this log, and may yet be replicated.
    return { ...acknowledgment(outcome), errorCode: error.code, errorMessage: error.message };
  }
  // A topic that was deleted meanwhile is not known by its id either.
  const isUnknownId = apiVersion >= IDS_SINCE && outcome.appended !== null &&
    error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const code = isUnknownId ? ErrorCode.UNKNOWN_TOPIC_ID : error.code;
  const response = refusal(index, code, error.message);
  if (partition === undefined || WITHOUT_LOG_START.has(code)) return response;
  return {
    ...response,
    logStartOffset: partition.logStartOffset,
    recordErrors: error instanceof RejectedRecordsError
      ? error.records.map(({ batchIndex, message }) => {
        return { batchIndex, batchIndexErrorMessage: message };
      })
      : NO_RECORD_ERRORS,
  };
}

function refusal(index: number, errorCode: number, errorMessage: string): PartitionResponse {
  return {
    index,
    errorCode,
    errorMessage,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: NO_RECORD_ERRORS,
  };
}

function refuseAll(request: ProduceRequest, code: number, message: string): Response {
  if (request.acks === ACKS_NONE) throw new CloseConnection(message);
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => refusal(index, code, message)),
    })),
  };
}
