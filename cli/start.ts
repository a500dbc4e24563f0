/**
 * `start`: a node in one process, or several in processes of their own.
 *
 * @module
 */
import type { Arguments, CommandSpec } from "./args.ts";
import { parseSettings } from "./client_flags.ts";
import { checkAlone, MOST_BROKERS } from "./cluster_layout.ts";
import { CommandError, UsageError } from "./fail.ts";
import { host } from "./host.ts";
import {
  listed,
  NODE_FLAGS,
  readConfigFile,
  readFlush,
  readLogLevel,
  readTopics,
  rejectSameSettings,
} from "./node_flags.ts";
import { print, printError } from "./output.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "start",
  summary: "Runs a node, or a cluster of several, until Ctrl-C",
  details: [
    "A node alone is controller and broker in one process. With --brokers, each broker has a process, a port",
    "(--port and those after it) and a directory (node-1, node-2, … in --data-dir) of its own. Of three or",
    "more brokers the first three are controllers too, of two the first, unless there are --controllers.",
    "",
    "When all is ready it prints a line with the addresses that clients connect to. Ctrl-C shuts it down in",
    "order, a second Ctrl-C ends it at once. Exit codes: 0 shut down, 1 failed, 2 invalid arguments.",
  ],
  positionals: [],
  flags: [
    {
      name: "port",
      value: "<port>",
      help: "port to listen on, 0 for any free port",
      default: "9092",
    },
    { name: "host", value: "<ip>", help: "address to listen on", default: "127.0.0.1" },
    {
      name: "brokers",
      value: "<number>",
      help: "number of brokers",
      default: "1",
    },
    {
      name: "controllers",
      value: "<number>",
      help: "number of nodes that are controllers only",
      default: "0",
    },
    { name: "restart", help: "with --brokers: start nodes again that end by themselves" },
    {
      name: "data-dir",
      value: "<directory>",
      help: "data directory, or several separated by commas",
      default: "data",
    },
    { name: "memory", help: "keep the data in memory; it is lost at exit" },
    {
      name: "flush",
      value: "<os|always>",
      help:
        "before a record is acknowledged: always syncs it to disk, os leaves that to the system",
      default: "os",
    },
    {
      name: "topics",
      value: "<file>",
      help: "topics to create at start (default: topic.json, if it exists)",
    },
    ...NODE_FLAGS,
  ],
  examples: [
    "millrace start",
    "millrace start --port 0 --memory",
    "millrace start --flush always",
    "millrace start --config server.properties",
    "millrace start --brokers 3",
    "millrace start --data-dir /var/lib/millrace --set log.retention.hours=24",
  ],
};

/** Runs a node until the process is interrupted or the node fails. */
export async function run(args: Arguments): Promise<number> {
  if (
    args.whole("brokers", 1, MOST_BROKERS) > 1 || args.has("controllers") || args.isOn("restart")
  ) {
    const { runCluster } = await import("./start_cluster.ts");
    return await runCluster(args);
  }
  const { isAlone, lineLogger, startProcess } = await import("../src/cluster/start_process.ts");
  if (args.isOn("memory") && args.has("data-dir")) {
    throw new UsageError("--memory and --data-dir exclude each other: give only one");
  }
  const file = readConfigFile(args);
  const given = parseSettings("set", args.list("set"));
  rejectSameSettings(args, given, (key) => `--set ${key}`);
  rejectSameSettings(args, file.settings, (key) => `${key} in ${args.optional("config")}`);
  const config = { ...file.settings, ...given };
  const directories = config["log.dirs"] ?? config["log.dir"];
  if (mayNameOthers(config) && !isAlone(config)) {
    const { runNodeOfCluster } = await import("./start_node.ts");
    return await runNodeOfCluster(args, directories === undefined);
  }
  const dataDir = args.isOn("memory") ? null : directories ?? args.text("data-dir");
  if (dataDir !== null && host.exists(`${dataDir}/node-1`)) checkAlone(dataDir, host.list(dataDir));
  const flush = readFlush(args);
  const topics = readTopics(args.optional("topics"));
  const logger = lineLogger({ level: readLogLevel(args), now: Date.now, write: printError });
  const cluster = await startProcess({
    ...(config["listeners"] === undefined && {
      port: args.whole("port", 0, 65_535),
      host: args.hostName("host"),
    }),
    config,
    topics,
    ...(flush === undefined ? {} : { flush }),
    logger,
    ...(dataDir !== null && directories === undefined && { dataDir }),
  });
  // Listen before the line below is printed: a signal may arrive as soon as it is read.
  const interrupted = new Promise<void>((resolve) => host.onInterrupt(resolve));
  for (const notice of [...file.notices, ...cluster.notices]) logger.log("warn", notice);
  const details = [
    dataDir === null ? "in memory" : `data in ${dataDir}`,
    `cluster ${cluster.clusterId}`,
    ...(topics.length === 0 ? [] : [`topics ${listed(topics.map(({ name }) => name))}`]),
    `${Math.round(performance.now())} ms`,
  ];
  const addresses = cluster.listeners.map(({ host, port }) =>
    host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
  );
  print(`millrace ready on ${addresses.join(", ")} (${details.join(", ")})`);
  const failure = await Promise.race([interrupted, cluster.failed]);
  // No orderly shutdown on a disk that has failed.
  if (failure !== undefined) throw new CommandError(failure.message);
  if (host.isOutputTerminal) printError("\nShutting down. Press Ctrl-C again to exit immediately");
  await cluster.shutdown();
  return 0;
}

/** The keys that can make a node one of several. */
const CLUSTER_KEYS: readonly string[] = [
  "process.roles",
  "controller.quorum.voters",
  "controller.quorum.bootstrap.servers",
];

function mayNameOthers(config: Readonly<Record<string, string>>): boolean {
  return CLUSTER_KEYS.some((key) => config[key] !== undefined);
}
