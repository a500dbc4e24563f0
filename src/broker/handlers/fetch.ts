/**
 * Fetch reads batches from partitions, from an offset on, and waits for data if there are too few.
 *
 * Versions 4 to 18. Version 5 adds the log start offset, 7 incremental sessions (KIP-227), 9 checks
 * the leader epoch (KIP-320), 10 knows zstd (KIP-110), 11 has a rack (KIP-392), 12 is flexible and tells of diverging epochs
 * (KIP-595), 13 names topics by id (KIP-516), 15 to 18 are about replicas.
 *
 * The first batch found is given whole, however small the limits are, so that every consumer gets
 * on. The answer waits until `minBytes` are there, `maxWaitMs` have passed, or a partition has an
 * error to tell. Batches go out as they lie in the log; they are copied when they are sent. Who wants
 * committed records only is given them up to the last stable offset, and told which of the
 * transactions among them were aborted.
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { fetch } from "../../protocol/messages/fetch.ts";
import { type LogRecords, NO_RECORDS } from "../../log/segments/log_records.ts";
import type { FetchPlan, FetchTarget } from "../fetch_sessions.ts";
import type { Partition } from "../../replication/partition.ts";
import type { Partitions } from "../../replication/partition_table.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { BrokerServices } from "../services.ts";

type Response = ResponseInputOf<typeof fetch>;
type TopicResponse = Response["responses"][number];
type PartitionResponse = TopicResponse["partitions"][number];

const READ_COMMITTED = 1;

interface Limits {
  readonly maxBytes: number;
  readonly minBytes: number;
  readonly committedOnly: boolean;
  /** Whether the version may be given batches that the topic compresses with zstd. */
  readonly allowZstd: boolean;
}

/** What was read for one target. */
interface Outcome {
  readonly target: FetchTarget;
  readonly response: PartitionResponse & { readonly records: LogRecords };
}

/** One pass over all targets. */
interface Pass {
  readonly outcomes: readonly Outcome[];
  readonly bytes: number;
  readonly hasError: boolean;
}

/** Serves Fetch. */
export const fetchHandler: Handler<BrokerServices> = defineHandler(fetch, {
  handle(request, { apiVersion, services }) {
    const { partitions, fetchSessions, config } = services;
    const isById = apiVersion >= 13;
    const plan = fetchSessions.plan(request, isById);
    const limits: Limits = {
      maxBytes: Math.min(request.maxBytes, config.fetchMaxBytes),
      minBytes: request.minBytes,
      committedOnly: request.isolationLevel === READ_COMMITTED,
      allowZstd: apiVersion >= 10,
    };
    const first = readAll(plan, limits, isById, partitions);
    if (isEnough(first, limits) || request.maxWaitMs <= 0 || plan.targets.length === 0) {
      return respond(plan, first);
    }
    return new Promise((resolve) => {
      const watched = watchedPartitions(plan, isById, partitions);
      partitions.fetchPurgatory.completeOrWatch(
        {
          tryComplete() {
            if (!mayHaveNews(watched, limits)) return false;
            const pass = readAll(plan, limits, isById, partitions);
            if (!isEnough(pass, limits)) return false;
            resolve(respond(plan, pass));
            return true;
          },
          expire: () => resolve(respond(plan, readAll(plan, limits, isById, partitions))),
        },
        watched.map(({ partition }) => partition),
        request.maxWaitMs,
      );
    });
  },
  // Fails as a whole only over its session, and then names no partitions.
  onError: (_request, errorCode) => ({ errorCode, sessionId: 0, responses: [] }),
});

function isEnough({ bytes, hasError }: Pass, { minBytes }: Limits): boolean {
  return bytes >= minBytes || hasError;
}

function readAll(plan: FetchPlan, limits: Limits, isById: boolean, partitions: Partitions): Pass {
  const outcomes: Outcome[] = [];
  let bytes = 0;
  let hasError = false;
  for (const target of plan.targets) {
    const outcome = readOne(
      target,
      limits,
      limits.maxBytes - bytes,
      bytes === 0,
      isById,
      partitions,
    );
    bytes += outcome.response.records.byteLength;
    hasError ||= outcome.response.errorCode !== 0 || outcome.response.divergingEpoch !== undefined;
    outcomes.push(outcome);
  }
  return { outcomes, bytes, hasError };
}

