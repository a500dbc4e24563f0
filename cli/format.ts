/**
 * `format`: writes the cluster's id and its first controllers into the data directories of a node.
 *
 * @module
 */
import { type FirstControllers, formatProcess, randomId } from "../src/cluster/format_process.ts";
import { withoutUnknownKeys } from "../src/config/broker_checks.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { parseSettings } from "./client_flags.ts";
import { UsageError } from "./fail.ts";
import { print, printError } from "./output.ts";
import { readPropertiesFile } from "./properties_file.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "format",
  summary: "Formats the data directories of a node, as kafka-storage format does",
  details: [
    "A node formats new directories at its first start. This command does it before, for a cluster whose",
    "first controllers are listed by their directory ids, or whose features begin at other levels.",
  ],
  positionals: [],
  flags: [
    { name: "config", value: "<file>", help: "a server.properties; --set takes precedence" },
    {
      name: "data-dir",
      value: "<directory>",
      help:
        "data directory, or several separated by commas (default: log.dirs of --config, or data)",
    },
    { name: "set", value: "<key=value>", help: "a broker key and its value", isList: true },
    {
      name: "cluster-id",
      value: "<id>",
      help: "the cluster's id (default: a new one, which is printed)",
    },
    { name: "standalone", help: "begin a dynamic quorum with this controller alone" },
    {
      name: "initial-controllers",
      value: "<controllers>",
      help: "begin a dynamic quorum with id@host:port:directoryId,…; the same on every node",
    },
    { name: "no-initial-controllers", help: "this controller joins a dynamic quorum later" },
    {
      name: "release-version",
      value: "<version>",
      help: "begin with the features of a release of Apache Kafka, such as 4.3",
    },
    {
      name: "feature",
      value: "<name=level>",
      help: "begin with another level of a feature",
      isList: true,
    },
    { name: "ignore-formatted", help: "leave directories that are formatted as they are" },
    { name: "random-uuid", help: "only print a new id, for a cluster or a directory" },
  ],
  examples: [
    "millrace format",
    "millrace format --config server.properties --standalone",
    "millrace format --config server.properties --cluster-id 4L6g3nShT-eMCtK--X86sw",
  ],
};

const OTHERS = spec.flags.map(({ name }) => name).filter((name) => name !== "random-uuid");

/** Formats the directories. */
export async function run(args: Arguments): Promise<number> {
  if (args.isOn("random-uuid")) {
    args.reject(OTHERS, "with --random-uuid");
    print(randomId());
    return 0;
  }
  const firstControllers = readFirstControllers(args);
  const levels = readLevels(args);
  const { config, notices } = readConfig(args);
  for (const notice of notices) printError(`millrace format: ${notice}`);
  const formatted = await formatProcess({
    config,
    clusterId: args.optional("cluster-id") ?? null,
    firstControllers,
    releaseVersion: args.optional("release-version") ?? null,
    levels,
    formatted: args.isOn("ignore-formatted") ? "keep" : "reject",
  });
  const { nodeId, clusterId } = formatted;
  for (const { path, directoryId, isKept } of formatted.directories) {
    const what = isKept ? "kept     " : "formatted";
    print(`${what} ${path}  node ${nodeId}, cluster ${clusterId}, directory id ${directoryId}`);
  }
  const shown = [...formatted.levels].map(([name, level]) =>
    name === "metadata.version"
      ? `${name} ${level} (${formatted.metadataVersion})`
      : `${name} ${level}`
  );
  if (shown.length > 0 && formatted.directories.some(({ isKept }) => !isKept)) {
    print(`features  ${shown.join(", ")}`);
  }
  return 0;
}

function readFirstControllers(args: Arguments): FirstControllers {
  const flags = ["standalone", "initial-controllers", "no-initial-controllers"];
  const given = flags.filter((flag) => args.has(flag));
  if (given.length > 1) {
    throw new UsageError(`--${given[0]} and --${given[1]} exclude each other: give only one`);
  }
  switch (given[0]) {
    case "standalone":
      return { kind: "standalone" };
    case "no-initial-controllers":
      return { kind: "joining" };
    case "initial-controllers":
      return { kind: "listed", text: args.text("initial-controllers") };
    default:
      return { kind: "configured" };
  }
}

function readLevels(args: Arguments): ReadonlyMap<string, number> {
  const levels = Object.entries(parseSettings("feature", args.list("feature")));
  return new Map(levels.map(([name, text]) => {
    if (/^\d{1,5}$/.test(text)) return [name, Number(text)];
    throw new UsageError(
      `--feature cannot be "${name}=${text}": a level is a whole number, such as kraft.version=1`,
    );
  }));
}

function readConfig(args: Arguments): { config: Record<string, string>; notices: string[] } {
  const path = args.optional("config");
  const file = path === undefined ? { values: {}, notices: [] } : readPropertiesFile(path);
  const known = withoutUnknownKeys(file.values);
  const config = {
    ...known.settings,
    ...parseSettings("set", args.list("set")),
  };
  const key = ["log.dirs", "log.dir"].find((key) => config[key] !== undefined);
  if (key !== undefined && args.has("data-dir")) {
    throw new UsageError(`--data-dir and the key ${key} exclude each other: give only one`);
  }
  const notices = [...file.notices, ...known.notices.map((notice) => `In "${path}", ${notice}`)];
  const directory = args.optional("data-dir") ?? "data";
  return { config: key === undefined ? { ...config, "log.dirs": directory } : config, notices };
}
