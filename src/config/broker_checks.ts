/**
 * Checks of broker keys: that a key exists, and that individually valid values are consistent.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { BROKER_KEY_FAMILIES, BROKER_KEYS } from "./broker_keys.ts";
import { type ConfigDefinition, type ConfigValue, invalidConfig } from "./definition.ts";
import { rejectionReason } from "./rejected_keys.ts";
import { UNUSED_KEYS } from "./unused_keys.ts";
import { nearestName } from "../nearest_name.ts";

/** Edit distance up to which an unknown key is treated as a typing error. */
const TYPO_LETTERS = 2;

/** Suffixes of keys that give the same duration in different units. */
const UNIT = /\.(ms|minutes|hours)$/;

/**
 * Checks that the values returned by `valueOf` are consistent. Throws a {@linkcode KafkaError}
 * INVALID_CONFIG that names two keys.
 */
export function checkTogether(valueOf: (name: string) => ConfigValue): void {
  const atMost = (lower: string, upper: string) => {
    const [least, most] = [valueOf(lower) as number, valueOf(upper) as number];
    if (least <= most) return;
    throw invalidConfig(lower, String(least), `it must not be above ${upper}, which is ${most}`);
  };
  atMost("group.min.session.timeout.ms", "group.max.session.timeout.ms");
  atMost("log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms");
  const heartbeatMs = valueOf("broker.heartbeat.interval.ms") as number;
  const sessionMs = valueOf("broker.session.timeout.ms") as number;
  if (heartbeatMs > sessionMs / 2) {
    throw invalidConfig(
      "broker.heartbeat.interval.ms",
      String(heartbeatMs),
      `it must be at most half of broker.session.timeout.ms, which is ${sessionMs}, so that one lost ` +
        "heartbeat does not end a session",
    );
  }
  const isPerIpZero = valueOf("max.connections.per.ip") === 0;
  if (isPerIpZero && valueOf("max.connections.per.ip.overrides") === "") {
    throw invalidConfig(
      "max.connections.per.ip",
      "0",
      "no client could connect, name those that may in max.connections.per.ip.overrides",
    );
  }
}

/** Returns a notice for each key whose value is overridden by a key of higher precedence. */
export function shadowedKeys(given: ReadonlyMap<string, string>): string[] {
  const sentences: string[] = [];
  for (const names of BROKER_KEY_FAMILIES.values()) {
    // The scheduler interval has a second meaning: how often unflushed records are checked.
    if (names.includes("log.flush.scheduler.interval.ms")) continue;
    const [first, ...others] = names.filter((name) => given.has(name));
    for (const name of others) {
      // With different units, the same text is a different value.
      if (!UNIT.test(name) && given.get(name) === given.get(first!)) continue;
      sentences.push(`${name} has no effect: ${first} takes precedence`);
    }
  }
  return sentences;
}

/** Copies values given under older names to the current keys. */
export function useOlderNames(given: Map<string, string>): void {
  const olderId = given.get("broker.id");
  if (olderId !== undefined) {
    const id = given.get("node.id") ?? olderId;
    if (id !== olderId) {
      throw invalidConfig(
        "broker.id",
        olderId,
        `it is the older name of node.id, which is ${id}; give one of them`,
      );
    }
    given.set("node.id", id);
  }
  const olderDirectories = given.get("log.dir");
  if (olderDirectories !== undefined && !given.has("log.dirs")) {
    given.set("log.dirs", olderDirectories);
  }
}

/**
 * Returns the definition of a broker key. Throws a {@linkcode KafkaError} INVALID_CONFIG that suggests
 * the nearest name.
 */
export function brokerKey(name: string): ConfigDefinition {
  const definition = BROKER_KEYS.get(name);
  if (definition !== undefined) return definition;
  const keys = [...BROKER_KEYS.keys(), ...UNUSED_KEYS.keys()];
  const typo = nearestName(name, keys, TYPO_LETTERS);
  const rejection = typo === null ? rejectionReason(name) : null;
  const nearest = typo ?? nearestName(name, keys);
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    rejection !== null
      ? `Cannot set "${name}": ${rejection}`
      : nearest !== null
      ? `Cannot set "${name}": there is no such broker key, did you mean "${nearest}"?`
      : `Cannot set "${name}": there is no such broker key`,
  );
}
