/**
 * The quorum of the controllers, as returned and changed by the admin client.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import type { DescribeQuorumResponse } from "../../protocol/messages/describe_quorum.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { responseError } from "../errors.ts";

/** The topic whose only partition is the log of the quorum. */
export const METADATA_TOPIC = "__cluster_metadata";

/** A listener of a controller. */
export interface ControllerListener {
  /** Its name in the configuration, such as `CONTROLLER`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A copy of the metadata log. */
export interface QuorumReplica {
  readonly nodeId: number;
  /** The id of its directory, or null if the cluster does not report it. */
  readonly directoryId: string | null;
  readonly logEndOffset: number;
  /** Number of records by which it is behind the leader. */
  readonly lag: number;
  /** The time of its last fetch by the leader's clock, ms since 1970, or null if unknown. */
  readonly lastFetchMs: number | null;
  /** The last time at which it had all records of the leader, ms since 1970, or null if unknown. */
  readonly lastCaughtUpMs: number | null;
}

/** The state of the quorum. */
export interface QuorumDescription {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  /** The offset up to which records are committed. */
  readonly highWatermark: number;
  /** The controllers that elect the leader and commit records, ordered by node id. */
  readonly voters: readonly QuorumReplica[];
  /** Other nodes that read the log: brokers, and controllers that are no voters. Ordered by node id. */
  readonly observers: readonly QuorumReplica[];
  /** The listeners of the voters, by node id. Empty if the cluster does not report them. */
  readonly listeners: ReadonlyMap<number, readonly ControllerListener[]>;
}

/** A controller that becomes a voter. */
export interface NewVoter {
  readonly nodeId: number;
  /** The id of its metadata directory: that of its observer in {@linkcode QuorumDescription}. */
  readonly directoryId: string;
  /** All its listeners for controllers. */
  readonly listeners: readonly ControllerListener[];
  /** Rejects the change in a cluster with another id. Defaults to accepting any. */
  readonly clusterId?: string;
}

/** A voter that leaves the quorum. */
export type LeavingVoter = Pick<NewVoter, "nodeId" | "directoryId" | "clusterId">;

const DESCRIBE = "Cannot describe the quorum";

/** Converts a response. Throws its error. */
export function quorumOf(answer: DescribeQuorumResponse): QuorumDescription {
  const { errorCode, errorMessage, topics, nodes } = answer;
  if (errorCode !== ErrorCode.NONE) throw responseError(errorCode, DESCRIBE, errorMessage);
  const partition = topics[0]?.partitions[0];
  if (partition === undefined) {
    throw responseError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      DESCRIBE,
      `the answer lacks ${METADATA_TOPIC}`,
    );
  }
  if (partition.errorCode !== ErrorCode.NONE) {
    throw responseError(partition.errorCode, DESCRIBE, partition.errorMessage);
  }
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition;
  const leader = currentVoters.find(({ replicaId }) => replicaId === leaderId);
  const end = leader?.logEndOffset ?? highWatermark;
  const replicas = (states: typeof currentVoters) =>
    states.map((state): QuorumReplica => ({
      nodeId: state.replicaId,
      directoryId: state.replicaDirectoryId === ZERO_UUID ? null : state.replicaDirectoryId,
      logEndOffset: state.logEndOffset,
      lag: Math.max(0, end - Math.max(0, state.logEndOffset)),
      lastFetchMs: timestamp(state.lastFetchTimestamp),
      lastCaughtUpMs: timestamp(state.lastCaughtUpTimestamp),
    })).sort((a, b) => a.nodeId - b.nodeId);
  return {
    leaderId,
    leaderEpoch,
    highWatermark,
    voters: replicas(currentVoters),
    observers: replicas(observers),
    listeners: new Map(nodes.map(({ nodeId, listeners }) => [nodeId, listeners])),
  };
}

function timestamp(ms: number): number | null {
  return ms < 0 ? null : ms;
}
