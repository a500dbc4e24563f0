/**
 * DescribeQuorum returns the state of the quorum: its leader, voters and observers with the ends of their
 * logs (KIP-595). Only the leader serves it, since it alone knows how far the others are.
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds to each replica when it last fetched, and when it last
 * had all records (KIP-836); 2 the ids of their directories, the listeners of the voters and error messages
 * (KIP-853).
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { describeQuorum } from "../../protocol/messages/describe_quorum.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { RaftStatus } from "../core/core.ts";
import type { ReplicaProgress } from "../core/leader_state.ts";
import type { ReplicaKey } from "../core/voter_set.ts";
import type { RaftNeeds, RaftRequests } from "../requests.ts";
import { encodeEndpoints } from "../wire/endpoints.ts";
import {
  METADATA_PARTITION,
  METADATA_TOPIC,
  metadataPartition,
} from "../wire/metadata_partition.ts";

type Response = ResponseInputOf<typeof describeQuorum>;
type PartitionData = Response["topics"][number]["partitions"][number];
type ReplicaState = PartitionData["currentVoters"][number];

interface Needs extends RaftNeeds {
  readonly clock: Pick<Clock, "now">;
}

/** Serves DescribeQuorum. */
export const raftDescribeQuorumHandler: Handler<Needs> = defineHandler(describeQuorum, {
  handle(request, { services: { raft, clock } }) {
    if (metadataPartition(request.topics) === null) {
      return {
        ...NO_ERROR,
        topics: request.topics.map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(({ partitionIndex }) =>
            failedPartition(partitionIndex, {
              errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
              errorMessage: `Only ${METADATA_TOPIC}-${METADATA_PARTITION} alone has a quorum`,
            })
          ),
        })),
        nodes: [],
      };
    }
    const { status } = raft;
    if (status.role !== "leader") {
      const partition = failedPartition(METADATA_PARTITION, {
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        errorMessage: notLeading(raft),
        leaderId: status.leaderId,
        leaderEpoch: status.epoch,
      });
      return {
        ...NO_ERROR,
        topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }],
        nodes: [],
      };
    }
    return {
      ...NO_ERROR,
      topics: [{
        topicName: METADATA_TOPIC,
        partitions: [describe(raft, clock.now())],
      }],
      nodes: [...status.voters].map(({ id, endpoints }) => ({
        nodeId: id,
        listeners: encodeEndpoints(endpoints),
      })),
    };
  },
  onError: (_request, errorCode, errorMessage) => ({
    errorCode,
    errorMessage,
    topics: [],
    nodes: [],
  }),
});

/** The high watermark of a new leader, as in Apache Kafka. */
const UNKNOWN = -1;
const NO_ERROR = { errorCode: ErrorCode.NONE, errorMessage: null };

function failedPartition(
  partitionIndex: number,
  failure: {
    readonly errorCode: ErrorCode;
    readonly errorMessage: string;
    readonly leaderId?: number;
    readonly leaderEpoch?: number;
  },
): PartitionData {
  return {
    partitionIndex,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
    ...failure,
  };
}

function notLeading({ nodeId, status: { leaderId, epoch } }: RaftRequests): string {
  const why = `Node ${nodeId} does not lead the quorum`;
  return leaderId < 0 || leaderId === nodeId
    ? `${why}, no leader is known in epoch ${epoch}, try again`
    : `${why}, ask node ${leaderId}, the leader of epoch ${epoch}`;
}

/** Returns the state of the quorum as its leader sees it, at `wallMs` by the wall clock. */
function describe(raft: RaftRequests, wallMs: number): PartitionData {
  const { nodeId, status, nowMs } = raft;
  const { voters, replicas, epoch } = status;
  const others = replicas.filter(({ key }) => key.id !== nodeId);
  const own = (key: ReplicaKey): ReplicaState => ({
    replicaId: key.id,
    replicaDirectoryId: key.directoryId,
    logEndOffset: status.logEndOffset,
    // A leader is always caught up with itself.
    lastFetchTimestamp: wallMs,
    lastCaughtUpTimestamp: wallMs,
  });
  const other = (key: ReplicaKey, progress: ReplicaProgress | undefined): ReplicaState => ({
    replicaId: key.id,
    replicaDirectoryId: key.directoryId,
    logEndOffset: progress?.endOffset ?? -1,
    lastFetchTimestamp: wallTime(progress?.lastFetchAt, { nowMs, wallMs }),
    lastCaughtUpTimestamp: wallTime(progress?.lastCaughtUpAt, { nowMs, wallMs }),
  });
  const otherVoter = (voter: ReplicaKey) => {
    const progress = progressOf(others, voter, status);
    // Under `kraft.version` 0 only its fetches show the directory of a voter.
    return other(progress?.key ?? voter, progress);
  };
  const isRemovedLeader = voters.byId(nodeId) === undefined;
  return {
    partitionIndex: METADATA_PARTITION,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    leaderId: nodeId,
    leaderEpoch: epoch,
    highWatermark: status.isActive ? status.highWatermark : UNKNOWN,
    currentVoters: [...voters].map((voter) => voter.id === nodeId ? own(voter) : otherVoter(voter)),
    observers: [
      ...(isRemovedLeader ? [own({ id: nodeId, directoryId: ZERO_UUID })] : []),
      ...others.filter(({ key }) => !voters.has(key)).map((one) => other(one.key, one)),
    ],
  };
}

/** Returns the latest progress of a voter, whose directory may not be known. */
function progressOf(
  replicas: readonly ReplicaProgress[],
  voter: ReplicaKey,
  { voters }: RaftStatus,
): ReplicaProgress | undefined {
  return replicas
    .filter(({ key }) => key.id === voter.id && voters.has(key))
    .reduce<ReplicaProgress | undefined>(
      (latest, one) => latest === undefined || one.lastFetchAt >= latest.lastFetchAt ? one : latest,
      undefined,
    );
}

/** Returns a time of the core by the wall clock, or -1 for never. */
function wallTime(
  time: number | undefined,
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): number {
  return time === undefined || time < 0 ? -1 : Math.round(wallMs - (nowMs - time));
}
