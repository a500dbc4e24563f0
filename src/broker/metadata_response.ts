/**
 * The cluster as responses describe it: brokers with their addresses, topics with their partitions.
 *
 * @module
 */
import type { BrokerImage, MetadataImage, PartitionImage } from "../metadata/image.ts";
import type { ConnectionInfo } from "../network/server/handler.ts";
import { LOST_DIRECTORY, UNASSIGNED_DIRECTORY, ZERO_UUID } from "../protocol/uuid.ts";
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

/** The listener at which a client asks: it learns the addresses of that listener only. */
export interface AskedListener {
  readonly image: Pick<MetadataImage, "broker">;
  /** The id of this node, which has the listener. */
  readonly nodeId: number;
  /** The listener's name. */
  readonly listener: string;
}

/**
 * Returns the brokers, with their addresses as the client of `connection` reaches them: those registered
 * for the listener that it has connected to. Leaves out brokers without that listener, and fenced brokers
 * unless `includeFenced` is true.
 */
export function brokersOf(
  services: BrokersNeeds,
  connection: ConnectionInfo,
  { includeFenced = false }: { readonly includeFenced?: boolean } = {},
): BrokerView[] {
  const views: BrokerView[] = [];
  for (const broker of services.image().brokers()) {
    if (broker.fenced && !includeFenced) continue;
    const address = broker.id === services.nodeId
      ? services.advertisedAddress(connection)
      : broker.endpoints.find(({ name }) => name === connection.listener);
    if (address === undefined) continue;
    const { host, port } = address;
    views.push({ id: broker.id, host, port, rack: broker.rack, isFenced: broker.fenced });
  }
  return views;
}

/**
 * Returns the id of the broker to which clients send requests that the controller decides. Every broker in service
 * forwards them, so this is the one that the client is connected to, or another one if that is fenced; -1 if there
 * is none. Apache Kafka returns any broker in service.
 */
export function forwardingBroker(
  brokers: readonly Pick<BrokerView, "id" | "isFenced">[],
  nodeId: number,
): number {
  const active = brokers.filter(({ isFenced }) => !isFenced);
  return (active.find(({ id }) => id === nodeId) ?? active[0])?.id ?? -1;
}

/** A partition as responses describe it. */
export interface PartitionView {
  readonly partitionIndex: number;
  /** -1 if there is none that the client can reach at its listener. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  /**
   * Replicas on brokers that are not registered, are fenced or do not have the client's listener, and
   * replicas in directories that are out of service.
   */
  readonly offlineReplicas: number[];
}

/** Returns a partition as responses to a client of the listener describe it. */
export function partitionView(partition: PartitionImage, asked: AskedListener): PartitionView {
  return {
    partitionIndex: partition.partition,
    leaderId: hasListener(asked.image.broker(partition.leader), asked) ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id, i) =>
      !isReachable(id, asked) ||
      !isOnline(partition.directories[i] ?? ZERO_UUID, asked.image.broker(id)!)
    ),
  };
}

/** Returns whether the broker is in service and has the client's listener. */
export function isReachable(id: number, asked: AskedListener): boolean {
  const broker = asked.image.broker(id);
  return hasListener(broker, asked) && !broker!.fenced;
}

function hasListener(
  broker: BrokerImage | undefined,
  { nodeId, listener }: AskedListener,
): boolean {
  return broker !== undefined &&
    (broker.id === nodeId || broker.endpoints.some(({ name }) => name === listener));
}

/** A broker that has registered no directory is of a version that did not register them. */
function isOnline(directoryId: string, { logDirs }: BrokerImage): boolean {
  if (directoryId === LOST_DIRECTORY) return false;
  return directoryId === ZERO_UUID || directoryId === UNASSIGNED_DIRECTORY ||
    logDirs.length === 0 || logDirs.includes(directoryId);
}
