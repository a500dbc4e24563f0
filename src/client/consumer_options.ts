/**
 * What a consumer is told, with its defaults.
 *
 * @module
 */
import { MAX_INT64 } from "../protocol/int64.ts";
import type { StartPosition } from "./assigned_partition.ts";
import {
  checkOptionNames,
  type ClientOptions,
  clientSettings,
  notAbove,
  oneOf,
  positive,
  shown,
  text,
  wholeNumber,
} from "./client_options.ts";

/** What a consumer reads and how, beside what all clients are told. */
export interface ConsumerOptions extends ClientOptions {
  /** The topics to read. */
  readonly topics: string | readonly string[];
  /** The partitions to read of the topic, which must be one then: all unless told. Not in a group. */
  readonly partitions?: readonly number[];
  /**
   * Where to begin: `"earliest"` (unless told), `"latest"`, an offset, or `{ timestamp }` for the
   * first record not before that time (ms since 1970, a `bigint` beyond 2^53). In a group it counts only for partitions
   * that the group has not committed an offset of.
   */
  readonly from?: StartPosition;
  /** The group to read as a member of: its members share the partitions, and it remembers offsets. */
  readonly groupId?: string;
  /** This member's own name in the group, so that a restart does not move partitions (KIP-345). */
  readonly groupInstanceId?: string;
  /** Whether the group's offsets are committed every few seconds and at `close`: true unless told. */
  readonly autoCommit?: boolean;
  /** How often, ms: 5,000 unless told. */
  readonly autoCommitIntervalMs?: number;
  /** How long the group waits for a silent member, ms: 45,000 unless told. */
  readonly sessionTimeoutMs?: number;
  /** How long the group waits for its members to join again, ms: 60,000 unless told. */
  readonly rebalanceTimeoutMs?: number;
  /** How often a member sends a heartbeat, ms. Defaults to 3,000, or a third of a short session. */
  readonly heartbeatIntervalMs?: number;
  /**
   * What to do when the offset to read is not in the log (any more): go on at `"earliest"` (unless
   * told) or `"latest"`, or `"fail"` with `OFFSET_OUT_OF_RANGE`.
   */
  readonly onOffsetOutOfRange?: "earliest" | "latest" | "fail";
  /** The broker answers as soon as it has so many bytes: 1 unless told. */
  readonly minBytes?: number;
  /** The largest answer, bytes, and what is kept in memory for the reader: 16 MiB unless told. */
  readonly maxBytes?: number;
  /** The most of one partition in an answer, bytes: 1 MiB unless told. */
  readonly partitionMaxBytes?: number;
  /** How long the broker waits for `minBytes`, ms: 500 unless told. */
  readonly maxWaitMs?: number;
}

/** The names of the consumer's own options. */
const NAMES: Readonly<Record<Exclude<keyof ConsumerOptions, keyof ClientOptions>, true>> = {
  topics: true,
  partitions: true,
  from: true,
  groupId: true,
  groupInstanceId: true,
  autoCommit: true,
  autoCommitIntervalMs: true,
  sessionTimeoutMs: true,
  rebalanceTimeoutMs: true,
  heartbeatIntervalMs: true,
  onOffsetOutOfRange: true,
  minBytes: true,
  maxBytes: true,
  partitionMaxBytes: true,
  maxWaitMs: true,
};

/** Options that say how to be a member of a group. */
const GROUP_OPTIONS: readonly (keyof ConsumerOptions)[] = [
  "groupInstanceId",
  "autoCommitIntervalMs",
  "sessionTimeoutMs",
  "rebalanceTimeoutMs",
  "heartbeatIntervalMs",
];

/** The options that are the consumer's own, checked and filled in. */
export interface ConsumerSettings {
  readonly topics: readonly string[];
  readonly partitions: readonly number[] | null;
  readonly from: StartPosition;
  readonly groupId: string | null;
  readonly groupInstanceId: string | null;
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly onOffsetOutOfRange: "earliest" | "latest" | "fail";
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly maxWaitMs: number;
}

