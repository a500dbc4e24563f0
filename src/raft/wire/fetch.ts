/**
 * Fetch between the core and the wire. Versions below 12 have no epoch of the last record, without which
 * a replica cannot follow; those below 17 no directory id, those below 18 no high watermark of the follower.
 *
 * @module
 */
import type { RequestInputOf, ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { type Int64, MAX_INT64 } from "../../protocol/int64.ts";
import type {
  fetch,
  FetchRequest as FetchMessage,
  FetchResponse,
} from "../../protocol/messages/fetch.ts";
import { ProtocolError } from "../../protocol/protocol_error.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { METADATA_TOPIC_ID } from "../../protocol/uuid.ts";
import type { FetchAnswer, FetchOutcome, FetchRequest } from "../core/messages.ts";
import type { RaftReply } from "../requests.ts";
import { checkCluster, type Receiver, type Sender } from "./ends.ts";
import { decodeFetchedBatches } from "./fetched_batches.ts";
import { decodeLeader, encodeLeader, encodeNodeEndpoints, NO_LEADER } from "./known_leader.ts";
import {
  answeredPartition,
  checkedInt64,
  METADATA_PARTITION,
  METADATA_TOPIC,
  requestedPartition,
} from "./metadata_partition.ts";

/** The first version by which a replica can follow. */
export const FIRST_FOLLOWER_VERSION = 12;

/** Maximum bytes of records, or of a snapshot, in an answer: the size of the largest batch. */
const MAX_ANSWER_BYTES = 8_388_608;
const NO_BYTES = new Uint8Array();

/** Returns the request on the wire. */
export function encodeFetch(
  { epoch, replica, offset, lastEpoch, highWatermark, maxWaitMs, maxBytes }: FetchRequest,
  { clusterId }: Sender,
): RequestInputOf<typeof fetch> {
  return {
    clusterId,
    replicaId: replica.id,
    replicaState: { replicaId: replica.id, replicaEpoch: -1 },
    maxWaitMs,
    minBytes: 0,
    maxBytes,
    topics: [{
      topic: METADATA_TOPIC,
      topicId: METADATA_TOPIC_ID,
      partitions: [{
        partition: METADATA_PARTITION,
        currentLeaderEpoch: epoch,
        fetchOffset: offset,
        lastFetchedEpoch: lastEpoch,
        partitionMaxBytes: maxBytes,
        replicaDirectoryId: replica.directoryId,
        highWatermark: Number.isFinite(highWatermark) ? highWatermark : MAX_INT64,
      }],
    }],
    forgottenTopicsData: [],
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeFetch(message: FetchMessage, receiver: Receiver): FetchRequest {
  checkCluster(message.clusterId, receiver);
  const partition = requestedPartition(message.topics);
  return {
    type: "fetch",
    epoch: partition.currentLeaderEpoch,
    replica: {
      // Only one of them is in a version, and -1 in the others.
      id: Math.max(message.replicaId, message.replicaState.replicaId, -1),
      directoryId: partition.replicaDirectoryId,
    },
    offset: partition.fetchOffset,
    lastEpoch: partition.lastFetchedEpoch,
    highWatermark: knownHighWatermark(partition.highWatermark),
    maxWaitMs: message.maxWaitMs,
    maxBytes: allowedBytes(message.maxBytes),
  };
}

/** Returns the number of bytes to send to a peer that allows `maxBytes`. */
export function allowedBytes(maxBytes: number): number {
  return Math.max(1, Math.min(maxBytes, MAX_ANSWER_BYTES));
}

/** The largest int64, which no log reaches, means that the follower does not know it (KIP-1166). */
function knownHighWatermark(highWatermark: Int64): number {
  return typeof highWatermark === "number" || highWatermark < 0 ? Number(highWatermark) : Infinity;
}

/** Returns the response for a request that came in on `listener`. */
export function encodeFetchAnswer(
  answer: FetchOutcome,
  records: RaftReply["records"],
  listener: string,
): ResponseInputOf<typeof fetch> {
  const { errorCode, leader, highWatermark, logStartOffset, diverging, snapshotId } = answer;
  return {
    errorCode: ErrorCode.NONE,
    responses: [{
      topic: METADATA_TOPIC,
      topicId: METADATA_TOPIC_ID,
      partitions: [{
        partitionIndex: METADATA_PARTITION,
        errorCode,
        highWatermark,
        logStartOffset,
        ...(diverging === null ? {} : { divergingEpoch: diverging }),
        currentLeader: encodeLeader(leader),
        ...(snapshotId === null ? {} : { snapshotId }),
        abortedTransactions: null,
        records: records ?? NO_BYTES,
      }],
    }],
    nodeEndpoints: encodeNodeEndpoints(leader, listener),
  };
}

/**
 * Returns the answer in `response`, whose records it refers to. Throws a `ProtocolError` or a `RecordError`
 * if it is none.
 */
export function* decodeFetchAnswer(
  response: FetchResponse,
  { listener }: Sender,
): Steps<FetchAnswer> {
  const { responses, nodeEndpoints } = response;
  if (response.errorCode !== ErrorCode.NONE) {
    return failedFetch(response.errorCode as ErrorCode, NO_LEADER);
  }
  const partition = answeredPartition(responses);
  const leader = decodeLeader(partition.currentLeader, nodeEndpoints, listener);
  if (partition.errorCode !== ErrorCode.NONE) {
    return failedFetch(partition.errorCode as ErrorCode, leader);
  }
  const { highWatermark, logStartOffset, divergingEpoch, snapshotId, records } = partition;
  return {
    type: "fetch",
    errorCode: ErrorCode.NONE,
    leader,
    highWatermark: checkedInt64(highWatermark, "high watermark", -1),
    logStartOffset: checkedInt64(logStartOffset, "log start offset", -1),
    diverging: wholePosition(divergingEpoch, "diverging epoch"),
    snapshotId: wholePosition(snapshotId, "snapshot id"),
    batches: records === null ? [] : yield* decodeFetchedBatches(records),
  };
}

function failedFetch(errorCode: ErrorCode, leader: FetchAnswer["leader"]): FetchAnswer {
  return {
    type: "fetch",
    errorCode,
    leader,
    highWatermark: -1,
    logStartOffset: -1,
    diverging: null,
    snapshotId: null,
    batches: [],
  };
}

/** Returns a position, or null if both of its fields are missing. */
function wholePosition(
  { epoch, endOffset }: { readonly epoch: number; readonly endOffset: number },
  what: string,
): { epoch: number; endOffset: number } | null {
  if (epoch < 0 && endOffset < 0) return null;
  if (epoch < 0) throw new ProtocolError(`The answer has an impossible ${what}: epoch ${epoch}`);
  return { epoch, endOffset: checkedInt64(endOffset, what) };
}