function readOne(
  target: FetchTarget,
  { committedOnly, allowZstd }: Limits,
  bytesLeft: number,
  minOneBatch: boolean,
  isById: boolean,
  partitions: Partitions,
): Outcome {
  let partition: Partition | undefined;
  try {
    partition = find(target, isById, partitions);
    partition.checkLeaderEpoch(target.currentLeaderEpoch);
    const diverging = divergingEpoch(target, partition);
    const { highWatermark, lastStableOffset, log } = partition;
    if (!allowZstd && log.config.recompression?.type === "zstd") {
      throw new KafkaError(
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        `Cannot read ${partition.name}: it is compressed with zstd, which needs Fetch version 10`,
      );
    }
    const endOffset = committedOnly ? lastStableOffset : highWatermark;
    const { fetchOffset } = target;
    const records = diverging !== null ? NO_RECORDS : log.read({
      fetchOffset,
      maxBytes: Math.max(0, Math.min(target.maxBytes, bytesLeft)),
      endOffset,
      minOneBatch,
    });
    const hasRecords = committedOnly && records.byteLength > 0;
    return {
      target,
      response: {
        partitionIndex: target.partition,
        errorCode: 0,
        highWatermark,
        lastStableOffset,
        logStartOffset: log.logStartOffset,
        abortedTransactions: hasRecords
          ? log.abortedTransactions(fetchOffset, Math.min(endOffset, records.offsetBound))
          : committedOnly
          ? []
          : null,
        records,
        ...(diverging === null ? {} : { divergingEpoch: diverging }),
      },
    };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    if (partition !== undefined) partitions.noteFailure(partition, error);
    return {
      target,
      response: {
        partitionIndex: target.partition,
        errorCode: error.code,
        highWatermark: -1,
        lastStableOffset: -1,
        logStartOffset: -1,
        // As Apache Kafka answers: no list for a partition that has an error, an empty one for none.
        abortedTransactions: committedOnly || partition === undefined ? [] : null,
        records: NO_RECORDS,
      },
    };
  }
}

function find(target: FetchTarget, isById: boolean, partitions: Partitions): Partition {
  return isById
    ? partitions.byId(target.topicId, target.partition)
    : partitions.byName(target.topic, target.partition);
}

/** KIP-595: where the reader's log and this one part, when its last epoch ended earlier here. */
function divergingEpoch(target: FetchTarget, { log }: Partition) {
  const { lastFetchedEpoch, fetchOffset } = target;
  if (lastFetchedEpoch < 0) return null;
  const { leaderEpoch, endOffset } = log.endOffsetForEpoch(lastFetchedEpoch);
  if (leaderEpoch < 0 || endOffset < 0) {
    throw new KafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `${log.name} knows nothing of epoch ${lastFetchedEpoch} any more`,
    );
  }
  const isSame = leaderEpoch >= lastFetchedEpoch && endOffset >= fetchOffset;
  return isSame ? null : { epoch: leaderEpoch, endOffset };
}

interface Watched {
  readonly target: FetchTarget;
  readonly partition: Partition;
}

function watchedPartitions(plan: FetchPlan, isById: boolean, partitions: Partitions): Watched[] {
  return plan.targets.map((target) => ({ target, partition: find(target, isById, partitions) }));
}

/** A cheap look before reading everything again. */
function mayHaveNews(watched: readonly Watched[], { committedOnly }: Limits): boolean {
  return watched.some(({ target, partition }) => {
    const end = committedOnly ? partition.lastStableOffset : partition.highWatermark;
    return end > target.fetchOffset || partition.isGone;
  });
}

/** Puts the outcomes into an answer, leaving out what an incremental session need not be told. */
function respond(plan: FetchPlan, { outcomes }: Pass): Response {
  const responses: { topic: string; topicId: string; partitions: PartitionResponse[] }[] = [];
  const withData: FetchTarget[] = [];
  let current: (typeof responses)[number] | null = null;
  for (const { target, response } of outcomes) {
    if (response.records.byteLength > 0) withData.push(target);
    else if (plan.incremental && !hasNews(target, response)) continue;
    target.sentHighWatermark = response.highWatermark;
    target.sentLogStartOffset = response.logStartOffset ?? -1;
    if (current === null || current.topicId !== target.topicId || current.topic !== target.topic) {
      current = { topic: target.topic, topicId: target.topicId, partitions: [] };
      responses.push(current);
    }
    current.partitions.push(response);
  }
  plan.served(withData);
  return { errorCode: 0, sessionId: plan.sessionId, responses };
}

function hasNews(target: FetchTarget, response: PartitionResponse): boolean {
  return response.errorCode !== 0 || response.divergingEpoch !== undefined ||
    response.highWatermark !== target.sentHighWatermark ||
    response.logStartOffset !== target.sentLogStartOffset;
}
