/**
 * AddRaftVoter, RemoveRaftVoter and UpdateRaftVoter between the core and the wire (KIP-853).
 *
 * @module
 */
import type { RequestInputOf, ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { AddRaftVoterRequest } from "../../protocol/messages/add_raft_voter.ts";
import type { RemoveRaftVoterRequest } from "../../protocol/messages/remove_raft_voter.ts";
import type {
  updateRaftVoter,
  UpdateRaftVoterRequest,
  UpdateRaftVoterResponse,
} from "../../protocol/messages/update_raft_voter.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type {
  AddVoterRequest,
  KnownLeader,
  RemoveVoterRequest,
  UpdateVoterAnswer,
  UpdateVoterRequest,
} from "../core/messages.ts";
import type { ReplicaKey } from "../core/voter_set.ts";
import { decodeEndpoints, encodeEndpoints } from "./endpoints.ts";
import { checkCluster, type Receiver, type Sender } from "./ends.ts";
import { decodeLeader, encodeLeader, endpointOn } from "./known_leader.ts";

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeAddVoter(message: AddRaftVoterRequest, receiver: Receiver): AddVoterRequest {
  checkCluster(message.clusterId, receiver);
  return {
    type: "add-voter",
    voter: voterKey(message),
    endpoints: decodeEndpoints(message.listeners),
    waitsForCommit: message.ackWhenCommitted,
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeRemoveVoter(
  message: RemoveRaftVoterRequest,
  receiver: Receiver,
): RemoveVoterRequest {
  checkCluster(message.clusterId, receiver);
  return { type: "remove-voter", voter: voterKey(message) };
}

/** Returns the request on the wire. */
export function encodeUpdateVoter(
  { epoch, voter: { id, directoryId, endpoints, kraftVersions } }: UpdateVoterRequest,
  { clusterId }: Sender,
): RequestInputOf<typeof updateRaftVoter> {
  return {
    clusterId,
    currentLeaderEpoch: epoch,
    voterId: id,
    voterDirectoryId: directoryId,
    listeners: encodeEndpoints(endpoints),
    kRaftVersionFeature: {
      minSupportedVersion: kraftVersions.min,
      maxSupportedVersion: kraftVersions.max,
    },
  };
}

/** Returns the request in `message`. Throws the `KafkaError` that answers an invalid one. */
export function decodeUpdateVoter(
  message: UpdateRaftVoterRequest,
  receiver: Receiver,
): UpdateVoterRequest {
  checkCluster(message.clusterId, receiver);
  const { minSupportedVersion: min, maxSupportedVersion: max } = message.kRaftVersionFeature;
  if (min < 0 || max < min) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot update a voter that supports kraft.version ${min} to ${max}: there is no such range`,
    );
  }
  const endpoints = decodeEndpoints(message.listeners);
  if (endpoints.length === 0) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot update voter ${message.voterId}: the request has no endpoint of it`,
    );
  }
  return {
    type: "update-voter",
    epoch: message.currentLeaderEpoch,
    voter: { ...voterKey(message), endpoints, kraftVersions: { min, max } },
  };
}

/** Returns the response for a request that came in on `listener`. */
export function encodeUpdateVoterAnswer(
  { errorCode, leader }: { readonly errorCode: ErrorCode; readonly leader: KnownLeader },
  listener: string,
): ResponseInputOf<typeof updateRaftVoter> {
  const { host, port } = endpointOn(leader.endpoints, listener) ?? { host: "", port: 0 };
  return { errorCode, currentLeader: { ...encodeLeader(leader), host, port } };
}

/** Returns the answer in `response`. */
export function decodeUpdateVoterAnswer(
  { errorCode, currentLeader }: UpdateRaftVoterResponse,
  { listener }: Sender,
): UpdateVoterAnswer {
  const { leaderId, host, port } = currentLeader;
  return {
    type: "update-voter",
    errorCode: errorCode as ErrorCode,
    leader: decodeLeader(currentLeader, [{ nodeId: leaderId, host, port }], listener),
  };
}

/** A voter is named by its node and its directory: without the latter, one with an empty disk would count. */
function voterKey(
  { voterId, voterDirectoryId }: { readonly voterId: number; readonly voterDirectoryId: string },
): ReplicaKey {
  if (voterId >= 0 && voterDirectoryId !== ZERO_UUID) {
    return { id: voterId, directoryId: voterDirectoryId };
  }
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot change voter ${voterId} with the directory id ${voterDirectoryId}: both must be given`,
  );
}