/** Checks `options` and fills in what they leave out. Throws a TypeError that names the option. */
export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  checkOptionNames("Consumer", options, NAMES);
  const topics = topicsOf(options);
  const partitions = partitionsOf(options, topics);
  const group = groupSettings(options);
  const minBytes = positive("minBytes", options.minBytes, 1);
  const maxBytes = positive("maxBytes", options.maxBytes, 16_777_216);
  notAbove("minBytes", minBytes, "maxBytes", maxBytes);
  notAbove("maxBytes", maxBytes, "maxResponseBytes", clientSettings(options).maxResponseBytes);
  return {
    ...group,
    topics,
    partitions,
    from: checkStart(options.from ?? "earliest"),
    onOffsetOutOfRange: oneOf("onOffsetOutOfRange", options.onOffsetOutOfRange, "earliest", [
      "earliest",
      "latest",
      "fail",
    ]),
    minBytes,
    maxBytes,
    partitionMaxBytes: positive("partitionMaxBytes", options.partitionMaxBytes, 1_048_576),
    maxWaitMs: wholeNumber("maxWaitMs", options.maxWaitMs, 500),
  };
}

/** The topics, each once. */
function topicsOf(options: ConsumerOptions): string[] {
  const topics: unknown = typeof options.topics === "string" ? [options.topics] : options.topics;
  if (!Array.isArray(topics) || !topics.every((one) => typeof one === "string" && one !== "")) {
    throw new TypeError(
      `"topics" cannot be ${shown(options.topics)}: it takes the name of a topic, or a list`,
    );
  }
  if (topics.length === 0) throw new TypeError(`"topics" is empty: name what to read`);
  return [...new Set(topics as string[])];
}

/** The partitions, each once, or null for all. */
function partitionsOf(
  { partitions, groupId }: ConsumerOptions,
  topics: readonly string[],
): number[] | null {
  if (partitions === undefined) return null;
  if (groupId !== undefined) {
    throw new TypeError(`"partitions" and "groupId" exclude each other: the group decides`);
  }
  if (topics.length !== 1) {
    throw new TypeError(`"partitions" needs one topic, "topics" has ${topics.length}`);
  }
  if (partitions.length === 0) throw new TypeError(`"partitions" is empty: leave it out for all`);
  return [...new Set(partitions.map((one) => wholeNumber("partitions", one, 0)))];
}

function groupSettings(options: ConsumerOptions) {
  const groupId = text("groupId", options.groupId) ?? null;
  const autoCommit = oneOf("autoCommit", options.autoCommit, groupId !== null, [true, false]);
  if (groupId === null) {
    const given = autoCommit
      ? "autoCommit"
      : GROUP_OPTIONS.find((name) => options[name] !== undefined);
    if (given !== undefined) {
      throw new TypeError(`"${given}" needs "groupId": only a group has that`);
    }
  }
  const sessionTimeoutMs = positive("sessionTimeoutMs", options.sessionTimeoutMs, 45_000);
  const heartbeatIntervalMs = positive(
    "heartbeatIntervalMs",
    options.heartbeatIntervalMs,
    Math.min(3_000, Math.ceil(sessionTimeoutMs / 3)),
  );
  notAbove("heartbeatIntervalMs", heartbeatIntervalMs, "sessionTimeoutMs", sessionTimeoutMs);
  return {
    groupId,
    groupInstanceId: text("groupInstanceId", options.groupInstanceId) ?? null,
    autoCommit,
    autoCommitIntervalMs: positive("autoCommitIntervalMs", options.autoCommitIntervalMs, 5_000),
    sessionTimeoutMs,
    rebalanceTimeoutMs: positive("rebalanceTimeoutMs", options.rebalanceTimeoutMs, 60_000),
    heartbeatIntervalMs,
  };
}

function checkStart(from: StartPosition): StartPosition {
  if (from === "earliest" || from === "latest") return from;
  const value = typeof from === "number" ? from : from?.timestamp;
  const isInRange = typeof value === "bigint" ? value <= MAX_INT64 : Number.isSafeInteger(value);
  if (isInRange && value >= 0) return from;
  throw new TypeError(
    `"from" cannot be ${shown(from)}: it takes "earliest", "latest", an offset or { timestamp }`,
  );
}
