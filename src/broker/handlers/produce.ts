/**
 * Produce appends each partition's batch to its log and answers with the offset of its first record.
 *
 * Versions 3 to 13. Version 5 adds the log start offset to the answer, 7 allows zstd
 * (KIP-110), 8 an error message and the
 * records at fault (KIP-467), 9 is flexible, 10 names the new leader with an error (KIP-951), 11 and
 * 12 are about transactions (KIP-890), 13 names topics by id (KIP-516).
 *
 * With acks 0 nothing is answered, and a failure ends the connection so that the producer notices.
 * With acks 1 the answer comes when the batch is in this node's log, with acks -1 when it is below
 * the high watermark: on every in-sync replica. Where `flush.messages` says so, both wait for the
 * disk before that. A batch is refused whole or stored whole.
 *
 * A batch that is large, or becomes large when it is decompressed, is checked in slices between which
 * other connections are served. It takes its place in the log when that is done: batches of other
 * connections may come before it, those behind it on its own connection may not.
 *
 * Kafka's own topics take records of the client `__admin_client` alone, as in Apache Kafka, whose
 * tools use that name; others are answered INVALID_TOPIC_EXCEPTION.
 *
 * @module
 */
import type { AppendResult } from "../../log/partition_log.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { produce, type ProduceRequest } from "../../protocol/messages/produce.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { RejectedRecordsError } from "../../log/record_rules.ts";
import type { Partition } from "../../replication/partition.ts";
import type { Partitions } from "../../replication/partition_table.ts";
import type { BrokerServices } from "../services.ts";
import { CloseConnection } from "../../network/server/dispatch.ts";
import { defineHandler, type Handler, type RequestContext } from "../../network/server/handler.ts";
import { answerInTurns } from "../../network/server/turns.ts";

type Response = ResponseInputOf<typeof produce>;
type TopicData = ProduceRequest["topicData"][number];
type PartitionData = TopicData["partitionData"][number];

interface PartitionAnswer {
  index: number;
  errorCode: number;
  errorMessage: string | null;
  baseOffset: number;
  logAppendTimeMs: Int64;
  logStartOffset: number;
  recordErrors: { batchIndex: number; batchIndexErrorMessage: string }[];
}

/** An append that is in the log and whose answer may have to wait for the disk and the replicas. */
interface Appended {
  readonly partition: Partition;
  /** What the high watermark must reach. */
  readonly endOffset: number;
  readonly answer: PartitionAnswer;
  /** The flush that has to come first, or null. */
  readonly flushed: Promise<void> | null;
}

/** The client that may write to Kafka's own topics. */
const INTERNAL_CLIENT_ID = "__admin_client";

const ACKS_NONE = 0;
const ACKS_LEADER = 1;
const ACKS_ALL = -1;

/** Shared by all answers without any: it must not be changed. */
const NO_RECORD_ERRORS: PartitionAnswer["recordErrors"] = [];

/** Errors that Apache Kafka answers without the log start offset. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.INVALID_TXN_STATE,
]);

/** Serves Produce. */
export const produceHandler: Handler<BrokerServices> = defineHandler(produce, {
  handle(request, context) {
    const { acks } = request;
    if (acks !== ACKS_ALL && acks !== ACKS_LEADER && acks !== ACKS_NONE) {
      const message = `acks is ${acks}: it must be 0, 1 or -1 (all)`;
      return refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS, message);
    }
    const run = new ProduceRun(request, context);
    const rest = run.append();
    if (rest === null) return run.answer();
    context.holdFrame(rest);
    return rest.then(() => run.answer());
  },
  onError: (request, code, message) => refuseAll(request, code, message),
});

/** One request. */
class ProduceRun {
  readonly #request: ProduceRequest;
  readonly #context: RequestContext<BrokerServices>;
  readonly #appended: Appended[] = [];
  /** For each partition, in the order of the request. */
  #answers: readonly PartitionAnswer[] = [];

  constructor(request: ProduceRequest, context: RequestContext<BrokerServices>) {
    this.#request = request;
    this.#context = context;
  }

  /**
   * Appends to one partition after the other. Returns null when that is done, or a promise when it takes
   * longer than others should wait; until it settles the records must not change.
   */
  append(): Promise<void> | null {
    const { topicData } = this.#request;
    const [topic] = topicData;
    const answers = topicData.length === 1 && topic!.partitionData.length === 1
      ? this.#appendOnly(topic!)
      : answerInTurns(
        topicData.flatMap((topic) => topic.partitionData.map((data) => ({ topic, data }))),
        ({ topic, data }) => this.#appendTo(topic, data),
        this.#context.services.runtime.clock,
      );
    if (answers instanceof Promise) return answers.then((later) => void (this.#answers = later));
    this.#answers = answers;
    return null;
  }

  /** Appends to the one partition of the request, as that of most producers is. */
  #appendOnly(topic: TopicData): PartitionAnswer[] | Promise<PartitionAnswer[]> {
    const answer = this.#appendTo(topic, topic.partitionData[0]!);
    return answer instanceof Promise ? answer.then((later) => [later]) : [answer];
  }

  /** Answers once the appends may be acknowledged. */
  answer(): Response | null | Promise<Response> {
    const { acks, timeoutMs } = this.#request;
    const appended = this.#appended;
    if (acks === ACKS_NONE) {
      const failed = this.#answers.find(({ errorCode }) => errorCode !== 0);
      if (failed !== undefined) throw closing(failed);
      return null;
    }
    if (appended.some(({ flushed }) => flushed !== null)) {
      return finish(appended, this.#request, this.#context).then(() => this.#response());
    }
    if (acks === ACKS_LEADER || appended.every(isReplicated)) return this.#response();
    return whenReplicated(appended, timeoutMs, this.#context.services.partitions)
      .then(() => this.#response());
  }

  #response(): Response {
    let next = 0;
    return {
      responses: this.#request.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(() => this.#answers[next++]!),
      })),
    };
  }

