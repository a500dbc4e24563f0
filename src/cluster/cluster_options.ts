/**
 * The options of `startCluster()` and their checks, for JavaScript callers without type checking.
 *
 * @module
 */
import type { NewTopic } from "../client/admin/admin.ts";
import { parseListener } from "../config/listeners.ts";
import { nearestName } from "../nearest_name.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import type { Logger } from "../logger.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * A topic to create at start, unless it exists. The replication factor is lowered, with a notice, if
 * there are fewer brokers, and to 1 in this version.
 */
export type TopicSpec = Pick<NewTopic, "name" | "partitions" | "replicationFactor">;

/** When records are flushed to disk: before they are acknowledged, or by the operating system. */
export type FlushPolicy = "os" | "always";

/**
 * Defaults that differ from Kafka's: the first member of a group does not wait three seconds for others,
 * as in Kafka's sample configuration.
 */
export const SMALL_CLUSTER: Readonly<Record<string, string>> = {
  "group.initial.rebalance.delay.ms": "0",
};

/** Options of a cluster. */
export interface ClusterOptions {
  /** The number of brokers, 1 to 100. Their ids count from 1. Defaults to 1. */
  readonly brokers?: number;
  /**
   * The number of nodes that are controllers only: 0, 1, 3 or 5. Their ids count from 101. With 0, the
   * default, brokers are controllers too: the first three, or the first one if there are fewer than three.
   */
  readonly controllers?: number;
  /** The address to listen on. Defaults to 127.0.0.1. Excludes `listeners` in `config`. */
  readonly host?: string;
  /**
   * The port, 0 for any free one. Several brokers have this one and those that follow. Defaults to 0.
   * Excludes `listeners` in `config`.
   */
  readonly port?: number;
  /**
   * The data directory, or several as an array or separated by commas. The first holds the cluster's
   * metadata; new partitions are created in the directory with the fewest. Several nodes have a directory
   * each below it, such as `node-1`. Without it, and without `log.dirs` in `config`, data is kept in memory
   * and lost with the cluster.
   */
  readonly dataDir?: string | readonly string[];
  /**
   * Apache Kafka's broker keys with their values as text, such as `{ "num.partitions": "3" }`.
   * Defaults are Kafka's, except `group.initial.rebalance.delay.ms`, which is 0.
   */
  readonly config?: Readonly<Record<string, string>>;
  /**
   * The meaning of an acknowledgement on disk. With `os`, the default, records are in the operating
   * system's cache and survive the end of the process. With `always` they are on disk and survive a loss
   * of power, as with `log.flush.interval.messages` set to 1. `flush.messages` overrides it per topic.
   */
  readonly flush?: FlushPolicy;
  /** Topics to create at start. */
  readonly topics?: readonly TopicSpec[];
  /**
   * Receives the nodes' own messages: {@linkcode lineLogger} writes them as lines. Defaults to dropping
   * them.
   */
  readonly logger?: Logger;
  /**
   * Called for each request before it is handled, in this order. An interceptor may observe, delay, change
   * or answer a request, let it fail, or close its connection: for tests of clients.
   */
  readonly interceptors?: readonly Interceptor[];
  /** What the host provides. Defaults to the runtime of this process. */
  readonly runtime?: Runtime;
}

/** The broker key equivalent to `flush`. */
const FLUSH_KEY = "log.flush.interval.messages";
/** The broker keys equivalent to `dataDir`. */
const DIRECTORY_KEYS = ["log.dirs", "log.dir"];

/** The broker keys that are set for each node of a cluster of several. */
const LAYOUT_KEYS = [
  ...DIRECTORY_KEYS,
  "metadata.log.dir",
  "process.roles",
  "node.id",
  "broker.id",
  "listeners",
  "advertised.listeners",
  "listener.security.protocol.map",
  "inter.broker.listener.name",
  "controller.listener.names",
  "controller.quorum.voters",
  "controller.quorum.bootstrap.servers",
];
const MAX_BROKERS = 100;
/** With an even number of voters the quorum survives no more failures than with one less. */
const CONTROLLER_COUNTS: readonly unknown[] = [0, 1, 3, 5];

