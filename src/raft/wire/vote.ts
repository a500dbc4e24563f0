/**
 * Vote between the core and the wire. Versions below 1 have no directory ids and no id of the voter, those
 * below 2 no pre-votes.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { RequestInputOf, ResponseInputOf } from "../../protocol/api.ts";
import type {
  vote,
  VoteRequest as VoteMessage,
  VoteResponse,
} from "../../protocol/messages/vote.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { VoteAnswer, VoteRequest } from "../core/messages.ts";
import { checkCluster, checkEpoch, type Receiver, type Sender } from "./ends.ts";
import { decodeLeader, encodeLeader, encodeNodeEndpoints, NO_LEADER } from "./known_leader.ts";
import {
  answeredPartition,
  METADATA_PARTITION,
  METADATA_TOPIC,
  requestedPartition,
} from "./metadata_partition.ts";

/** The first version with pre-votes. In earlier ones a pre-vote would be a vote. */
export const FIRST_PRE_VOTE_VERSION = 2;

/** Returns the request on the wire. */
export function encodeVote(request: VoteRequest, sender: Sender): RequestInputOf<typeof vote> {
  const { epoch, candidate, voter, lastEpoch, endOffset, isPreVote } = request;
  return {
    clusterId: sender.clusterId,
    voterId: voter.id,
    topics: [{
      topicName: METADATA_TOPIC,
      partitions: [{
        partitionIndex: METADATA_PARTITION,
        replicaEpoch: epoch,
        replicaId: candidate.id,
        replicaDirectoryId: candidate.directoryId,
        voterDirectoryId: voter.directoryId,
        lastOffsetEpoch: lastEpoch,
        lastOffset: endOffset,
        preVote: isPreVote,
      }],
    }],
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeVote(message: VoteMessage, receiver: Receiver): VoteRequest {
  checkCluster(message.clusterId, receiver);
  const partition = requestedPartition(message.topics);
  checkEpoch(partition.replicaEpoch);
  const { replicaId, lastOffset, lastOffsetEpoch } = partition;
  if (replicaId < 0 || lastOffset < 0 || lastOffsetEpoch < 0) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot vote for node ${replicaId} whose log ends at offset ${lastOffset} of epoch ` +
        `${lastOffsetEpoch}: none of them may be negative`,
    );
  }
  return {
    type: "vote",
    epoch: partition.replicaEpoch,
    candidate: { id: replicaId, directoryId: partition.replicaDirectoryId },
    voter: addressedVoter(message.voterId, partition.voterDirectoryId, receiver),
    lastEpoch: lastOffsetEpoch,
    endOffset: lastOffset,
    isPreVote: partition.preVote,
  };
}

/** Returns the voter that a request addresses: the receiver if it names none, as before KIP-853. */
export function addressedVoter(
  id: number,
  directoryId: string,
  { nodeId }: Receiver,
): VoteRequest["voter"] {
  return id < 0 ? { id: nodeId, directoryId: ZERO_UUID } : { id, directoryId };
}

/** Returns the response for a request that came in on `listener`. */
export function encodeVoteAnswer(
  { errorCode, leader, isGranted }: VoteAnswer,
  listener: string,
): ResponseInputOf<typeof vote> {
  return {
    errorCode: ErrorCode.NONE,
    topics: [{
      topicName: METADATA_TOPIC,
      partitions: [{
        partitionIndex: METADATA_PARTITION,
        errorCode,
        ...encodeLeader(leader),
        voteGranted: isGranted,
      }],
    }],
    nodeEndpoints: encodeNodeEndpoints(leader, listener),
  };
}

/** Returns the answer in `response`. Throws a `ProtocolError` if it is none. */
export function decodeVoteAnswer(response: VoteResponse, { listener }: Sender): VoteAnswer {
  const { topics, nodeEndpoints } = response;
  if (response.errorCode !== ErrorCode.NONE) {
    const errorCode = response.errorCode as ErrorCode;
    return { type: "vote", errorCode, leader: NO_LEADER, isGranted: false };
  }
  const partition = answeredPartition(topics);
  return {
    type: "vote",
    errorCode: partition.errorCode as ErrorCode,
    leader: decodeLeader(partition, nodeEndpoints, listener),
    isGranted: partition.voteGranted,
  };
}
