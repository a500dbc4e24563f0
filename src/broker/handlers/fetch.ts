/**
 * Fetch reads batches from partitions, from an offset on, and waits for data if there are too few.
 *
 * Versions 4 to 18. Version 5 adds the log start offset, 7 incremental sessions (KIP-227), 9 checks the
 * leader epoch (KIP-320), 10 allows zstd (KIP-110), 11 has a rack (KIP-392), 12 is flexible and reports
 * diverging epochs (KIP-595), 13 names topics by id (KIP-516), 15 to 18 are about replicas.
 *
 * The first batch found is returned whole, however small the limits are, so that every consumer makes
 * progress. The answer waits until `minBytes` are there, `maxWaitMs` have passed, or a partition has an
 * error to report. Batches are sent as they are in the log; they are copied when they are sent. A
 * reader of committed records only gets those below the last stable offset, and the list of the aborted
 * transactions among them.
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import { KafkaError } from "../../protocol/errors.ts";
import { fetch } from "../../protocol/messages/fetch.ts";
import { NO_RECORDS } from "../../log/segments/log_records.ts";
import type { FetchPlan, FetchSessions, FetchTarget } from "../fetch_sessions.ts";
import type { Partition } from "../../replication/partition.ts";
import { defineHandler, type Handler, type RequestContext } from "../../network/server/handler.ts";
import type { BrokerConfig } from "../../config/broker_config.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { FetchRequest } from "../../protocol/messages/fetch.ts";
import { CONSUMER, type Reader, type ReadResult } from "../../replication/partition_read.ts";
import { WaitingFetch } from "../waiting_fetch.ts";

type Response = ResponseInputOf<typeof fetch>;
type TopicResponse = Response["responses"][number];
type PartitionResponse = TopicResponse["partitions"][number];

const READ_COMMITTED = 1;
const ZSTD_SINCE = 10;
const IDS_SINCE = 13;

/** What was read for one target. */
interface Outcome {
  readonly target: FetchTarget;
  /** Undefined where there is no such partition. */
  readonly partition: Partition | undefined;
  readonly result: ReadResult | KafkaError;
}

/** One pass over all targets. */
interface Pass {
  readonly outcomes: readonly Outcome[];
  readonly bytes: number;
  /** Whether the answer must not wait: a partition has an error, or the histories diverge. */
  readonly isUrgent: boolean;
}

interface Needs {
  readonly partitions: Pick<PartitionTable, "byId" | "byName">;
  readonly fetchSessions: Pick<FetchSessions, "plan" | "waiting">;
  readonly config: Pick<BrokerConfig, "fetchMaxBytes">;
  readonly clock: Clock;
}

/** Serves Fetch. */
export const fetchHandler: Handler<Needs> = defineHandler(fetch, {
  handle(request, context) {
    const { services: { fetchSessions, clock }, apiVersion } = context;
    const run = new FetchRun(
      request,
      fetchSessions.plan(request, apiVersion >= IDS_SINCE),
      context,
    );
    const first = run.read();
    const { minBytes, maxWaitMs } = request;
    const { targets } = run.plan;
    if (first.bytes >= minBytes || first.isUrgent || maxWaitMs <= 0 || targets.length === 0) {
      return run.respond(first);
    }
    return new Promise((resolve) => {
      const waiting: WaitingFetch = new WaitingFetch({
        clock,
        reader: run,
        minBytes,
        maxWaitMs,
        answer() {
          fetchSessions.waiting.delete(waiting);
          resolve(run.respond(run.read()));
        },
      });
      fetchSessions.waiting.add(waiting);
      for (const { partition, target } of first.outcomes) waiting.add(partition!, target);
    });
  },
  // Fails as a whole only over its session, and then names no partitions.
  onError: (_request, errorCode) => ({ errorCode, sessionId: 0, responses: [] }),
});

