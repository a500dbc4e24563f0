/**
 * The log directories of brokers, as returned by the admin client.
 *
 * @module
 */
import { ErrorCode, type KafkaError } from "../../protocol/errors.ts";
import type { DescribeLogDirsResponse } from "../../protocol/messages/describe_log_dirs.ts";
import { responseError } from "../errors.ts";

/** A replica in a log directory. */
export interface LogDirPartition {
  readonly topic: string;
  readonly partition: number;
  /** Size of its log in bytes. */
  readonly size: number;
  /** Number of records by which a replica that is being moved to this directory is behind. */
  readonly offsetLag: number;
  /** Whether the replica is being moved to this directory. */
  readonly isFuture: boolean;
}

/** A log directory of a broker. */
export interface LogDirInfo {
  readonly nodeId: number;
  readonly path: string;
  /** Why the directory is offline, or null. */
  readonly error: KafkaError | null;
  /** Size of its volume in bytes, or null if unknown. */
  readonly totalBytes: number | null;
  /** Usable bytes of its volume, or null if unknown. */
  readonly usableBytes: number | null;
  readonly partitions: readonly LogDirPartition[];
}

/** Converts the response of a broker. Throws the error of the whole response. */
export function logDirsOf(nodeId: number, answer: DescribeLogDirsResponse): LogDirInfo[] {
  const what = `Cannot describe the log directories of broker ${nodeId}`;
  if (answer.errorCode !== ErrorCode.NONE) throw responseError(answer.errorCode, what);
  return answer.results.map(({ errorCode, logDir, topics, totalBytes, usableBytes }) => ({
    nodeId,
    path: logDir,
    error: errorCode === ErrorCode.NONE ? null : responseError(errorCode, `${what}, ${logDir}`),
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
