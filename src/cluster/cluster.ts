/**
 * A cluster in this process: real brokers on real sockets, with data on disk or in memory, ready in
 * milliseconds.
 *
 * @module
 */
import type { BrokerHandlers } from "../broker/broker.ts";
import { Node } from "../node/node.ts";
import { isWildcard, type ListenerAddress } from "../config/listeners.ts";
import { silentLogger } from "../logger.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { hostRuntime } from "../runtime/host.ts";
import { MemoryFileSystem } from "../runtime/memory_files.ts";
import {
  checkClusterOptions,
  type ClusterOptions,
  flushSettings,
  isInMemory,
  type TopicSpec,
} from "./cluster_options.ts";

/**
 * Defaults that differ from Kafka's: the first member of a group does not wait three seconds for others,
 * as in Kafka's sample configuration.
 */
export const SMALL_CLUSTER: Readonly<Record<string, string>> = {
  "group.initial.rebalance.delay.ms": "0",
};

/** A running cluster. */
export interface Cluster extends AsyncDisposable {
  /** The address of the first listener for clients on this machine: `"127.0.0.1:PORT"`. */
  readonly bootstrapServers: string;
  /** The host of the first listener. */
  readonly host: string;
  /** The port of the first listener. */
  readonly port: number;
  /** The listeners for clients: one, unless `config` has several `listeners`. */
  readonly listeners: readonly ListenerAddress[];
  readonly clusterId: string;
  /** Notices about options that were not applied as given: a lowered replication factor, a key without effect. */
  readonly notices: readonly string[];
  /**
   * Resolves with the reason if the cluster ends because the disk of its metadata log has failed. Never
   * resolves otherwise.
   */
  readonly failed: Promise<KafkaError>;
  /** Completes requests in progress, closes the files and shuts down. May be called twice. */
  shutdown(): Promise<void>;
}

/** Starts a cluster whose broker serves `handlers`: see `startCluster`. */
export async function openCluster(
  options: ClusterOptions,
  handlers: BrokerHandlers,
): Promise<Cluster> {
  checkClusterOptions(options);
  const { host = "127.0.0.1", port = 0, dataDir, logger = silentLogger, topics = [] } = options;
  const runtime = options.runtime ?? hostRuntime();
  const inMemory = isInMemory(options);
  const files = inMemory ? new MemoryFileSystem() : runtime.files;
  const directory = inMemory ? "/memory" : dataDir;
  const node = await Node.start({
    runtime: { ...runtime, files },
    ...(directory !== undefined && { directory: String(directory) }),
    config: {
      ...SMALL_CLUSTER,
      listeners: `PLAINTEXT://${bracketed(host)}:${port}`,
      ...options.config,
      ...flushSettings(options),
    },
    logger,
    handlers,
    ...(options.interceptors !== undefined && { interceptors: options.interceptors }),
  });
  try {
    const notices = [...node.notices, ...await createTopics(node, topics)];
    const listeners = node.config.brokerListeners;
    const first = listeners[0]!;
    const shutdown = () => node.shutdown();
    return {
      bootstrapServers: `${bracketed(reachableHost(first))}:${first.port}`,
      host: first.host,
      port: first.port,
      listeners,
      clusterId: node.clusterId,
      notices,
      failed: node.failed,
      shutdown,
      [Symbol.asyncDispose]: shutdown,
    };
  } catch (error) {
    await node.shutdown();
    throw error;
  }
}

/** Creates the topics that do not exist. Returns notices about differences. */
async function createTopics(node: Node, topics: readonly TopicSpec[]): Promise<string[]> {
  const { image } = node;
  const notices = topics.flatMap((topic) => {
    const existing = image.topicByName(topic.name);
    return existing === undefined ? [] : differences(topic, existing.partitions);
  });
  const missing = topics.filter(({ name }) => image.topicByName(name) === undefined);
  if (missing.length === 0) return notices;
  const outcomes = await node.controller.createTopics(
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
          "there are not more brokers",
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

/** Returns a host at which a client on this machine can reach the listener. */
function reachableHost(listener: ListenerAddress): string {
  if (!isWildcard(listener)) return listener.host;
  return listener.host === "::" ? "::1" : "127.0.0.1";
}

/** Adds the brackets that an IPv6 address needs before a port. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
