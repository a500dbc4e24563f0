/**
 * DescribeLogDirs returns the data directories of this broker with their partitions, the sizes of
 * those, and the free space of their disks.
 *
 * Serves versions 1 to 5. Version 2 is flexible, 3 adds an error for the whole request, 4 the space
 * of the disk (KIP-827), 5 whether the directory is cordoned, that is, gets no new partitions
 * (KIP-1066), which no directory is here.
 *
 * A directory that is offline is returned with KAFKA_STORAGE_ERROR and without partitions. The size
 * of a partition is the size of the .log files of its segments. As in Apache Kafka, the metadata
 * log is not included.
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import type { DirectoryState, LogManager } from "../../log/directory/log_manager.ts";
import type { DataDirectory } from "../../log/directory/data_directory.ts";
import type { PartitionLog } from "../../log/partition_log.ts";
import { METADATA_TOPIC } from "../../metadata/metadata_log.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  describeLogDirs,
  type DescribeLogDirsRequest,
} from "../../protocol/messages/describe_log_dirs.ts";
import { FileError } from "../../runtime/runtime.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

type Result = ResponseInputOf<typeof describeLogDirs>["results"][number];

/** The value for unknown space. */
const UNKNOWN_BYTES = -1;

interface Needs {
  readonly logs: Pick<LogManager, "states">;
}

/** Serves DescribeLogDirs. */
export const describeLogDirsHandler: Handler<Needs> = defineHandler(describeLogDirs, {
  async handle({ topics }, { services }) {
    const isAsked = selection(topics);
    const directories = services.logs.states();
    return {
      errorCode: 0,
      results: await Promise.all(directories.map((directory) => describe(directory, isAsked))),
    };
  },
  onError: (_request, errorCode) => ({ errorCode, results: [] }),
});

/** Returns a filter for the requested logs. */
function selection(topics: DescribeLogDirsRequest["topics"]): (log: PartitionLog) => boolean {
  if (topics === null) return () => true;
  const asked = new Set(
    topics.flatMap(({ topic, partitions }) => partitions.map((number) => `${topic}-${number}`)),
  );
  return ({ name }) => asked.has(name);
}

async function describe(
  { path, directory, failure }: DirectoryState,
  isAsked: (log: PartitionLog) => boolean,
): Promise<Result> {
  if (directory === null || failure !== null) {
    return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: path, topics: [] };
  }
  const topics = new Map<string, Result["topics"][number]["partitions"][number][]>();
  for (const log of directory.logs()) {
    if (log.topic === METADATA_TOPIC || !isAsked(log)) continue;
    let partitions = topics.get(log.topic);
    if (partitions === undefined) topics.set(log.topic, partitions = []);
    partitions.push({
      partitionIndex: log.partition,
      partitionSize: log.sizeInBytes,
      offsetLag: 0,
      isFutureKey: false,
    });
  }
  const { total, usable } = await spaceOf(directory);
  return {
    errorCode: ErrorCode.NONE,
    logDir: path,
    topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
    totalBytes: total,
    usableBytes: usable,
  };
}

async function spaceOf(directory: DataDirectory): Promise<{ total: number; usable: number }> {
  try {
    return await directory.space() ?? { total: UNKNOWN_BYTES, usable: UNKNOWN_BYTES };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { total: UNKNOWN_BYTES, usable: UNKNOWN_BYTES };
  }
}
