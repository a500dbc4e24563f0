/**
 * A cluster inside this process: real brokers on real sockets, on disk or in memory, ready in
 * milliseconds and gone when it is disposed of.
 *
 * @module
 */
import { Broker } from "../broker/broker.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { hostRuntime } from "../runtime/host.ts";
import { MemoryFileSystem } from "../runtime/memory_files.ts";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * What a cluster for tests and small machines has otherwise than Kafka's defaults: the first member
 * of a group does not wait three seconds for others. Kafka's own sample configuration says the same.
 */
const SMALL_CLUSTER: Readonly<Record<string, string>> = { "group.initial.rebalance.delay.ms": "0" };

/** The broker's key that the flush policy is a friendlier name of. */
const FLUSH_KEY = "log.flush.interval.messages";

/** A topic to create at start unless it exists. */
export interface TopicSpec {
  readonly name: string;
  /** 1 or more; the broker's `num.partitions` when absent. */
  readonly partitions?: number;
  /** 1 or more; lowered, with a notice, when there are fewer brokers. */
  readonly replicationFactor?: number;
}

/** When records are brought to the disk: before they are acknowledged, or when the system does it. */
export type FlushPolicy = "os" | "always";

/** How a cluster is started. */
export interface ClusterOptions {
  /** Where clients connect; 127.0.0.1 unless told. */
  readonly host?: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /**
   * The directory where the data are kept, or several, as a list or with commas between them: the
   * first holds the cluster's metadata, new partitions go where the fewest are. In memory when
   * absent and `log.dirs` is not among `config`, and gone with the cluster.
   */
  readonly dataDir?: string | readonly string[];
  /**
   * Apache Kafka's broker keys with their values as text, such as `{ "num.partitions": "3" }`.
   * Defaults are Kafka's, but for `group.initial.rebalance.delay.ms`, which is 0.
   */
  readonly config?: Readonly<Record<string, string>>;
  /**
   * What an acknowledgement means on disk. `os`, the default: the operating system has the records,
   * they survive the end of the process. `always`: the disk has them, they survive a loss of power;
   * the same as `log.flush.interval.messages` at 1. Topics may differ by `flush.messages`.
   */
  readonly flush?: FlushPolicy;
  /** Topics to create at start. */
  readonly topics?: readonly TopicSpec[];
  /** Takes the brokers' own messages; nobody does when absent. */
  readonly logger?: Logger;
  /** What the host gives; that of the process this runs in unless told. */
  readonly runtime?: Runtime;
}

/** A running cluster. */
export interface Cluster extends AsyncDisposable {
  /** What a client is given to connect: `"127.0.0.1:PORT"`. */
  readonly bootstrapServers: string;
  readonly host: string;
  readonly port: number;
  readonly clusterId: string;
  /** What was done otherwise than asked, in sentences: a replication factor lowered. */
  readonly notices: readonly string[];
  /**
   * Resolves with the reason when the cluster has ended by itself, because the disk that holds its
   * metadata has failed; never while it serves, nor after {@linkcode Cluster.shutdown}.
   */
  readonly failed: Promise<KafkaError>;
  /** Answers what is under way, closes the files and ends. May be called twice. */
  shutdown(): Promise<void>;
}

/**
 * Starts a cluster of one broker in this process and resolves when it serves.
 *
 * ```ts
 * import { Producer, startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster({ topics: [{ name: "events" }] });
 * await using producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
 * await producer.send({ topic: "events", key: "a", value: "hello" });
 * ```
 *
 * @throws KafkaError with the code INVALID_CONFIG for a setting that does not fit, or
 * KAFKA_STORAGE_ERROR for a data directory that cannot be used; AddressInUseError when the port is
 * taken
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { host = "127.0.0.1", port = 0, dataDir, logger = silentLogger, topics = [] } = options;
  const runtime = options.runtime ?? await hostRuntime();
  const inMemory = dataDir === undefined && options.config?.["log.dirs"] === undefined;
  const files = inMemory ? new MemoryFileSystem() : runtime.files;
  const directory = inMemory ? "/memory" : dataDir;
  const broker = await Broker.start({
    runtime: { ...runtime, files },
    ...(directory !== undefined && { directory: String(directory) }),
    config: {
      ...SMALL_CLUSTER,
      ...options.config,
      ...flushSettings(options),
      listeners: `PLAINTEXT://${bracketed(host)}:${port}`,
    },
    logger,
  });
  try {
    const notices = await createTopics(broker, topics);
    const { address } = broker;
    const shutdown = () => broker.shutdown();
    return {
      bootstrapServers: `${bracketed(host)}:${address.port}`,
      host,
      port: address.port,
      clusterId: broker.clusterId,
      notices,
      failed: broker.failed,
      shutdown,
      [Symbol.asyncDispose]: shutdown,
    };
  } catch (error) {
    await broker.shutdown();
    throw error;
  }
}

/** The setting that `flush` stands for. */
function flushSettings({ flush, config = {} }: ClusterOptions): Readonly<Record<string, string>> {
  if (flush === undefined) return {};
  const given = config[FLUSH_KEY];
  if (given !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `Cannot set flush to "${flush}" and ${FLUSH_KEY} to "${given}": they say the same, give one`,
    );
  }
  return flush === "always" ? { [FLUSH_KEY]: "1" } : {};
}

/** Creates those of `topics` that do not exist and returns what was lowered. */
async function createTopics(broker: Broker, topics: readonly TopicSpec[]): Promise<string[]> {
  const missing = topics.filter(({ name }) => broker.image.topicByName(name) === undefined);
  if (missing.length === 0) return [];
  const outcomes = await broker.controller.createTopics(
    missing.map(({ name, partitions = -1, replicationFactor = -1 }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
    })),
    { lowerReplicationFactor: true },
  );
  const notices: string[] = [];
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

/** An IPv6 address needs brackets before a port. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
