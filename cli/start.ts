/**
 * `start`: a node in one process.
 *
 * @module
 */
import {
  type FlushPolicy,
  lineLogger,
  type LogLevel,
  startProcess,
  withoutUnknownKeys,
} from "../src/cluster/start_process.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { parseSettings } from "./client_flags.ts";
import { CommandError, UsageError } from "./fail.ts";
import { host } from "./host.ts";
import { print, printError } from "./output.ts";
import { readPropertiesFile } from "./properties_file.ts";
import { readTopicsFile } from "./topics_file.ts";

const DEFAULT_TOPICS_FILE = "topic.json";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "start",
  summary: "Runs a node, controller and broker in one process, until Ctrl-C",
  details: [
    "When it is ready it prints a line with the address that clients connect to. Ctrl-C shuts it down in",
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
      help: "number of brokers, 1 in this version",
      default: "1",
    },
    {
      name: "data-dir",
      value: "<directory>",
      help: "data directory, or several separated by commas",
      default: "data",
    },
    {
      name: "config",
      value: "<file>",
      help: "a server.properties of Kafka; --set takes precedence",
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
    {
      name: "set",
      value: "<key=value>",
      help: "a broker key of Kafka and its value",
      isList: true,
    },
    {
      name: "log-level",
      value: "<level>",
      help: "least severe messages to print: error, warn, info or debug",
      default: "warn",
    },
    { name: "verbose", help: "the same as --log-level info" },
  ],
  examples: [
    "millrace start",
    "millrace start --port 0 --memory",
    "millrace start --flush always",
    "millrace start --config server.properties",
    "millrace start --data-dir /var/lib/millrace --set log.retention.hours=24",
  ],
};

/** Runs a node until the process is interrupted or the node fails. */
export async function run(args: Arguments): Promise<number> {
  const brokers = args.whole("brokers", 1, 1_000);
  if (brokers !== 1) {
    throw new CommandError(
      `Cannot start ${brokers} brokers: this version runs one, leave --brokers out`,
    );
  }
  if (args.isOn("memory") && args.has("data-dir")) {
    throw new UsageError("--memory and --data-dir exclude each other: give only one");
  }
  const file = readConfigFile(args);
  const given = parseSettings("set", args.list("set"));
  rejectSameSettings(args, given, (key) => `--set ${key}`);
  rejectSameSettings(args, file.settings, (key) => `${key} in ${args.optional("config")}`);
  const config = { ...file.settings, ...given };
  const directories = config["log.dirs"] ?? config["log.dir"];
  const dataDir = args.isOn("memory") ? null : directories ?? args.text("data-dir");
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

/** Flags and the keys with the same meaning. */
const SAME_SETTINGS: readonly (readonly [flag: string, keys: readonly string[]])[] = [
  ["port", ["listeners"]],
  ["host", ["listeners"]],
  ["memory", ["log.dirs", "log.dir"]],
  ["data-dir", ["log.dirs", "log.dir"]],
  ["flush", ["log.flush.interval.messages"]],
];

/** Throws a UsageError if a flag and a key with the same meaning are both given. */
function rejectSameSettings(
  args: Arguments,
  settings: Readonly<Record<string, string>>,
  nameOf: (key: string) => string,
): void {
  for (const [flag, keys] of SAME_SETTINGS) {
    const key = keys.find((key) => settings[key] !== undefined);
    if (key !== undefined && args.has(flag)) {
      throw new UsageError(`--${flag} and ${nameOf(key)} exclude each other: give only one`);
    }
  }
}

/** Reads the settings of the file given with --config. Unknown keys have a notice only, as in Kafka. */
function readConfigFile(args: Arguments): ReturnType<typeof withoutUnknownKeys> {
  const path = args.optional("config");
  if (path === undefined) return { settings: {}, notices: [] };
  const { values, notices } = readPropertiesFile(path);
  const known = withoutUnknownKeys(values);
  return {
    settings: known.settings,
    notices: [...notices, ...known.notices.map((notice) => `In "${path}", ${notice}`)],
  };
}

/** Returns the level from which on messages are printed. */
function readLogLevel(args: Arguments): LogLevel {
  if (!args.isOn("verbose")) return args.oneOf("log-level", ["error", "warn", "info", "debug"]);
  args.reject(["log-level"], "with --verbose");
  return "info";
}

/** Returns the flush policy, or undefined if the flag is not given. */
function readFlush(args: Arguments): FlushPolicy | undefined {
  if (!args.has("flush")) return undefined;
  const flush = args.text("flush");
  if (flush === "os" || flush === "always") return flush;
  throw new UsageError(`--flush takes "os" or "always", not "${flush}"`);
}

/** Reads the topics of the given file, or of the default file if it exists. */
function readTopics(path: string | undefined) {
  if (path !== undefined) return readTopicsFile(path);
  return host.exists(DEFAULT_TOPICS_FILE) ? readTopicsFile(DEFAULT_TOPICS_FILE) : [];
}

/** Lists the first few names. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(" ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
