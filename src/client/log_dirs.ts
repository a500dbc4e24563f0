/**
 * A broker's data directories as the admin client tells of them.
 *
 * @module
 */
import { ErrorCode, type KafkaError } from "../protocol/errors.ts";
import type { DescribeLogDirsResponse } from "../protocol/messages/describe_log_dirs.ts";
import { answered } from "./errors.ts";

/** A partition that a broker keeps. */
export interface LogDirPartition {
  readonly topic: string;
  readonly partition: number;
  /** Bytes of its records. */
  readonly size: number;
  /** How many records it is behind, for a copy that is being moved to this directory. */
  readonly offsetLag: number;
  /** Whether it is such a copy. */
  readonly isFuture: boolean;
}

/** A data directory of a broker. */
export interface LogDirInfo {
  readonly nodeId: number;
  readonly path: string;
  /** Why it is out of service, or null. */
  readonly error: KafkaError | null;
  /** The size of its disk in bytes, or null when the broker does not tell. */
  readonly totalBytes: number | null;
  /** What of that can still be used, or null when the broker does not tell. */
  readonly usableBytes: number | null;
  readonly partitions: readonly LogDirPartition[];
}

/** The directories in a broker's answer. Throws the error of the answer as a whole. */
export function logDirsOf(nodeId: number, answer: DescribeLogDirsResponse): LogDirInfo[] {
  const what = `Cannot describe the log directories of broker ${nodeId}`;
  if (answer.errorCode !== ErrorCode.NONE) throw answered(answer.errorCode, what);
  return answer.results.map(({ errorCode, logDir, topics, totalBytes, usableBytes }) => ({
    nodeId,
    path: logDir,
    error: errorCode === ErrorCode.NONE ? null : answered(errorCode, `${what}, ${logDir}`),
    totalBytes: totalBytes < 0 ? null : totalBytes,
    usableBytes: usableBytes < 0 ? null : usableBytes,
    partitions: topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
        topic: name,
        partition: partitionIndex,
        size: partitionSize,
        offsetLag,
        isFuture: isFutureKey,
      }))
    ),
  }));
}