/** One request. */
class FetchRun implements Reader {
  readonly plan: FetchPlan;
  readonly replicaId: number;
  readonly committedOnly: boolean;
  readonly allowZstd: boolean;
  readonly #context: RequestContext<Needs>;
  readonly #maxBytes: number;

  constructor(request: FetchRequest, plan: FetchPlan, context: RequestContext<Needs>) {
    this.plan = plan;
    this.#context = context;
    this.#maxBytes = Math.min(request.maxBytes, context.services.config.fetchMaxBytes);
    this.committedOnly = request.isolationLevel === READ_COMMITTED;
    this.allowZstd = context.apiVersion >= ZSTD_SINCE;
    this.replicaId = request.replicaId === CONSUMER
      ? request.replicaState.replicaId
      : request.replicaId;
  }

  /** Reads from each partition what there is and the limits allow. */
  read(): Pass {
    const outcomes: Outcome[] = [];
    const budget = { maxBytes: this.#maxBytes, minOneBatch: true };
    let bytes = 0;
    let isUrgent = false;
    for (const target of this.plan.targets) {
      let partition: Partition | undefined;
      let result: ReadResult | KafkaError;
      try {
        partition = this.#find(target);
        result = partition.read(target, this, budget);
        bytes += result.records.byteLength;
        budget.maxBytes = this.#maxBytes - bytes;
        budget.minOneBatch = bytes === 0;
        isUrgent ||= result.divergingEpoch !== null;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        result = error;
        isUrgent = true;
      }
      outcomes.push({ target, partition, result });
    }
    return { outcomes, bytes, isUrgent };
  }

  #find({ topicId, topic, partition }: FetchTarget): Partition {
    const { apiVersion, services: { partitions } } = this.#context;
    return apiVersion >= IDS_SINCE
      ? partitions.byId(topicId, partition)
      : partitions.byName(topic, partition);
  }

  /** Puts the outcomes into an answer, without those that an incremental session knows already. */
  respond({ outcomes }: Pass): Response {
    const { plan } = this;
    const responses: { topic: string; topicId: string; partitions: PartitionResponse[] }[] = [];
    const withData: FetchTarget[] = [];
    let current: (typeof responses)[number] | null = null;
    for (const outcome of outcomes) {
      const { target, result } = outcome;
      const isError = result instanceof KafkaError;
      if (!isError && result.records.byteLength > 0) withData.push(target);
      else if (plan.incremental && !isError && !hasNews(target, result)) continue;
      target.sentHighWatermark = isError ? -1 : result.highWatermark;
      target.sentLogStartOffset = isError ? -1 : result.logStartOffset;
      const { topic, topicId } = target;
      if (current === null || current.topicId !== topicId || current.topic !== topic) {
        current = { topic, topicId, partitions: [] };
        responses.push(current);
      }
      current.partitions.push(isError ? this.#failure(outcome, result) : success(target, result));
    }
    plan.served(withData);
    return { errorCode: 0, sessionId: plan.sessionId, responses };
  }

  #failure({ target, partition }: Outcome, error: KafkaError): PartitionResponse {
    return {
      partitionIndex: target.partition,
      errorCode: error.code,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      // As Apache Kafka answers: no list for a partition that has an error, an empty one for none.
      abortedTransactions: this.committedOnly || partition === undefined ? [] : null,
      records: NO_RECORDS,
    };
  }
}

function hasNews(target: FetchTarget, result: ReadResult): boolean {
  return result.divergingEpoch !== null || result.highWatermark !== target.sentHighWatermark ||
    result.logStartOffset !== target.sentLogStartOffset;
}

function success({ partition }: FetchTarget, result: ReadResult): PartitionResponse {
  const { divergingEpoch } = result;
  const response: PartitionResponse = {
    partitionIndex: partition,
    errorCode: 0,
    highWatermark: result.highWatermark,
    lastStableOffset: result.lastStableOffset,
    logStartOffset: result.logStartOffset,
    abortedTransactions: result.abortedTransactions,
    records: result.records,
  };
  return divergingEpoch === null ? response : { ...response, divergingEpoch };
}
