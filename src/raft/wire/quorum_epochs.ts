/**
 * BeginQuorumEpoch and EndQuorumEpoch between the core and the wire. Versions below 1 have neither directory
 * ids nor the endpoints of the leader.
 *
 * @module
 */
import type { RequestInputOf, ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type {
  beginQuorumEpoch,
  BeginQuorumEpochRequest as BeginMessage,
  BeginQuorumEpochResponse,
} from "../../protocol/messages/begin_quorum_epoch.ts";
import type {
  endQuorumEpoch,
  EndQuorumEpochRequest as EndMessage,
  EndQuorumEpochResponse,
} from "../../protocol/messages/end_quorum_epoch.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type {
  BeginQuorumEpochAnswer,
  BeginQuorumEpochRequest,
  EndQuorumEpochAnswer,
  EndQuorumEpochRequest,
} from "../core/messages.ts";
import { decodeEndpoints, encodeEndpoints } from "./endpoints.ts";
import { checkCluster, checkEpoch, type Receiver, type Sender } from "./ends.ts";
import { decodeLeader, encodeLeader, encodeNodeEndpoints, NO_LEADER } from "./known_leader.ts";
import {
  answeredPartition,
  METADATA_PARTITION,
  METADATA_TOPIC,
  requestedPartition,
} from "./metadata_partition.ts";
import { addressedVoter } from "./vote.ts";

/** Returns the request on the wire. */
export function encodeBeginQuorumEpoch(
  { epoch, leaderId, voter, endpoints }: BeginQuorumEpochRequest,
  { clusterId }: Sender,
): RequestInputOf<typeof beginQuorumEpoch> {
  return {
    clusterId,
    voterId: voter.id,
    topics: [{
      topicName: METADATA_TOPIC,
      partitions: [{
        partitionIndex: METADATA_PARTITION,
        voterDirectoryId: voter.directoryId,
        leaderId,
        leaderEpoch: epoch,
      }],
    }],
    leaderEndpoints: encodeEndpoints(endpoints),
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeBeginQuorumEpoch(
  message: BeginMessage,
  receiver: Receiver,
): BeginQuorumEpochRequest {
  checkCluster(message.clusterId, receiver);
  const { voterDirectoryId, leaderId, leaderEpoch } = requestedPartition(message.topics);
  checkLeaderId(leaderId);
  checkEpoch(leaderEpoch);
  return {
    type: "begin-quorum-epoch",
    epoch: leaderEpoch,
    leaderId,
    voter: addressedVoter(message.voterId, voterDirectoryId, receiver),
    endpoints: decodeEndpoints(message.leaderEndpoints),
  };
}

/** Returns the response for a request that came in on `listener`. */
export function encodeBeginQuorumEpochAnswer(
  answer: BeginQuorumEpochAnswer,
  listener: string,
): ResponseInputOf<typeof beginQuorumEpoch> {
  return encodeAnswer(answer, listener);
}

/** Returns the answer in `response`. Throws a `ProtocolError` if it is none. */
export function decodeBeginQuorumEpochAnswer(
  response: BeginQuorumEpochResponse,
  sender: Sender,
): BeginQuorumEpochAnswer {
  return { type: "begin-quorum-epoch", ...decodeAnswer(response, sender) };
}

/** Returns the request on the wire. Version 0 has the ids of the successors, later ones their keys. */
export function encodeEndQuorumEpoch(
  { epoch, leaderId, successors, endpoints }: EndQuorumEpochRequest,
  { clusterId }: Sender,
): RequestInputOf<typeof endQuorumEpoch> {
  return {
    clusterId,
    topics: [{
      topicName: METADATA_TOPIC,
      partitions: [{
        partitionIndex: METADATA_PARTITION,
        leaderId,
        leaderEpoch: epoch,
        preferredSuccessors: successors.map(({ id }) => id),
        preferredCandidates: successors.map(({ id, directoryId }) => ({
          candidateId: id,
          candidateDirectoryId: directoryId,
        })),
      }],
    }],
    leaderEndpoints: encodeEndpoints(endpoints),
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeEndQuorumEpoch(
  message: EndMessage,
  receiver: Receiver,
): EndQuorumEpochRequest {
  checkCluster(message.clusterId, receiver);
  const partition = requestedPartition(message.topics);
  checkLeaderId(partition.leaderId);
  checkEpoch(partition.leaderEpoch);
  const { preferredSuccessors, preferredCandidates } = partition;
  return {
    type: "end-quorum-epoch",
    epoch: partition.leaderEpoch,
    leaderId: partition.leaderId,
    // Only one of them is in a version.
    successors: [
      ...preferredSuccessors.map((id) => ({ id, directoryId: ZERO_UUID })),
      ...preferredCandidates.map(({ candidateId, candidateDirectoryId }) => ({
        id: candidateId,
        directoryId: candidateDirectoryId,
      })),
    ],
    endpoints: decodeEndpoints(message.leaderEndpoints),
  };
}

/** Returns the response for a request that came in on `listener`. */
export function encodeEndQuorumEpochAnswer(
  answer: EndQuorumEpochAnswer,
  listener: string,
): ResponseInputOf<typeof endQuorumEpoch> {
  return encodeAnswer(answer, listener);
}

/** Returns the answer in `response`. Throws a `ProtocolError` if it is none. */
export function decodeEndQuorumEpochAnswer(
  response: EndQuorumEpochResponse,
  sender: Sender,
): EndQuorumEpochAnswer {
  return { type: "end-quorum-epoch", ...decodeAnswer(response, sender) };
}

function checkLeaderId(leaderId: number): void {
  if (leaderId >= 0) return;
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot accept node ${leaderId} as a leader: ids are not negative`,
  );
}

type EpochAnswer = BeginQuorumEpochAnswer | EndQuorumEpochAnswer;

function encodeAnswer({ errorCode, leader }: EpochAnswer, listener: string) {
  return {
    errorCode: ErrorCode.NONE,
    topics: [{
      topicName: METADATA_TOPIC,
      partitions: [{
        partitionIndex: METADATA_PARTITION,
        errorCode,
        ...encodeLeader(leader),
      }],
    }],
    nodeEndpoints: encodeNodeEndpoints(leader, listener),
  };
}

function decodeAnswer(
  { errorCode, topics, nodeEndpoints }: BeginQuorumEpochResponse | EndQuorumEpochResponse,
  { listener }: Sender,
): Omit<EpochAnswer, "type"> {
  if (errorCode !== ErrorCode.NONE) {
    return { errorCode: errorCode as ErrorCode, leader: NO_LEADER };
  }
  const partition = answeredPartition(topics);
  return {
    errorCode: partition.errorCode as ErrorCode,
    leader: decodeLeader(partition, nodeEndpoints, listener),
  };
}
