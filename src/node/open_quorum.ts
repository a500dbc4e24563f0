/**
 * Makes a node's part in the metadata quorum from its configuration and its files.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { MAX_REPLICAS } from "../controller/replica_limit.ts";
import type { Logger } from "../logger.ts";
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { RaftIdentity } from "../raft/core/state.ts";
import { VoterSet } from "../raft/core/voter_set.ts";
import type { RaftTransport } from "../raft/raft_replica.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { MetadataQuorum } from "./metadata_quorum.ts";
import { ownEndpoints } from "./advertised_address.ts";
import type { ClusterParts } from "./parts/node_parts.ts";
import type { Storage } from "./storage.ts";

/** The levels of `kraft.version` that this version supports. */
const KRAFT_VERSIONS = { min: 0, max: 1 };
/** The transport of the only voter, which has no other node to send to. */
const NO_TRANSPORT: RaftTransport = {
  send: () => Promise.resolve({ type: "failure", reason: "refused" }),
  probe: () => Promise.resolve(null),
  close: () => {},
};

/** Reads the files of the quorum. Rejects with KAFKA_STORAGE_ERROR. */
export function openQuorum(
  { runtime, config, logger, storage, cluster, maxReplicas = MAX_REPLICAS }: {
    readonly runtime: Runtime;
    readonly config: BrokerConfig;
    readonly logger: Logger;
    readonly storage: Storage;
    /** Null on a node that has no others beside it. */
    readonly cluster: ClusterParts | null;
    /** Maximum number of replicas of a new partition. Defaults to what this version keeps. */
    readonly maxReplicas?: number;
  },
): Promise<MetadataQuorum> {
  const { logs, raft, metadataDirectoryId, bootstrapRecords, failures } = storage;
  const { clusterId } = logs;
  const self: RaftIdentity = {
    id: config.nodeId,
    directoryId: metadataDirectoryId,
    endpoints: ownEndpoints(config),
    canVote: config.isController,
    kraftVersions: KRAFT_VERSIONS,
  };
  return MetadataQuorum.open({
    runtime,
    config,
    logger,
    clusterId,
    files: raft,
    directory: `${config.metadataLogDir}/${METADATA_TOPIC}-0`,
    self,
    staticVoters: staticVoters(config, self),
    bootstrapRecords,
    maxReplicas,
    transport: cluster === null ? NO_TRANSPORT : new cluster.RaftPeers({
      runtime,
      clusterId,
      clientId: String(config.nodeId),
      listener: config.controllerListenerNames[0]!,
      requestTimeoutMs: config.quorumTiming.requestTimeoutMs,
      onOtherCluster: (address) =>
        logger.log(
          "warn",
          `Node ${config.nodeId} belongs to cluster "${clusterId}", the controller at ${address} to ` +
            "another one, so they form no quorum; correct controller.quorum.voters or " +
            "controller.quorum.bootstrap.servers, or name other data directories in log.dirs",
        ),
    }),
    onFailed: (error) => {
      logger.log("error", error.message);
      failures.report({ error, isFatal: true });
    },
  });
}

/**
 * The voters of `controller.quorum.voters`, or this node itself if it is a quorum of its own. Others learn the
 * voters from the log.
 */
function staticVoters(config: BrokerConfig, self: RaftIdentity): VoterSet {
  const { quorumVoters, controllerListenerNames, isAlone } = config;
  const name = controllerListenerNames[0] ?? "CONTROLLER";
  if (quorumVoters.length > 0) {
    return new VoterSet(
      quorumVoters.map(({ id, host, port }) => ({
        id,
        directoryId: ZERO_UUID,
        endpoints: [{ name, host, port }],
        kraftVersions: KRAFT_VERSIONS,
      })),
    );
  }
  if (!isAlone) return new VoterSet([]);
  const { id, endpoints } = self;
  return new VoterSet([{ id, directoryId: ZERO_UUID, endpoints, kraftVersions: KRAFT_VERSIONS }]);
}
