/**
 * The options of a consumer with their defaults.
 *
 * @module
 */
import { MAX_INT64 } from "../../protocol/int64.ts";
import type { StartPosition } from "./assigned_partition.ts";
import {
  checkOptionNames,
  type ClientOptions,
  clientSettings,
  formatValue,
  oneOf,
  positive,
  requireAtMost,
  text,
  wholeNumber,
} from "../client_options.ts";

/** Options of a consumer. */
export interface ConsumerOptions extends ClientOptions {
  /** The topics to read. */
  readonly topics: string | readonly string[];
  /** The partitions to read, of a single topic and without a group. Defaults to all partitions. */
  readonly partitions?: readonly number[];
  /**
   * The start position: `"earliest"`, `"latest"`, an offset, or `{ timestamp }` for the first
   * record at or after that time (ms since 1970, a `bigint` beyond 2^53). Defaults to `"earliest"`.
   * In a group it applies only to partitions without a committed offset.
   */
  readonly from?: StartPosition;
  /** The group to join. Its members share the partitions, and it stores their offsets. */
  readonly groupId?: string;
  /** Static id of this member, so that a restart does not cause a rebalance (KIP-345). */
  readonly groupInstanceId?: string;
  /** Whether to commit offsets periodically and on `close`. Defaults to true. */
  readonly autoCommit?: boolean;
  /** Interval of automatic commits in ms. Defaults to 5,000. */
  readonly autoCommitIntervalMs?: number;
  /**
   * Time without heartbeats after which the group removes the member, in ms. Defaults to 45,000.
   */
  readonly sessionTimeoutMs?: number;
  /** Maximum time for members to rejoin during a rebalance, in ms. Defaults to 60,000. */
  readonly rebalanceTimeoutMs?: number;
  /** Interval of heartbeats in ms. Defaults to 3,000, or a third of a short session. */
  readonly heartbeatIntervalMs?: number;
  /**
   * Behavior if the offset to read is not in the log: continue at `"earliest"` or `"latest"`, or
   * `"fail"` with `OFFSET_OUT_OF_RANGE`. Defaults to `"earliest"`.
   */
  readonly onOffsetOutOfRange?: "earliest" | "latest" | "fail";
  /** Minimum bytes of a fetch response. Defaults to 1. */
  readonly minBytes?: number;
  /** Maximum bytes of a fetch response and of buffered records. Defaults to 16 MiB. */
  readonly maxBytes?: number;
  /** Maximum bytes per partition in a fetch response. Defaults to 1 MiB. */
  readonly partitionMaxBytes?: number;
  /** Maximum time the broker waits for `minBytes`, in ms. Defaults to 500. */
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

/** Options that apply to members of a group only. */
const GROUP_OPTIONS: readonly (keyof ConsumerOptions)[] = [
  "groupInstanceId",
  "autoCommitIntervalMs",
  "sessionTimeoutMs",
  "rebalanceTimeoutMs",
  "heartbeatIntervalMs",
];

/** The consumer's own options, validated and with defaults. */
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

/** Validates `options` and applies defaults. Throws a TypeError that names an invalid option. */
export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  checkOptionNames("Consumer", options, NAMES);
  const topics = topicsOf(options);
  const partitions = partitionsOf(options, topics);
  const group = groupSettings(options);
  const minBytes = positive("minBytes", options.minBytes, 1);
  const maxBytes = positive("maxBytes", options.maxBytes, 16_777_216);
  requireAtMost("minBytes", minBytes, "maxBytes", maxBytes);
  requireAtMost("maxBytes", maxBytes, "maxResponseBytes", clientSettings(options).maxResponseBytes);
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

/** Returns the topics without repetitions. */
function topicsOf(options: ConsumerOptions): string[] {
  const topics: unknown = typeof options.topics === "string" ? [options.topics] : options.topics;
  if (!Array.isArray(topics) || !topics.every((one) => typeof one === "string" && one !== "")) {
    throw new TypeError(
      `"topics" cannot be ${
        formatValue(options.topics)
      }: expected the name of a topic, or a list of names`,
    );
  }
  if (topics.length === 0) throw new TypeError(`"topics" is empty: give at least one topic`);
  return [...new Set(topics as string[])];
}

/** Returns the partitions without repetitions, or null for all. */
function partitionsOf(
  { partitions, groupId }: ConsumerOptions,
  topics: readonly string[],
): number[] | null {
  if (partitions === undefined) return null;
  if (groupId !== undefined) {
    throw new TypeError(
      `"partitions" and "groupId" exclude each other: the group assigns the partitions`,
    );
  }
  if (topics.length !== 1) {
    throw new TypeError(`"partitions" needs a single topic, "topics" has ${topics.length}`);
  }
  if (partitions.length === 0) throw new TypeError(`"partitions" is empty: omit it to read all`);
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
      throw new TypeError(`"${given}" needs "groupId": it applies to groups only`);
    }
  }
  const sessionTimeoutMs = positive("sessionTimeoutMs", options.sessionTimeoutMs, 45_000);
  const heartbeatIntervalMs = positive(
    "heartbeatIntervalMs",
    options.heartbeatIntervalMs,
    Math.min(3_000, Math.ceil(sessionTimeoutMs / 3)),
  );
  requireAtMost("heartbeatIntervalMs", heartbeatIntervalMs, "sessionTimeoutMs", sessionTimeoutMs);
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
    `"from" cannot be ${
      formatValue(from)
    }: expected "earliest", "latest", an offset or { timestamp }`,
  );
}
