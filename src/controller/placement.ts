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
  const ordered = [...brokers].sort((a, b) => a.id - b.id);
  const active = ordered.map(isActive);
  const { length } = ordered;
  const out: Assignment[] = [];
  for (let index = 0; index < options.count; index++) {
    const turn = options.start + index;
    const leader = turn % length;
    const shift = Math.floor(turn / length);
    const replicas: number[] = [];
    for (const wanted of [true, false]) {
      for (let at = 0; at < length && replicas.length < options.replicationFactor; at++) {
        const place = at === 0 ? leader : (leader + 1 + (at - 1 + shift) % (length - 1)) % length;
        if (active[place] === wanted) replicas.push(ordered[place]!.id);
      }
    }
    out.push(replicas);
  }
  return out;
}
