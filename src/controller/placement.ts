/**
 * Chooses the brokers for the replicas of new partitions.
 *
 * @module
 */
import type { BrokerImage } from "../metadata/image.ts";

/** The replicas of a partition, preferred leader first. */
export type Assignment = readonly number[];

/** The broker properties that placement depends on. */
export type PlacementBroker = Pick<BrokerImage, "id" | "fenced" | "inControlledShutdown">;

/** Returns whether a broker may lead: it is neither fenced nor shutting down. */
export function isActive(broker: PlacementBroker): boolean {
  return !broker.fenced && !broker.inControlledShutdown;
}

/**
 * Distributes replicas over `brokers` (at least `replicationFactor`). Leaders rotate, beginning at
 * `start`. Followers are placed after their leader, at a distance that increases with each
 * rotation, so that the partitions of one leader have different followers. Active brokers come
 * first in every partition. Pure: equal arguments give equal assignments.
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
    const active = order.filter(isActive);
    const others = order.filter((broker) => !isActive(broker));
    const replicas = [...active, ...others].slice(0, options.replicationFactor);
    out.push(replicas.map((broker) => broker.id));
  }
  return out;
}
