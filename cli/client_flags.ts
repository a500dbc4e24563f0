/**
 * Flags shared by several commands.
 *
 * @module
 */
import type { StartPosition } from "../src/client/mod.ts";
import type { Flag, Positional } from "./args.ts";
import { UsageError } from "./fail.ts";

/** Addresses of the cluster. */
export const BOOTSTRAP_FLAGS: readonly Flag[] = [
  { name: "host", value: "<ip>", help: "address of a broker", default: "127.0.0.1" },
  { name: "port", value: "<port>", help: "port of the broker", default: "9092" },
  {
    name: "bootstrap",
    value: "<ip:port,…>",
    help: "one or more brokers, instead of --host and --port",
  },
];

/** Positionals equivalent to --host and --port. */
export const BOOTSTRAP_POSITIONALS: readonly Positional[] = [
  { name: "<bootstrap_broker_ip>", flag: "host" },
  { name: "<bootstrap_broker_port>", flag: "port" },
];

/** The start position of a consumer. */
export const FROM_FLAG: Flag = {
  name: "from",
  value: "<position>",
  help: "where to start: earliest, latest, an offset, or a time such as 2026-01-31T12:00:00Z",
  default: "earliest",
};

/** Parses the value of {@linkcode FROM_FLAG}. Throws a UsageError. */
export function parseFrom(text: string): StartPosition {
  if (text === "earliest" || text === "latest") return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const timestamp = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(timestamp) && timestamp >= 0) return { timestamp };
  throw new UsageError(
    `--from cannot be "${text}": it takes earliest, latest, an offset, or a time such as 2026-01-31T12:00:00Z`,
  );
}

/** Parses `key=value` texts. Throws a UsageError for a malformed text or a key with two values. */
export function parseSettings(flag: string, texts: readonly string[]): Record<string, string> {
  const settings = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--${flag} cannot be "${text}": write it as key=value`);
    const key = text.slice(0, at).trim();
    const value = text.slice(at + 1).trim();
    const before = settings.get(key) ?? value;
    if (before !== value) {
      throw new UsageError(
        `--${flag} sets "${key}" to both "${before}" and "${value}": give one value`,
      );
    }
    settings.set(key, value);
  }
  return Object.fromEntries(settings);
}
