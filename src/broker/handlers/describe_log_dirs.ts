/**
 * DescribeLogDirs tells of each data directory of this broker which partitions it has, their sizes,
 * and how much room its disk has left.
 *
 * Versions 1 to 5. Version 2 is flexible, 3 adds an error for the request as a whole, 4 the room of
 * the disk (KIP-827), 5 whether the directory takes no new partitions (KIP-1066), which none here
 * refuses.
 *
 * A directory that is out of service is there with KAFKA_STORAGE_ERROR and without partitions. The
 * size of a partition is that of its segments' records; the metadata log is not counted, as in
 * Apache Kafka.
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

/** What stands for room that is not known. */
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

/** Whether a log is asked about. */
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
  const { total, usable } = await roomOf(directory);
  return {
    errorCode: ErrorCode.NONE,
    logDir: path,
    topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
    totalBytes: total,
    usableBytes: usable,
  };
}

async function roomOf(directory: DataDirectory): Promise<{ total: number; usable: number }> {
  try {
    return await directory.space() ?? { total: UNKNOWN_BYTES, usable: UNKNOWN_BYTES };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { total: UNKNOWN_BYTES, usable: UNKNOWN_BYTES };
  }
}
