/**
 * `start --brokers N`: a cluster of several nodes, each in a process of its own, under one supervisor.
 *
 * @module
 */
import { Admin, ErrorCode, KafkaError } from "../src/client/mod.ts";
import { clusterIdFor, freePorts } from "../src/cluster/process_setup.ts";
import type { Arguments } from "./args.ts";
import { parseSettings } from "./client_flags.ts";
import {
  checkAlone,
  checkNotAlone,
  checkVoters,
  type ClusterSize,
  DERIVED_KEYS,
  MOST_BROKERS,
  type PlannedNode,
  planNodes,
  portCount,
  portsFrom,
} from "./cluster_layout.ts";
import { CommandError, UsageError } from "./fail.ts";
import { host } from "./host.ts";
import {
  FLUSH_KEY,
  listed,
  readConfigFile,
  readFlush,
  readLogLevel,
  readTopics,
} from "./node_flags.ts";
import { print, printError } from "./output.ts";
import { type ReadyLine, type SupervisedNode, Supervisor } from "./supervisor.ts";

/** The replicas that a partition can have in this version. */
const MOST_REPLICAS = 1;

/** Runs the nodes until the process is interrupted, or all of them have ended. */
export async function runCluster(args: Arguments): Promise<number> {
  const size = {
    brokers: args.whole("brokers", 1, MOST_BROKERS),
    controllers: args.whole("controllers", 0, MOST_BROKERS),
  };
  const file = readConfigFile(args);
  const settings = readSettings(args, file.settings);
  const topics = readTopics(args.optional("topics"));
  const nodes = await plan(args, size);
  for (const notice of file.notices) printError(notice);
  const supervisor = new Supervisor({
    nodes: supervised(args, nodes, settings),
    restarts: args.isOn("restart"),
    spawn: (args) => host.spawn(args),
    print: printError,
    clock: {
      nowMs: () => performance.now(),
      after(delayMs, callback) {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
  });
  const interrupted = new Promise<"interrupted">((resolve) =>
    host.onInterrupt(() => resolve("interrupted"))
  );
  try {
    const ready = await Promise.race([supervisor.start(), interrupted]);
    if (ready === "interrupted") return 0;
    for (const notice of noticesOf(ready)) printError(notice);
    const bootstrapServers = ready.flatMap(({ addresses }) => addresses).join(",");
    await createTopics(bootstrapServers, topics);
    printReady(args, size, ready, topics.map(({ name }) => name));
    const end = await Promise.race([supervisor.ended(), interrupted]);
    if (end !== "interrupted") throw new CommandError("All nodes have ended");
    if (host.isOutputTerminal) {
      printError("\nShutting down. Press Ctrl-C again to exit immediately");
    }
    return 0;
  } finally {
    await supervisor.stop();
  }
}

/** Returns the settings of all nodes. Throws a UsageError for those that are derived for each. */
function readSettings(
  args: Arguments,
  file: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const given = parseSettings("set", args.list("set"));
  for (const key of DERIVED_KEYS) {
    const place = given[key] !== undefined
      ? `--set ${key}`
      : file[key] !== undefined
      ? `${key} in ${args.optional("config")}`
      : null;
    if (place === null) continue;
    throw new UsageError(
      `${place} excludes --brokers, --controllers and --restart, which give each node its own: remove one ` +
        "of the two",
    );
  }
  const flush = readFlush(args);
  if (flush !== undefined && (given[FLUSH_KEY] ?? file[FLUSH_KEY]) !== undefined) {
    throw new UsageError(`--flush and ${FLUSH_KEY} exclude each other: give only one`);
  }
  return flush === "always" ? { ...given, [FLUSH_KEY]: "1" } : given;
}

async function plan(args: Arguments, size: ClusterSize): Promise<PlannedNode[]> {
  if (args.isOn("memory") && args.has("data-dir")) {
    throw new UsageError("--memory and --data-dir exclude each other: give only one");
  }
  const name = args.hostName("host");
  if (["0.0.0.0", "::"].includes(name)) {
    throw new UsageError(
      `--host ${name} excludes --brokers: name an address at which the nodes can reach each other`,
    );
  }
  const dataDir = args.isOn("memory") ? null : args.text("data-dir");
  if (dataDir?.includes(",")) {
    throw new UsageError(
      `--data-dir cannot be "${dataDir}": each node of a cluster has one directory in it`,
    );
  }
  const first = args.whole("port", 0, 65_535);
  const count = portCount(size);
  const ports = first === 0 ? await freePorts(name, count) : portsFrom(first, count);
  if (dataDir !== null && host.exists(dataDir)) {
    const names = host.list(dataDir);
    checkNotAlone(size, dataDir, names);
    if (portCount(size) === 1) checkAlone(dataDir, names);
    checkVoters(size, dataDir, names);
  }
  return planNodes(size, { host: name, ports, dataDir });
}

/** Returns the nodes with the arguments of their processes. */
function supervised(
  args: Arguments,
  nodes: readonly PlannedNode[],
  settings: Readonly<Record<string, string>>,
): SupervisedNode[] {
  const directories = nodes.flatMap(({ directory }) => directory ?? []);
  const file = args.optional("config");
  const shared = [
    "node",
    ...(file === undefined ? [] : ["--config", file]),
    ...(args.isOn("memory") ? ["--memory"] : []),
    ...["--cluster-id", clusterIdFor(directories), "--log-level", readLogLevel(args)],
  ];
  return nodes.map(({ id, isVoter, config, directory }) => {
    const own = { ...settings, ...config, ...(directory !== null && { "log.dirs": directory }) };
    const flags = Object.entries(own).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    return { id, isVoter, args: [...shared, ...flags] };
  });
}

/** Returns the notices of the nodes, each once. */
function noticesOf(ready: readonly ReadyLine[]): Set<string> {
  return new Set(ready.flatMap(({ notices }) => notices));
}

/** Creates the topics that do not exist, with as many replicas as possible. */
async function createTopics(
  bootstrapServers: string,
  topics: ReturnType<typeof readTopics>,
): Promise<void> {
  if (topics.length === 0) return;
  const admin = new Admin({ bootstrapServers });
  try {
    const existing = await admin.listTopics();
    for (const topic of topics.filter(({ name }) => !existing.includes(name))) {
      const { name, replicationFactor = MOST_REPLICAS } = topic;
      const possible = Math.min(replicationFactor, MOST_REPLICAS);
      try {
        await admin.createTopics([{ ...topic, replicationFactor: possible }]);
      } catch (error) {
        // It was created by another client, or by a request before a retry.
        if (!(error instanceof KafkaError) || error.code !== ErrorCode.TOPIC_ALREADY_EXISTS) {
          throw error;
        }
      }
      if (possible === replicationFactor) continue;
      printError(
        `Topic "${name}" has replication factor ${possible} instead of ${replicationFactor}: partitions ` +
          "have one replica in this version",
      );
    }
  } finally {
    await admin.close();
  }
}

function printReady(
  args: Arguments,
  { brokers, controllers }: ClusterSize,
  ready: readonly ReadyLine[],
  topics: readonly string[],
): void {
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
  const details = [
    count(brokers, "broker"),
    ...(controllers === 0 ? [] : [count(controllers, "controller")]),
    args.isOn("memory") ? "in memory" : `data in ${args.text("data-dir")}`,
    `cluster ${ready[0]!.clusterId}`,
    ...(topics.length === 0 ? [] : [`topics ${listed(topics)}`]),
    `${Math.round(performance.now())} ms`,
  ];
  const addresses = ready.flatMap(({ addresses }) => addresses);
  print(`millrace ready on ${addresses.join(", ")} (${details.join(", ")})`);
}
