/**
 * Flags that several commands share.
 *
 * @module
 */
import type { StartPosition } from "../src/client/mod.ts";
import type { Flag, Positional } from "./args.ts";
import { UsageError } from "./fail.ts";

/** Where the cluster is. */
export const BOOTSTRAP_FLAGS: readonly Flag[] = [
  { name: "host", value: "<ip>", help: "a broker's address", default: "127.0.0.1" },
  { name: "port", value: "<port>", help: "its port", default: "9092" },
  {
    name: "bootstrap",
    value: "<ip:port,…>",
    help: "one or more brokers, instead of the two above",
  },
];

/** The positionals that mean the same. */
export const BOOTSTRAP_POSITIONALS: readonly Positional[] = [
  { name: "<bootstrap_broker_ip>", flag: "host" },
  { name: "<bootstrap_broker_port>", flag: "port" },
];

/** Where a consumer begins. */
export const FROM_FLAG: Flag = {
  name: "from",
  value: "<where>",
  help: "earliest, latest, an offset, or a time like 2026-01-31T12:00:00Z",
  default: "earliest",
};

/** Reads the value of {@linkcode FROM_FLAG}. Throws a UsageError. */
export function parseFrom(text: string): StartPosition {
  if (text === "earliest" || text === "latest") return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const timestamp = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(timestamp) && timestamp >= 0) return { timestamp };
  throw new UsageError(
    `--from cannot be "${text}": it takes earliest, latest, an offset, or a time like 2026-01-31T12:00:00Z`,
  );
}

/** Reads `key=value` texts. Throws a UsageError that names the flag, also for a key with two values. */
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
        `--${flag} gives "${key}" two values, "${before}" and "${value}": give one`,
      );
    }
    settings.set(key, value);
  }
  return Object.fromEntries(settings);
}
