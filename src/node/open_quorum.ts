/**
 * Makes a node's part in the metadata quorum from its configuration and its files.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Logger } from "../logger.ts";
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { RaftIdentity } from "../raft/core/state.ts";
import { VoterSet } from "../raft/core/voter_set.ts";
import type { RaftTransport } from "../raft/raft_replica.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { MetadataQuorum } from "./metadata_quorum.ts";
import type { Storage } from "./storage.ts";

/** The transport of the only voter, which has no other node to send to. */
const NO_TRANSPORT: RaftTransport = {
  send: () => Promise.resolve({ type: "failure", reason: "refused" }),
  probe: () => Promise.resolve(null),
  close: () => {},
};

/** Reads the files of the quorum. Rejects with KAFKA_STORAGE_ERROR. */
export function openQuorum(
  { runtime, config, logger, storage }: {
    readonly runtime: Runtime;
    readonly config: BrokerConfig;
    readonly logger: Logger;
    readonly storage: Storage;
  },
): Promise<MetadataQuorum> {
  const { logs, raft, metadataDirectoryId, bootstrapRecords, failures } = storage;
  const { nodeId } = config;
  const kraftVersions = { min: 0, max: 1 };
  const self: RaftIdentity = {
    id: nodeId,
    directoryId: metadataDirectoryId,
    endpoints: [],
    canVote: config.isController,
    kraftVersions,
  };
  const voter = { id: nodeId, directoryId: ZERO_UUID, endpoints: [], kraftVersions };
  return MetadataQuorum.open({
    runtime,
    config,
    logger,
    clusterId: logs.clusterId,
    files: raft,
    directory: `${config.metadataLogDir}/${METADATA_TOPIC}-0`,
    self,
    staticVoters: new VoterSet([voter]),
    bootstrapRecords,
    transport: NO_TRANSPORT,
    onFailed: (error) => {
      logger.log("error", error.message);
      failures.report({ error, isFatal: true });
    },
  });
}
