/**
 * FetchSnapshot between the core and the wire. Version 0 has no directory id and no endpoints.
 *
 * @module
 */
import type { RequestInputOf, ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type {
  fetchSnapshot,
  FetchSnapshotRequest as FetchSnapshotMessage,
  FetchSnapshotResponse,
} from "../../protocol/messages/fetch_snapshot.ts";
import type {
  FetchSnapshotAnswer,
  FetchSnapshotRequest,
  KnownLeader,
  OwnAnswer,
} from "../core/messages.ts";
import type { SnapshotPart } from "../requests.ts";
import { checkCluster, type Receiver, type Sender } from "./ends.ts";
import { allowedBytes } from "./fetch.ts";
import { decodeLeader, encodeLeader, encodeNodeEndpoints, NO_LEADER } from "./known_leader.ts";
import {
  answeredPartition,
  checkedInt64,
  METADATA_PARTITION,
  METADATA_TOPIC,
  requestedPartition,
} from "./metadata_partition.ts";

const NO_BYTES = new Uint8Array();

/** Returns the request on the wire. */
export function encodeFetchSnapshot(
  { epoch, replica, id, position, maxBytes }: FetchSnapshotRequest,
  { clusterId }: Sender,
): RequestInputOf<typeof fetchSnapshot> {
  return {
    clusterId,
    replicaId: replica.id,
    maxBytes,
    topics: [{
      name: METADATA_TOPIC,
      partitions: [{
        partition: METADATA_PARTITION,
        currentLeaderEpoch: epoch,
        snapshotId: { endOffset: id.endOffset, epoch: id.epoch },
        position,
        replicaDirectoryId: replica.directoryId,
      }],
    }],
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeFetchSnapshot(
  message: FetchSnapshotMessage,
  receiver: Receiver,
): FetchSnapshotRequest {
  checkCluster(message.clusterId, receiver);
  const partition = requestedPartition(message.topics);
  const { position, snapshotId: { endOffset, epoch } } = partition;
  if (!Number.isSafeInteger(endOffset)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot read the snapshot that ends at offset ${endOffset}: the limit is 2^53 - 1`,
    );
  }
  return {
    type: "fetch-snapshot",
    epoch: partition.currentLeaderEpoch,
    replica: { id: Math.max(message.replicaId, -1), directoryId: partition.replicaDirectoryId },
    id: { endOffset, epoch },
    position,
    maxBytes: allowedBytes(message.maxBytes),
  };
}

/** Whether `position` can be one in a snapshot: if not, it is not worth asking for. */
export function isSnapshotPosition(position: number): boolean {
  return Number.isSafeInteger(position) && position >= 0;
}

/**
 * Returns the response for a request that came in on `listener`. Without `part` the snapshot was removed
 * after the core had answered.
 */
export function encodeFetchSnapshotAnswer(
  answer: Extract<OwnAnswer, { type: "fetch-snapshot" }>,
  part: SnapshotPart | null,
  listener: string,
): ResponseInputOf<typeof fetchSnapshot> {
  const { errorCode, leader, id, read } = answer;
  if (errorCode !== ErrorCode.NONE || read === null) {
    return failedFetchSnapshot({ errorCode, leader, id }, listener);
  }
  if (part === null) {
    return failedFetchSnapshot({ errorCode: ErrorCode.SNAPSHOT_NOT_FOUND, leader, id }, listener);
  }
  if (read.position >= part.size) {
    const outOfRange = ErrorCode.POSITION_OUT_OF_RANGE;
    return failedFetchSnapshot({ errorCode: outOfRange, leader, id }, listener);
  }
  return {
    errorCode: ErrorCode.NONE,
    topics: [{
      name: METADATA_TOPIC,
      partitions: [{
        index: METADATA_PARTITION,
        errorCode,
        snapshotId: { endOffset: id.endOffset, epoch: id.epoch },
        currentLeader: encodeLeader(leader),
        size: part.size,
        position: read.position,
        unalignedRecords: part.bytes,
      }],
    }],
    nodeEndpoints: encodeNodeEndpoints(leader, listener),
  };
}

/** Returns the response without a part of the snapshot. */
export function failedFetchSnapshot(
  { errorCode, leader, id }: {
    readonly errorCode: ErrorCode;
    readonly leader: KnownLeader;
    readonly id: FetchSnapshotRequest["id"];
  },
  listener: string,
): ResponseInputOf<typeof fetchSnapshot> {
  return {
    errorCode: ErrorCode.NONE,
    topics: [{
      name: METADATA_TOPIC,
      partitions: [{
        index: METADATA_PARTITION,
        errorCode,
        snapshotId: { endOffset: id.endOffset, epoch: id.epoch },
        currentLeader: encodeLeader(leader),
        size: 0,
        position: 0,
        unalignedRecords: NO_BYTES,
      }],
    }],
    nodeEndpoints: encodeNodeEndpoints(leader, listener),
  };
}

/** Returns the answer in `response`, whose bytes it refers to. Throws a `ProtocolError` if it is none. */
export function decodeFetchSnapshotAnswer(
  response: FetchSnapshotResponse,
  { listener }: Sender,
): FetchSnapshotAnswer {
  const { topics, nodeEndpoints } = response;
  if (response.errorCode !== ErrorCode.NONE) {
    return failedPart(response.errorCode as ErrorCode, NO_LEADER);
  }
  const partition = answeredPartition(topics);
  const leader = decodeLeader(partition.currentLeader, nodeEndpoints, listener);
  if (partition.errorCode !== ErrorCode.NONE) {
    return failedPart(partition.errorCode as ErrorCode, leader);
  }
  const { snapshotId, size, position, unalignedRecords } = partition;
  return {
    type: "fetch-snapshot",
    errorCode: ErrorCode.NONE,
    leader,
    id: {
      endOffset: checkedInt64(snapshotId.endOffset, "end of the snapshot"),
      epoch: snapshotId.epoch,
    },
    size: checkedInt64(size, "size of the snapshot"),
    position: checkedInt64(position, "position"),
    bytes: unalignedRecords,
  };
}

function failedPart(errorCode: ErrorCode, leader: KnownLeader): FetchSnapshotAnswer {
  return {
    type: "fetch-snapshot",
    errorCode,
    leader,
    id: { endOffset: 0, epoch: 0 },
    size: 0,
    position: 0,
    bytes: NO_BYTES,
  };
}
