/**
 * The cluster as responses describe it: brokers with their addresses, topics with their partitions.
 *
 * @module
 */
import type { BrokerImage, MetadataImage, PartitionImage } from "../metadata/image.ts";
import type { ConnectionInfo } from "../network/server/handler.ts";
import type { Address } from "../runtime/runtime.ts";

/** The dependencies of {@linkcode brokersOf}. */
export interface BrokersNeeds {
  /** The id of this node. */
  readonly nodeId: number;
  image(): Pick<MetadataImage, "brokers">;
  /** Returns the address at which the client of `connection` reaches this node. */
  advertisedAddress(connection: ConnectionInfo): Address;
}

/** A broker in a response. */
export interface BrokerView {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

/**
 * Returns the brokers, with their addresses as the client of `connection` reaches them. Leaves out fenced
 * brokers unless `includeFenced` is true.
 */
export function brokersOf(
  services: BrokersNeeds,
  connection: ConnectionInfo,
  { includeFenced = false }: { readonly includeFenced?: boolean } = {},
): BrokerView[] {
  const views: BrokerView[] = [];
  for (const broker of services.image().brokers()) {
    if (broker.fenced && !includeFenced) continue;
    const { host, port } = addressOf(broker, services, connection);
    views.push({ id: broker.id, host, port, rack: broker.rack, isFenced: broker.fenced });
  }
  return views;
}

function addressOf(
  broker: BrokerImage,
  services: BrokersNeeds,
  connection: ConnectionInfo,
): Pick<Address, "host" | "port"> {
  if (broker.id === services.nodeId) return services.advertisedAddress(connection);
  return broker.endpoints.find(({ name }) => name === connection.listener) ??
    broker.endpoints[0] ?? { host: "", port: -1 };
}

/** Returns a partition as responses describe it. Replicas on fenced or unknown brokers are offline. */
export function partitionView(
  partition: PartitionImage,
  image: Pick<MetadataImage, "broker">,
): {
  partitionIndex: number;
  leaderId: number;
  leaderEpoch: number;
  replicaNodes: readonly number[];
  isrNodes: readonly number[];
  offlineReplicas: number[];
} {
  return {
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id) => image.broker(id)?.fenced ?? true),
  };
}
