/**
 * What a consumer is told, with its defaults.
 *
 * @module
 */
import type { StartPosition } from "./assigned_partition.ts";
import { type ClientOptions, positive, wholeNumber } from "./client_options.ts";

/** What a consumer reads and how, beside what all clients are told. */
export interface ConsumerOptions extends ClientOptions {
  /** The topics to read. */
  readonly topics: string | readonly string[];
  /** The partitions to read of the topic, which must be one then: all unless told. Not in a group. */
  readonly partitions?: readonly number[];
  /**
   * Where to begin: `"earliest"` (unless told), `"latest"`, an offset, or `{ timestamp }` for the
   * first record not before that time (ms since 1970). In a group it counts only for partitions
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
  /** How often a member says that it is alive, ms: 3,000 unless told. */
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
  const { partitions = null, groupId = null } = options;
  const topics = typeof options.topics === "string" ? [options.topics] : [...options.topics];
  if (topics.length === 0) throw new TypeError(`"topics" is empty: name what to read`);
  if (partitions !== null && groupId !== null) {
    throw new TypeError(`"partitions" and "groupId" exclude each other: the group decides`);
  }
  if (partitions !== null && topics.length !== 1) {
    throw new TypeError(`"partitions" needs one topic, "topics" has ${topics.length}`);
  }
  if (partitions?.length === 0) throw new TypeError(`"partitions" is empty: leave it out for all`);
  for (const one of partitions ?? []) wholeNumber("partitions", one, 0);
  return {
    topics: [...new Set(topics)],
    partitions: partitions === null ? null : [...new Set(partitions)],
    from: checkStart(options.from ?? "earliest"),
    groupId,
    groupInstanceId: options.groupInstanceId ?? null,
    autoCommit: groupId !== null && (options.autoCommit ?? true),
    autoCommitIntervalMs: positive("autoCommitIntervalMs", options.autoCommitIntervalMs, 5_000),
    sessionTimeoutMs: positive("sessionTimeoutMs", options.sessionTimeoutMs, 45_000),
    rebalanceTimeoutMs: positive("rebalanceTimeoutMs", options.rebalanceTimeoutMs, 60_000),
    heartbeatIntervalMs: positive("heartbeatIntervalMs", options.heartbeatIntervalMs, 3_000),
    onOffsetOutOfRange: options.onOffsetOutOfRange ?? "earliest",
    minBytes: positive("minBytes", options.minBytes, 1),
    maxBytes: positive("maxBytes", options.maxBytes, 16_777_216),
    partitionMaxBytes: positive("partitionMaxBytes", options.partitionMaxBytes, 1_048_576),
    maxWaitMs: wholeNumber("maxWaitMs", options.maxWaitMs, 500),
  };
}

function checkStart(from: StartPosition): StartPosition {
  if (from === "earliest" || from === "latest") return from;
  const number = typeof from === "number" ? from : from.timestamp;
  if (Number.isSafeInteger(number) && number >= 0) return from;
  throw new TypeError(
    `"from" cannot be ${
      JSON.stringify(from)
    }: it takes "earliest", "latest", an offset or { timestamp }`,
  );
}
