/**
 * Which brokers hold the replicas of new partitions.
 *
 * @module
 */
import type { BrokerImage } from "../metadata/image.ts";

/** A partition's replicas, the preferred leader first. */
export type Assignment = readonly number[];

/** What placement looks at. */
export type PlacementBroker = Pick<BrokerImage, "id" | "fenced" | "inControlledShutdown">;

/** Whether a broker may lead: it is neither fenced nor about to leave. */
export function isInService(broker: PlacementBroker): boolean {
  return !broker.fenced && !broker.inControlledShutdown;
}

/**
 * Deals replicas out to `brokers` (at least `replicationFactor` of them): leaders in turn, beginning
 * at `start`, and followers behind their leader, one further away each time the leaders have gone
 * round, so that the followers of one leader are not always the same. Brokers in service come
 * before the others in every partition. Pure: the same arguments give the same assignment.
 */
export function placeReplicas(
  brokers: readonly PlacementBroker[],
  options: { start: number; count: number; replicationFactor: number },
): Assignment[] {
  const ids = [...brokers].sort((a, b) => a.id - b.id);
  const { length } = ids;
  const out: Assignment[] = [];
  for (let index = 0; index < options.count; index++) {
    const turn = options.start + index;
    const leader = turn % length;
    const shift = Math.floor(turn / length);
    const order = [ids[leader]!];
    for (let other = 0; other < length - 1; other++) {
      order.push(ids[(leader + 1 + (other + shift) % (length - 1)) % length]!);
    }
    const inService = order.filter(isInService);
    const others = order.filter((broker) => !isInService(broker));
    const replicas = [...inService, ...others].slice(0, options.replicationFactor);
    out.push(replicas.map((broker) => broker.id));
  }
  return out;
}
