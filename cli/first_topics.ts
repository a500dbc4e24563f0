/**
 * The first topics of the command `controller`: on which brokers their partitions are.
 *
 * @module
 */
import type { TopicSpec } from "../src/cluster/mod.ts";
import { CommandError } from "./fail.ts";

/** A topic with the broker of each partition. */
export interface PlacedTopic {
  readonly name: string;
  /** The node id of each partition's leader, its only replica in this version. */
  readonly leaders: readonly number[];
}

/** Partitions of a topic without a number in the file. */
const DEFAULT_PARTITIONS = 1;

/** Throws a CommandError for a topic that asks for more replicas than there will be brokers. */
export function checkReplicas(topics: readonly TopicSpec[], brokers: number, path: string): void {
  for (const { name, replicationFactor = 1 } of topics) {
    if (replicationFactor <= brokers) continue;
    throw new CommandError(
      `Cannot use the topics in "${path}": "${name}" asks for ${replicationFactor} replicas, and ` +
        `<num_brokers> is ${brokers}; start more brokers, or lower its replication_factor`,
    );
  }
}

/**
 * Places topics on `brokers`, which are not empty: the leaders in turn, from topic to topic, or all on the
 * broker with the lowest node id.
 */
export function placeTopics(
  topics: readonly TopicSpec[],
  brokers: readonly number[],
  leaders: "spread" | "same",
): PlacedTopic[] {
  const sorted = brokers.toSorted((a, b) => a - b);
  let next = 0;
  return topics.map(({ name, partitions = DEFAULT_PARTITIONS }) => ({
    name,
    leaders: Array.from(
      { length: partitions },
      () => leaders === "same" ? sorted[0]! : sorted[next++ % sorted.length]!,
    ),
  }));
}

/** Describes where the partitions of a topic are: `leaders 0:1 1:2`. */
export function describePlacement({ leaders }: PlacedTopic): string {
  const shown = leaders.slice(0, 12).map((leader, partition) => `${partition}:${leader}`);
  const more = leaders.length > shown.length ? ` and ${leaders.length - shown.length} more` : "";
  const count = leaders.length === 1 ? "1 partition" : `${leaders.length} partitions`;
  return `${count}, partition:leader ${shown.join(" ")}${more}`;
}
