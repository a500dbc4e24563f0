/**
 * DescribeQuorum returns the state of the metadata log: its leader, voters and observers (KIP-595).
 * A single node is the leader and the only voter.
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds two timestamps to each replica (KIP-836), 2
 * the ids of their directories, the listeners of the voters and error messages (KIP-853).
 *
 * @module
 */
import type { RaftReplica } from "../../raft/raft_replica.ts";
import type { LogManager } from "../../log/directory/log_manager.ts";
import { METADATA_TOPIC } from "../../metadata/metadata_log.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  describeQuorum,
  type DescribeQuorumRequest,
} from "../../protocol/messages/describe_quorum.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { BrokersNeeds } from "../metadata_response.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

const METADATA_PARTITION = 0;

interface Needs extends Pick<BrokersNeeds, "nodeId" | "advertisedAddress"> {
  readonly quorum: Pick<RaftReplica, "status">;
  readonly logs: Pick<LogManager, "holderOf">;
  readonly clock: Pick<Clock, "now">;
}

/** Serves DescribeQuorum. */
export const describeQuorumHandler: Handler<Needs> = defineHandler(describeQuorum, {
  handle(request, { services, connection }) {
    const { topics } = request;
    if (!asksForMetadataLog(request)) {
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        topics: topics.map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            errorMessage: `Only ${METADATA_TOPIC}-${METADATA_PARTITION} has a quorum`,
            leaderId: 0,
            leaderEpoch: 0,
            highWatermark: 0,
            currentVoters: [],
            observers: [],
          })),
        })),
        nodes: [],
      };
    }
    const { nodeId, quorum, logs, clock } = services;
    const { epoch: leaderEpoch, highWatermark, logEndOffset } = quorum.status;
    const nowMs = clock.now();
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      topics: [{
        topicName: METADATA_TOPIC,
        partitions: [{
          partitionIndex: METADATA_PARTITION,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          leaderId: nodeId,
          leaderEpoch,
          highWatermark,
          currentVoters: [{
            replicaId: nodeId,
            replicaDirectoryId: logs.holderOf(METADATA_TOPIC, METADATA_PARTITION)?.directoryId ??
              ZERO_UUID,
            logEndOffset,
            // A leader is always caught up with itself.
            lastFetchTimestamp: nowMs,
            lastCaughtUpTimestamp: nowMs,
          }],
          observers: [],
        }],
      }],
      nodes: [{
        nodeId,
        listeners: [{ name: connection.listener, ...services.advertisedAddress(connection) }],
      }],
    };
  },
  onError: (_request, errorCode, errorMessage) => ({
    errorCode,
    errorMessage,
    topics: [],
    nodes: [],
  }),
});

function asksForMetadataLog({ topics }: DescribeQuorumRequest): boolean {
  const [topic] = topics;
  return topics.length === 1 && topic!.topicName === METADATA_TOPIC &&
    topic!.partitions.length === 1 && topic!.partitions[0]!.partitionIndex === METADATA_PARTITION;
}
