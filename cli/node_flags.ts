/**
 * Flags of the commands that run nodes.
 *
 * @module
 */
import type { FlushPolicy, LogLevel } from "../src/cluster/mod.ts";
import { withoutUnknownKeys } from "../src/config/broker_checks.ts";
import type { Arguments, Flag } from "./args.ts";
import { UsageError } from "./fail.ts";
import { host } from "./host.ts";
import { readPropertiesFile } from "./properties_file.ts";
import { readTopicsFile } from "./topics_file.ts";

const DEFAULT_TOPICS_FILE = "topic.json";

/** The key that has the same meaning as --flush always, if it is 1. */
export const FLUSH_KEY = "log.flush.interval.messages";

/** The settings of a node, and what is printed of them. */
export const NODE_FLAGS: readonly Flag[] = [
  {
    name: "config",
    value: "<file>",
    help: "a server.properties of Kafka; --set takes precedence",
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
];

/** Flags and the keys with the same meaning. */
const SAME_SETTINGS: readonly (readonly [flag: string, keys: readonly string[]])[] = [
  ["port", ["listeners"]],
  ["host", ["listeners"]],
  ["memory", ["log.dirs", "log.dir"]],
  ["data-dir", ["log.dirs", "log.dir"]],
  ["flush", [FLUSH_KEY]],
];

/** Throws a UsageError if a flag and a key with the same meaning are both given. */
export function rejectSameSettings(
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
export function readConfigFile(args: Arguments): ReturnType<typeof withoutUnknownKeys> {
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
export function readLogLevel(args: Arguments): LogLevel {
  if (!args.isOn("verbose")) return args.oneOf("log-level", ["error", "warn", "info", "debug"]);
  args.reject(["log-level"], "with --verbose");
  return "info";
}

/** Returns the flush policy, or undefined if the flag is not given. */
export function readFlush(args: Arguments): FlushPolicy | undefined {
  if (!args.has("flush")) return undefined;
  const flush = args.text("flush");
  if (flush === "os" || flush === "always") return flush;
  throw new UsageError(`--flush takes "os" or "always", not "${flush}"`);
}

/** Reads the topics of the given file, or of the default file if it exists. */
export function readTopics(path: string | undefined) {
  if (path !== undefined) return readTopicsFile(path);
  return host.exists(DEFAULT_TOPICS_FILE) ? readTopicsFile(DEFAULT_TOPICS_FILE) : [];
}

/** Lists the first few names. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(" ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