const OPTIONS: Readonly<Record<keyof ClusterOptions, (value: unknown) => string | null>> = {
  brokers: (value) =>
    isWhole(value, 1, MAX_BROKERS) ? null : `it takes a whole number from 1 to ${MAX_BROKERS}`,
  controllers: (value) => CONTROLLER_COUNTS.includes(value) ? null : "it takes 0, 1, 3 or 5",
  host: (value) =>
    typeof value !== "string"
      ? "it takes a string"
      : value === ""
      ? '"0.0.0.0" or "::" listens on every address'
      : parseListener(`PLAINTEXT://${value.includes(":") ? `[${value}]` : value}:0`) === null
      ? "it takes an IP address or a host name"
      : null,
  port: (value) => isWhole(value, 0, 65_535) ? null : "it takes a whole number from 0 to 65,535",
  dataDir: (value) =>
    (Array.isArray(value) ? value : [value]).every((path) =>
        typeof path === "string" && path !== ""
      )
      ? null
      : "it takes a path, or a list of paths",
  config: rejectConfig,
  flush: (value) => value === "os" || value === "always" ? null : 'it takes "os" or "always"',
  topics: rejectTopics,
  logger: (value) =>
    typeof (value as Logger | null)?.log === "function" ? null : "it takes an object with log()",
  interceptors: (value) =>
    Array.isArray(value) && value.every((one) => typeof one === "function")
      ? null
      : "it takes a list of functions",
  runtime: (value) =>
    typeof (value as Runtime | null)?.network === "object" ? null : "it takes a Runtime",
};

const TOPIC_OPTIONS: readonly (keyof TopicSpec)[] = ["name", "partitions", "replicationFactor"];

/**
 * Checks the options. Throws a {@linkcode KafkaError} INVALID_CONFIG for an unknown option, an invalid
 * value, or an option whose equivalent key is in `config`.
 */
export function checkClusterOptions(options: ClusterOptions): void {
  checkNames("option", options, Object.keys(OPTIONS));
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const reason = OPTIONS[name as keyof ClusterOptions](value);
    if (reason !== null) throw rejection(`${name} cannot be ${shown(value)}: ${reason}`);
  }
  const { config = {}, flush, dataDir, brokers = 1, controllers = 0, port = 0 } = options;
  if (flush !== undefined) rejectBeside("flush", flush, FLUSH_KEY, config);
  for (const name of ["host", "port"] as const) {
    const value = options[name];
    if (value !== undefined) rejectBeside(name, value, "listeners", config);
  }
  for (const key of DIRECTORY_KEYS) {
    if (dataDir !== undefined) rejectBeside("dataDir", String(dataDir), key, config);
  }
  if (brokers + controllers > 1) rejectLayout(config, port + brokers - 1);
}

/** Throws for settings that the nodes of a cluster of several cannot share. */
function rejectLayout(config: Readonly<Record<string, string>>, lastPort: number): void {
  const key = LAYOUT_KEYS.find((key) => config[key] !== undefined);
  if (key !== undefined) {
    throw rejection(`"${key}" in config cannot be the same for several nodes, leave it out`);
  }
  if (lastPort > 65_535) {
    throw rejection(`port is too high: the last broker would listen on ${lastPort}`);
  }
}

/** Returns the settings equivalent to `flush`. */
export function flushSettings({ flush }: ClusterOptions): Readonly<Record<string, string>> {
  return flush === "always" ? { [FLUSH_KEY]: "1" } : {};
}

/** Returns whether data is kept in memory. */
export function isInMemory({ dataDir, config = {} }: ClusterOptions): boolean {
  return dataDir === undefined && DIRECTORY_KEYS.every((key) => config[key] === undefined);
}

function rejectConfig(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "it takes an object of keys and strings";
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      return `the value of "${key}" is ${shown(text)}, write it as a string`;
    }
  }
  return null;
}

function rejectTopics(value: unknown): string | null {
  if (!Array.isArray(value)) return "it takes a list of topics";
  for (const topic of value as unknown[]) {
    if (typeof topic !== "object" || topic === null) {
      return 'a topic is written as { name: "events" }';
    }
    checkNames("topic option", topic, TOPIC_OPTIONS);
    const { name, partitions, replicationFactor } = topic as Record<string, unknown>;
    if (typeof name !== "string") return 'each topic needs a "name"';
    for (const [what, count] of Object.entries({ partitions, replicationFactor })) {
      if (count === undefined || isWhole(count, 1, 2_147_483_647)) continue;
      return `${what} of "${name}" is ${shown(count)}, it takes a whole number from 1 on`;
    }
  }
  return null;
}

function checkNames(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    throw rejection(
      `there is no ${what} "${name}"${nearest === null ? "" : `, did you mean "${nearest}"?`}`,
    );
  }
}

function rejectBeside(
  option: string,
  value: string | number,
  key: string,
  config: Readonly<Record<string, string>>,
): void {
  const given = config[key];
  if (given === undefined) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `Cannot set ${option} to ${
      JSON.stringify(value)
    } and ${key} to "${given}": they mean the same, ` +
      "give only one",
  );
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null || typeof value === "function"
    ? Array.isArray(value) ? "this list" : "this object"
    : typeof value === "string"
    ? `"${value}"`
    : String(value);
}

function rejection(reason: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, `Cannot start a cluster: ${reason}`);
}
