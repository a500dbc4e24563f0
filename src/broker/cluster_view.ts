/**
 * The cluster as answers to clients show it: brokers with their addresses, topics with their
 * partitions.
 *
 * @module
 */
import type { BrokerImage, PartitionImage } from "../metadata/image.ts";
import type { RequestContext } from "../network/server/handler.ts";
import type { BrokerServices } from "./services.ts";

/** A broker in an answer. */
export interface BrokerView {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

/** The brokers that the asking client can reach, with fenced ones when they are wanted. */
export function brokersOf(
  context: RequestContext<BrokerServices>,
  withFenced = false,
): BrokerView[] {
  const views: BrokerView[] = [];
  for (const broker of context.services.image().brokers()) {
    if (broker.fenced && !withFenced) continue;
    const { host, port } = addressOf(broker, context);
    views.push({ id: broker.id, host, port, rack: broker.rack, isFenced: broker.fenced });
  }
  return views;
}

function addressOf(broker: BrokerImage, { services, connection }: RequestContext<BrokerServices>) {
  if (broker.id === services.nodeId) return services.advertisedAddress(connection);
  return broker.endpoints.find(({ name }) => name === connection.listener) ??
    broker.endpoints[0] ?? { host: "", port: -1 };
}

/** A partition with those of its replicas that are not in service. */
export function partitionView(partition: PartitionImage, context: RequestContext<BrokerServices>): {
  partitionIndex: number;
  leaderId: number;
  leaderEpoch: number;
  replicaNodes: readonly number[];
  isrNodes: readonly number[];
  offlineReplicas: number[];
} {
  const image = context.services.image();
  return {
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id) => image.broker(id)?.fenced ?? true),
  };
}
