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
import { fetch, type FetchRequest } from "../../protocol/messages/fetch.ts";
import { NO_RECORDS } from "../../log/segments/log_records.ts";
import type { Partition } from "../../replication/partition.ts";
import { CONSUMER, type Reader, type ReadResult } from "../../replication/partition_read.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";
import type { FetchTarget } from "../fetch_session.ts";
import type { FetchPlan, FetchSessionCache } from "../fetch_session_cache.ts";
import type { BrokerConfig } from "../../config/broker_config.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { defineHandler, type Handler, type RequestContext } from "../../network/server/handler.ts";
import { type FetchPass, WaitingFetch } from "../waiting_fetch.ts";

type Response = ResponseInputOf<typeof fetch>;
type TopicResponse = Response["responses"][number];
type PartitionResponse = TopicResponse["partitions"][number];

const READ_COMMITTED = 1;
const ZSTD_SINCE = 10;
const IDS_SINCE = 13;

/** What was read of one partition. */
interface Outcome {
  readonly target: FetchTarget;
  readonly result: ReadResult | KafkaError;
}

const NOTHING: FetchPass = { bytes: 0, isUrgent: false };

interface Needs {
  readonly partitions: Pick<PartitionTable, "byId" | "byName">;
  readonly fetchSessions: Pick<FetchSessionCache, "plan" | "waiting">;
  readonly config: Pick<BrokerConfig, "fetchMaxBytes">;
  readonly clock: Clock;
}

/** Serves Fetch. */
export const fetchHandler: Handler<Needs> = defineHandler(fetch, {
  handle(request, context) {
    const { services: { fetchSessions, clock }, apiVersion } = context;
    const reader = readerOf(request, apiVersion);
    const plan = fetchSessions.plan(request, reader, apiVersion >= IDS_SINCE);
    const { session } = plan;
    const run = new FetchRun(request, plan, reader, context);
    const { maxWaitMs } = request;
    const minBytes = Math.min(request.minBytes, run.maxBytes);
    const first = run.read();
    if (first.bytes >= minBytes || first.isUrgent || maxWaitMs <= 0 || session.size === 0) {
      return run.respond();
    }
    run.keepNews();
    return new Promise((resolve) => {
      const waiting: WaitingFetch = new WaitingFetch({
        clock,
        session,
        reader,
        minBytes,
        maxWaitMs,
        read: () => run.read(),
        answer() {
          fetchSessions.waiting.delete(waiting);
          resolve(run.respond());
          if (session.id === 0) session.close();
        },
      }, first.bytes);
      fetchSessions.waiting.add(waiting);
    });
  },
  // Fails as a whole only over its session, and then names no partitions.
  onError: (_request, errorCode) => ({ errorCode, sessionId: 0, responses: [] }),
});

function readerOf(request: FetchRequest, apiVersion: number): Reader {
  const { replicaId, replicaState, isolationLevel } = request;
  return {
    replicaId: replicaId === CONSUMER ? replicaState.replicaId : replicaId,
    committedOnly: isolationLevel === READ_COMMITTED,
    allowZstd: apiVersion >= ZSTD_SINCE,
  };
}

/** One request. */
class FetchRun {
  /** The most bytes of an answer; one batch may be larger. */
  readonly maxBytes: number;
  readonly #plan: FetchPlan;
  readonly #reader: Reader;
  readonly #partitions: Needs["partitions"];
  /** What the last read has found. */
  #outcomes: Outcome[] = [];

  constructor(
    request: FetchRequest,
    plan: FetchPlan,
    reader: Reader,
    { services: { config, partitions } }: RequestContext<Needs>,
  ) {
    this.maxBytes = Math.min(request.maxBytes, config.fetchMaxBytes);
    this.#plan = plan;
    this.#reader = reader;
    this.#partitions = partitions;
  }

