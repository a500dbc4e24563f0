/**
 * How internal topics are created on first use. Their partition counts and configs are the defaults
 * of Apache Kafka's `offsets.topic.*`, `transaction.state.log.*` and
 * `share.coordinator.state.topic.*`: coordinators could not use a topic with `num.partitions`
 * partitions and `cleanup.policy=delete`.
 *
 * @module
 */
import type { MetadataImage } from "../metadata/image.ts";
import type { CreatableTopic } from "./topics.ts";

const NUM_PARTITIONS = 50;
const REPLICATION_FACTOR = 3;
const MIN_INSYNC_REPLICAS = 2;
const SEGMENT_BYTES = "104857600";

type Settings = Readonly<Record<string, string>>;

/** The configs of each topic, given its `min.insync.replicas`. */
const SETTINGS: ReadonlyMap<string, (minInsyncReplicas: string) => Settings> = new Map([
  ["__consumer_offsets", () => ({
    "cleanup.policy": "compact",
    "compression.type": "producer",
    "segment.bytes": SEGMENT_BYTES,
  })],
  ["__transaction_state", (minInsyncReplicas: string): Settings => ({
    "cleanup.policy": "compact",
    "compression.type": "uncompressed",
    "min.insync.replicas": minInsyncReplicas,
    "segment.bytes": SEGMENT_BYTES,
    "unclean.leader.election.enable": "false",
  })],
  ["__share_group_state", (minInsyncReplicas: string): Settings => ({
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "min.insync.replicas": minInsyncReplicas,
    "retention.ms": "-1",
    "segment.bytes": SEGMENT_BYTES,
  })],
]);

/** Returns whether the topic is internal: coordinators write to it, clients may not. */
export function isInternalTopic(name: string): boolean {
  return SETTINGS.has(name);
}

/**
 * Returns the topic to create when a client first uses `name`. Internal topics get at most as many
 * replicas as there are brokers, and at most `maxReplicas`; Apache Kafka rejects their creation instead until a lower
 * replication factor is configured. Other topics get the broker's defaults.
 */
export function topicOnFirstUse(
  name: string,
  image: MetadataImage,
  maxReplicas: number = Infinity,
): CreatableTopic {
  const settings = SETTINGS.get(name);
  if (settings === undefined) return { name };
  const replicationFactor = Math.min(REPLICATION_FACTOR, [...image.brokers()].length, maxReplicas);
  const minInsyncReplicas = Math.min(MIN_INSYNC_REPLICAS, replicationFactor);
  return {
    name,
    numPartitions: NUM_PARTITIONS,
    replicationFactor,
    configs: Object.entries(settings(String(minInsyncReplicas)))
      .map(([name, value]) => ({ name, value })),
  };
}
