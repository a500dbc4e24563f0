/**
 * The rooms of a node as its handlers see them.
 *
 * @module
 */
import type { Controller } from "../controller/controller.ts";
import type { GroupCoordinator } from "../groups/group_coordinator.ts";
import type { LogManager } from "../log/directory/log_manager.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { Address, HostCodecs, Runtime } from "../runtime/runtime.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import type { ConnectionInfo } from "../network/server/handler.ts";
import type { Logger } from "../logger.ts";
import type { FetchSessions } from "./fetch_sessions.ts";
import type { PartitionTable } from "../replication/partition_table.ts";
import type { SlicedWork } from "../log/sliced_work.ts";
import type { ProducerIds } from "./producer_ids.ts";

/** Everything a handler may use. */
export interface BrokerServices {
  readonly runtime: Runtime;
  /** This node's id. */
  readonly nodeId: number;
  readonly clusterId: string;
  /** The broker's configuration as it stands now: dynamic changes show at once. */
  readonly config: BrokerConfig;
  /** The cluster as it stands now. A new image replaces the old one: do not keep it over an await. */
  image(): MetadataImage;
  /** Where the client at the other end of `connection` reaches this node. */
  advertisedAddress(connection: ConnectionInfo): Address;
  /** Decides changes of the cluster: topics, partitions, configs. */
  readonly controller: Controller;
  /** The partitions of which this node has a replica. */
  readonly partitions: PartitionTable;
  /** Runs what takes too long for one turn of the event loop. */
  readonly slicedWork: SlicedWork;
  /** The data directories, with every log in them. */
  readonly logs: LogManager;
  readonly fetchSessions: FetchSessions;
  readonly producerIds: ProducerIds;
  readonly groups: GroupCoordinator;
  /** Loaded on first use. */
  codecs(): HostCodecs;
  readonly logger: Logger;
}