  #appendTo(
    topic: TopicData,
    { index, records }: PartitionData,
  ): PartitionAnswer | Promise<PartitionAnswer> {
    const { apiVersion, clientId, services: { partitions } } = this.#context;
    const { acks } = this.#request;
    const isById = apiVersion >= 13;
    let partition: Partition | undefined;
    try {
      partition = isById
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
      const result = partitions.append(partition, records, acks === ACKS_ALL, apiVersion >= 7);
      if (!(result instanceof Promise)) return this.#accepted(partition, index, result);
      const found = partition;
      return result.then(
        (later) => this.#accepted(found, index, later),
        (error) => this.#rejected(found, index, error),
      );
    } catch (error) {
      return this.#rejected(partition, index, error);
    }
  }

  #accepted(partition: Partition, index: number, result: AppendResult): PartitionAnswer {
    const answer: PartitionAnswer = {
      index,
      errorCode: 0,
      errorMessage: null,
      baseOffset: result.baseOffset,
      logAppendTimeMs: result.logAppendTimeMs,
      logStartOffset: partition.log.logStartOffset,
      recordErrors: NO_RECORD_ERRORS,
    };
    const endOffset = result.lastOffset + 1;
    const flushed = this.#context.services.partitions.whenFlushed(partition, endOffset);
    this.#appended.push({ partition, endOffset, answer, flushed });
    return answer;
  }

  #rejected(partition: Partition | undefined, index: number, error: unknown): PartitionAnswer {
    if (!(error instanceof KafkaError)) throw error;
    const answer = refusal(index, error.code, error.message);
    if (partition === undefined) return answer;
    if (partition.isGone) return deletedMeanwhile(partition, index);
    this.#context.services.partitions.noteFailure(partition, error);
    if (!WITHOUT_LOG_START.has(error.code)) answer.logStartOffset = partition.log.logStartOffset;
    if (error instanceof RejectedRecordsError) {
      answer.recordErrors = error.records.map(({ batchIndex, message }) => {
        return { batchIndex, batchIndexErrorMessage: message };
      });
    }
    return answer;
  }
}

/** Waits for the disk, then for the replicas where acks asks for them, and tells what failed. */
async function finish(
  appended: readonly Appended[],
  { acks, timeoutMs }: ProduceRequest,
  { services: { partitions, runtime: { clock } } }: RequestContext<BrokerServices>,
): Promise<void> {
  const begin = clock.monotonicMs();
  const stored: Appended[] = [];
  for (const item of appended) {
    try {
      await item.flushed;
      stored.push(item);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      fail(item, error, partitions);
    }
  }
  if (acks === ACKS_LEADER || stored.every(isReplicated)) return;
  await whenReplicated(stored, timeoutMs, partitions, clock.monotonicMs() - begin);
}

/** The batch is in the log, and whether it will be there after a crash is not known. */
function fail({ partition, answer }: Appended, error: KafkaError, partitions: Partitions): void {
  if (partition.isGone) {
    Object.assign(answer, deletedMeanwhile(partition, answer.index));
    return;
  }
  partitions.noteFailure(partition, error);
  Object.assign(answer, refusal(answer.index, error.code, error.message));
}

function deletedMeanwhile({ name }: Partition, index: number): PartitionAnswer {
  const message = `${name} was deleted before the batch was on the disk`;
  return refusal(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message);
}

function refusal(index: number, errorCode: number, errorMessage: string): PartitionAnswer {
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

function isReplicated({ partition, endOffset }: Appended): boolean {
  return partition.highWatermark >= endOffset;
}

/**
 * Resolves when all are replicated or `timeoutMs` have passed, of which `passedMs` have already;
 * those that are not then say so.
 */
function whenReplicated(
  appended: readonly Appended[],
  timeoutMs: number,
  partitions: Partitions,
  passedMs = 0,
): Promise<void> {
  return new Promise((resolve) => {
    partitions.producePurgatory.completeOrWatch(
      {
        tryComplete() {
          if (!appended.every(isReplicated)) return false;
          resolve();
          return true;
        },
        expire() {
          for (const item of appended) {
            if (isReplicated(item)) continue;
            item.answer.errorCode = ErrorCode.REQUEST_TIMED_OUT;
            item.answer.errorMessage =
              `The in-sync replicas of ${item.partition.name} did not have the batch after ${timeoutMs} ms`;
          }
          resolve();
        },
      },
      appended.map(({ partition }) => partition),
      timeoutMs - passedMs,
    );
  });
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

function closing({ errorMessage }: PartitionAnswer): CloseConnection {
  return new CloseConnection(`A produce with acks=0 failed: ${errorMessage}`);
}
