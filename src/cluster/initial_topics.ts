/**
 * The topics that a cluster is started with.
 *
 * @module
 */
import type { Node } from "../node/node.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { TopicSpec } from "./cluster_options.ts";

/**
 * Creates those of `topics` that do not exist. Returns notices about differences. `nodes` are all nodes of the
 * cluster. Rejects with the reason why a topic cannot be created.
 */
export async function createInitialTopics(
  nodes: readonly Node[],
  topics: readonly TopicSpec[],
): Promise<string[]> {
  if (topics.length === 0) return [];
  const [only] = nodes;
  if (nodes.length === 1 && !only!.config.isAlone) {
    const { nodeId } = only!.config;
    const names = topics.map(({ name }) => `"${name}"`).join(", ");
    return [
      `Node ${nodeId} belongs to a cluster of several nodes and does not create topics at its start: ` +
      `create ${names} by a request to the cluster`,
    ];
  }
  const controllers = nodes.filter(({ config }) => config.isController);
  for (;;) {
    const active = controllers.find(({ controller }) => controller.active !== null);
    if (active === undefined) {
      await Promise.race(controllers.map(({ quorum }) => quorum.changed()));
      continue;
    }
    try {
      return await createMissing(active, nodes, topics);
    } catch (error) {
      // Another controller has become active. What the first one has created exists.
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.NOT_CONTROLLER) throw error;
    }
  }
}

async function createMissing(
  active: Node,
  nodes: readonly Node[],
  topics: readonly TopicSpec[],
): Promise<string[]> {
  const { image, controller } = active;
  const notices = topics.flatMap((topic) => {
    const existing = image.topicByName(topic.name);
    return existing === undefined ? [] : differences(topic, existing.partitions);
  });
  const missing = topics.filter(({ name }) => image.topicByName(name) === undefined);
  if (missing.length === 0) return notices;
  const outcomes = await controller.createTopics(
    missing.map(({ name, partitions = -1, replicationFactor = -1 }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
    })),
    { lowerReplicationFactor: true },
  );
  for (const { name, errorCode, errorMessage, replicationFactor, loweredFrom } of outcomes) {
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(errorCode, `Cannot create topic "${name}": ${errorMessage}`);
    }
    if (loweredFrom !== null) {
      notices.push(
        `Topic "${name}" has replication factor ${replicationFactor} instead of ${loweredFrom}: ` +
          (replicationFactor < nodes.filter(({ config }) => config.isBroker).length
            ? "this version keeps no more replicas of a partition"
            : "there are not more brokers"),
      );
    }
  }
  return notices;
}

/** Returns notices about the differences between an existing topic and its specification. */
function differences(
  { name, partitions, replicationFactor }: TopicSpec,
  existing: readonly { readonly replicas: readonly number[] }[],
): string[] {
  const factor = existing[0]?.replicas.length ?? 0;
  const sentences: string[] = [];
  const add = (what: string, actual: number, asked: number | undefined) => {
    if (asked === undefined || asked === actual) return;
    sentences.push(`Topic "${name}" exists and has ${what} ${actual} instead of ${asked}`);
  };
  add("partition count", existing.length, partitions);
  add("replication factor", factor, replicationFactor);
  return sentences;
}
