/**
 * `topic.json`: the topics to create at start, as
 * `[{"name": "chat", "partitions": 2, "replication_factor": 3}]`.
 *
 * @module
 */
import type { TopicSpec } from "../src/cluster/mod.ts";
import { CommandError } from "./fail.ts";
import { host } from "./host.ts";

const KEYS = ["name", "partitions", "replication_factor"];
const EXAMPLE = `[{"name": "chat", "partitions": 2, "replication_factor": 3}]`;
const MOST_PARTITIONS = 100_000;
const MOST_REPLICAS = 32_767;

/** Reads the file. Throws a CommandError that names the problem and where it is. */
export function readTopicsFile(path: string): TopicSpec[] {
  let text: string;
  try {
    text = host.readTextFile(path);
  } catch (error) {
    throw new CommandError(`Cannot read the topics in "${path}": ${whyUnreadable(error)}`);
  }
  return parseTopics(text, path);
}

/** Parses and checks the text of the file. `path` is used in messages. */
export function parseTopics(text: string, path: string): TopicSpec[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(path, `it is not JSON, ${(error as Error).message}`);
  }
  if (!Array.isArray(value)) {
    throw wrong(path, `it contains ${kindOf(value)} instead of a list: ${EXAMPLE}`);
  }
  const names = new Set<string>();
  return value.map((entry: unknown, index) => {
    const topic = checkTopic(entry, `topic ${index + 1}`, path);
    if (names.has(topic.name)) {
      throw wrong(path, `topic ${index + 1} has the name "${topic.name}" of an earlier one`);
    }
    names.add(topic.name);
    return topic;
  });
}

function checkTopic(entry: unknown, where: string, path: string): TopicSpec {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    throw wrong(path, `${where} is ${kindOf(entry)} instead of an object: ${EXAMPLE}`);
  }
  for (const key of Object.keys(entry)) {
    if (!KEYS.includes(key)) {
      throw wrong(path, `${where} has an unknown key "${key}", the keys are ${KEYS.join(", ")}`);
    }
  }
  const topic = entry as Record<string, unknown>;
  const { name } = topic;
  if (typeof name !== "string") throw wrong(path, `${where} needs a "name" that is a string`);
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === "." || name === "..") {
    throw wrong(
      path,
      `${where} cannot be named "${name}": a name has 1 to 249 letters, digits, ".", "_" or "-"`,
    );
  }
  const spec: { name: string; partitions?: number; replicationFactor?: number } = { name };
  const partitions = wholeNumber(topic, "partitions", MOST_PARTITIONS, where, path);
  if (partitions !== undefined) spec.partitions = partitions;
  const factor = wholeNumber(topic, "replication_factor", MOST_REPLICAS, where, path);
  if (factor !== undefined) spec.replicationFactor = factor;
  return spec;
}

function wholeNumber(
  topic: Record<string, unknown>,
  key: string,
  most: number,
  where: string,
  path: string,
): number | undefined {
  const value = topic[key];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) {
    return value;
  }
  throw wrong(
    path,
    `"${key}" of ${where} is ${JSON.stringify(value)}, it takes a whole number from 1 to ${
      most.toLocaleString("en-US")
    }`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function wrong(path: string, what: string): CommandError {
  return new CommandError(`Cannot use the topics in "${path}": ${what}`);
}

/** Returns why a file could not be read. */
export function whyUnreadable(error: unknown): string {
  switch ((error as { code?: string }).code) {
    case "ENOENT":
      return "there is no such file, check the path";
    case "EISDIR":
      return "it is a directory, name a file";
    case "EACCES":
    case "EPERM":
      return "permission denied, check its permissions";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