  /**
   * Reads from the partitions that may have something new what there is and the limits allow. The pass is
   * urgent if one has an error, if histories diverge, or if there is more than the answer has room for.
   */
  read(): FetchPass {
    const outcomes: Outcome[] = this.#outcomes = [];
    const targets = this.#plan.session.ready();
    if (targets.length === 0) return NOTHING;
    const budget = { maxBytes: this.maxBytes, minOneBatch: true };
    let bytes = 0;
    let isUrgent = false;
    for (const target of targets) {
      let result: ReadResult | KafkaError;
      try {
        result = this.#find(target).read(target, this.#reader, budget);
        const { byteLength } = result.records;
        target.countedBytes = byteLength;
        bytes += byteLength;
        isUrgent ||= result.divergingEpoch !== null ||
          byteLength === 0 && hasMore(target, result) && budget.maxBytes < target.maxBytes;
        budget.maxBytes = this.maxBytes - bytes;
        budget.minOneBatch = bytes === 0;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        result = error;
        isUrgent = true;
      }
      outcomes.push({ target, result });
    }
    return { bytes, isUrgent };
  }

  #find(target: FetchTarget): Partition {
    if (target.partition !== null) return target.partition;
    const { session } = this.#plan;
    const { topicId, topic, index } = target;
    const partition = session.usesTopicIds
      ? this.#partitions.byId(topicId, index)
      : this.#partitions.byName(topic, index);
    session.resolve(target, partition);
    return partition;
  }

  /** Forgets what the answer that is waited for will not have. */
  keepNews(): void {
    for (const { target, result } of this.#outcomes) {
      if (!(result instanceof KafkaError) && !this.#isIncluded(target, result)) {
        this.#markRead(target, result);
      }
    }
  }

  /** Puts the outcomes into an answer, without those that an incremental session knows already. */
  respond(): Response {
    const { session } = this.#plan;
    const responses: { topic: string; topicId: string; partitions: PartitionResponse[] }[] = [];
    let current: (typeof responses)[number] | null = null;
    for (const { target, result } of this.#outcomes) {
      const isError = result instanceof KafkaError;
      const isIncluded = isError || this.#isIncluded(target, result);
      if (!isError) this.#markRead(target, result);
      if (!isIncluded) continue;
      target.sentHighWatermark = isError ? -1 : result.highWatermark;
      target.sentLogStartOffset = isError ? -1 : result.logStartOffset;
      const { topic, topicId } = target;
      if (current === null || current.topicId !== topicId || current.topic !== topic) {
        current = { topic, topicId, partitions: [] };
        responses.push(current);
      }
      current.partitions.push(isError ? this.#failure(target, result) : success(target, result));
    }
    return { errorCode: 0, sessionId: session.size > 0 ? session.id : 0, responses };
  }

  #isIncluded(target: FetchTarget, result: ReadResult): boolean {
    return !this.#plan.isIncremental || result.records.byteLength > 0 || hasNews(target, result);
  }

  /** Takes a partition off the list of its session that has nothing more, and has others go first. */
  #markRead(target: FetchTarget, result: ReadResult): void {
    const { session } = this.#plan;
    if (result.records.byteLength > 0) session.moveToEnd(target);
    if (!hasMore(target, result) && result.divergingEpoch === null) session.markRead(target);
  }

  #failure({ index, partition }: FetchTarget, error: KafkaError): PartitionResponse {
    return {
      partitionIndex: index,
      errorCode: error.code,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      // As Apache Kafka answers: no list for a partition that has an error, an empty one for none.
      abortedTransactions: this.#reader.committedOnly || partition === null ? [] : null,
      records: NO_RECORDS,
    };
  }
}

/** Whether there are records at the reader's offset or behind it, returned or not. */
function hasMore({ fetchOffset }: FetchTarget, { endOffset }: ReadResult): boolean {
  return fetchOffset < endOffset;
}

function hasNews(target: FetchTarget, result: ReadResult): boolean {
  return result.divergingEpoch !== null || result.highWatermark !== target.sentHighWatermark ||
    result.logStartOffset !== target.sentLogStartOffset;
}

function success({ index }: FetchTarget, result: ReadResult): PartitionResponse {
  const { divergingEpoch } = result;
  const response: PartitionResponse = {
    partitionIndex: index,
    errorCode: 0,
    highWatermark: result.highWatermark,
    lastStableOffset: result.lastStableOffset,
    logStartOffset: result.logStartOffset,
    abortedTransactions: result.abortedTransactions,
    records: result.records,
  };
  return divergingEpoch === null ? response : { ...response, divergingEpoch };
}
