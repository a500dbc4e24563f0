/**
 * The rules of a topic for each record of a client's batch: a key if the topic is compacted, and a
 * timestamp within `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`. A batch
 * is rejected as a whole, with an error that names the invalid records (KIP-467), like Apache
 * Kafka's `LogValidator`.
 *
 * @module
 */
import { MAX_RECORD_ERRORS } from "../../limits.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { addInt64, type Int64, subtractInt64 } from "../../protocol/int64.ts";
import {
  readAttributes,
  readBaseTimestamp,
  readMaxTimestamp,
  readRecordCount,
  type RecordScan,
  type TimestampBounds,
  timestampTypeOf,
} from "../../protocol/records/batch.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import { grouped } from "../../protocol/records/record_error.ts";
import { RECORDS_AT_ONCE, RecordWalk } from "../compaction/record_walk.ts";
import type { LogConfig } from "../log_config.ts";

/** The timestamp of a record without one. */
export const NO_TIMESTAMP = -1;

const NO_KEY = "it has no key, and the topic is compacted";
/** The maximum number of records described in the error message of the batch. */
const RECORDS_IN_MESSAGE = 3;

/** A record that causes the rejection of its batch. */
export interface RejectedRecord {
  /** The record's index in its batch. */
  readonly batchIndex: number;
  /** Why it is rejected. */
  readonly message: string;
}

/**
 * The error for a batch with records that its topic does not accept: INVALID_TIMESTAMP if the
 * timestamp of at least one is invalid, INVALID_RECORD otherwise.
 */
export class RejectedRecordsError extends KafkaError {
  override readonly name = "RejectedRecordsError";
  constructor(
    code: KafkaError["code"],
    message: string,
    /** The rejected records in order, at most {@linkcode MAX_RECORD_ERRORS} of them. */
    readonly records: readonly RejectedRecord[],
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The part of a log's configuration that applies to single records. */
export type RecordRules = Pick<
  LogConfig,
  | "compact"
  | "messageTimestampType"
  | "messageTimestampBeforeMaxMs"
  | "messageTimestampAfterMaxMs"
>;

/**
 * Returns whether some of the records that `scan` summarizes may have to be rejected, so that
 * {@linkcode rejectRecords} must check each. `bytes` starts with the batch header. Does not
 * allocate.
 */
export function mayRejectRecords(
  bytes: Uint8Array,
  scan: RecordScan,
  { oldest, newest }: TimestampBounds,
  rules: RecordRules,
  nowMs: number,
): boolean {
  if (rules.compact && scan.firstWithoutKey >= 0) return true;
  const isStamped = timestampTypeOf(readAttributes(bytes, 0)) === "LogAppendTime";
  if (rules.messageTimestampType === "LogAppendTime") return isStamped;
  if (isStamped) return newest === NO_TIMESTAMP || !isInRange(newest, rules, nowMs);
  if (!isInRange(oldest, rules, nowMs) || !isInRange(newest, rules, nowMs)) return true;
  // A record without a timestamp hides the oldest timestamp of the others.
  return oldest === NO_TIMESTAMP && newest !== NO_TIMESTAMP;
}

/**
 * Checks each record of the batch. `bytes` starts with the batch header; the decompressed, verified
 * records are `records[start..end)`. Returns the error for rejected records, or null.
 */
export function* rejectRecords(
  bytes: Uint8Array,
  records: Uint8Array,
  start: number,
  end: number,
  rules: RecordRules,
  nowMs: number,
): Steps<RejectedRecordsError | null> {
  const count = readRecordCount(bytes, 0);
  const isStamped = timestampTypeOf(readAttributes(bytes, 0)) === "LogAppendTime";
  const stamp = readMaxTimestamp(bytes, 0);
  const base = readBaseTimestamp(bytes, 0);
  const rejected: RejectedRecord[] = [];
  let total = 0;
  let code: KafkaError["code"] = ErrorCode.INVALID_RECORD;
  const walk = new RecordWalk();
  walk.begin(records, start, end, count);
  for (let batchIndex = 0; walk.next(); batchIndex++) {
    if (batchIndex > 0 && batchIndex % RECORDS_AT_ONCE === 0) yield;
    const timestamp = isStamped ? stamp : addInt64(base, walk.timestampDelta);
    let message: string | null = null;
    if (rules.compact && walk.keyStart < 0) message = NO_KEY;
    else {
      message = timestampProblem(timestamp, isStamped, rules, nowMs);
      if (message !== null) code = ErrorCode.INVALID_TIMESTAMP;
    }
    if (message === null) continue;
    total++;
    if (rejected.length < MAX_RECORD_ERRORS) rejected.push({ batchIndex, message });
  }
  return total === 0
    ? null
    : new RejectedRecordsError(code, messageFor(rejected, total, count), rejected);
}

function timestampProblem(
  timestamp: Int64,
  isStamped: boolean,
  rules: RecordRules,
  nowMs: number,
): string | null {
  const mustBeInRange = rules.messageTimestampType === "CreateTime" && timestamp !== NO_TIMESTAMP;
  if (!mustBeInRange) {
    return isStamped ? "a producer must not set the timestamp type LogAppendTime" : null;
  }
  if (isInRange(timestamp, rules, nowMs)) return null;
  return `its timestamp ${timestamp} is not within ${rules.messageTimestampBeforeMaxMs} ms before ` +
    `and ${rules.messageTimestampAfterMaxMs} ms after the broker's clock, ${nowMs}`;
}

/** Returns whether a topic with CreateTime timestamps accepts `timestamp`. */
function isInRange(timestamp: Int64, rules: RecordRules, nowMs: number): boolean {
  if (timestamp === NO_TIMESTAMP) return true;
  // Wraps around like in Apache Kafka, where a timestamp near Long.MIN_VALUE is in the future.
  const age = subtractInt64(nowMs, timestamp);
  return age <= rules.messageTimestampBeforeMaxMs &&
    subtractInt64(0, age) <= rules.messageTimestampAfterMaxMs;
}

function messageFor(rejected: readonly RejectedRecord[], total: number, count: number): string {
  const shown = rejected.slice(0, RECORDS_IN_MESSAGE);
  const reasons = shown.map(({ batchIndex, message }) => `record ${batchIndex}: ${message}`);
  if (total > shown.length) reasons.push(`${grouped(total - shown.length)} more`);
  return `rejected ${grouped(total)} of ${grouped(count)} records, ${reasons.join("; ")}`;
}
