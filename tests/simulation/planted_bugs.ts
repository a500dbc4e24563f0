/**
 * Bugs that are planted to see whether the scenarios find them: in the runtime that a process is
 * handed, in a handler of the broker, or in a class of the log, whose function is exchanged while the
 * scenario runs.
 *
 * @module
 */
import type { Handler } from "../../src/network/server/handler.ts";
import type { TopicsByKey } from "../../src/broker/find_topic.ts";
import type { PartitionTable } from "../../src/replication/partition_table.ts";
import { createTopicsHandler } from "../../src/broker/handlers/create_topics.ts";
import { fetchHandler } from "../../src/broker/handlers/fetch.ts";
import { offsetCommitHandler } from "../../src/broker/handlers/offset_commit.ts";
import { produceHandler } from "../../src/broker/handlers/produce.ts";
import { SegmentList } from "../../src/log/segments/segment_list.ts";
import type { CreateTopicsRequest } from "../../src/protocol/messages/create_topics.ts";
import type { FetchRequest } from "../../src/protocol/messages/fetch.ts";
import type { OffsetCommitRequest } from "../../src/protocol/messages/offset_commit.ts";
import type { ProduceRequest } from "../../src/protocol/messages/produce.ts";
import { decodeBatch, encodeBatch } from "../../src/protocol/records/batch.ts";
import type { FileHandle, FileSystem, Runtime } from "../../src/runtime/runtime.ts";
import { exchange } from "./disk/planted.ts";
import type { Sabotage } from "./outcome.ts";
import { STORED_CODECS } from "./stored_codecs.ts";

/** What the bugs in handlers need. */
interface Needs {
  image(): TopicsByKey;
  readonly partitions: Pick<PartitionTable, "find">;
}

/** A bug, and the scenario that must find it. */
export interface PlantedBug {
  readonly name: string;
  readonly scenario: "single_broker" | "clients" | "power_loss";
  /** A seed at which it is found, or one shortly before. Defaults to 1. */
  readonly nearSeed?: number;
  readonly sabotage?: Sabotage;
  /** Puts it into a handler or a class, and returns how to take it out again. */
  readonly plant?: () => () => void;
}

/** What is planted, one at a time. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a file system that writes a batch with the next one only",
    scenario: "single_broker",
    sabotage: onBroker((runtime) => withFiles(runtime, lateWrites)),
  },
  {
    name: "a file system that turns a bit of what it reads",
    scenario: "clients",
    nearSeed: 4,
    sabotage: onBroker((runtime) => withFiles(runtime, turnedBits)),
  },
  {
    name: "a disk that says of a sync that it has ended, and has not begun it",
    scenario: "power_loss",
    sabotage: onBroker((runtime) => withFiles(runtime, noSync)),
  },
  {
    name: "a roll that stores the index before the directory entry of the log is durable",
    scenario: "power_loss",
    nearSeed: 37,
    plant: () =>
      exchange(
        SegmentList.prototype,
        "syncClosed",
        (right) =>
          async function (this: SegmentList): Promise<void> {
            for (const segment of this.all.slice(0, -1)) {
              await segment.sync();
              segment.hasDurableName = true;
              segment.index.write();
            }
            await right.call(this);
          },
      ),
  },
  {
    name: "a broker whose timers cannot be cancelled",
    scenario: "clients",
    nearSeed: 4,
    sabotage: onBroker((runtime) => ({
      ...runtime,
      clock: {
        ...runtime.clock,
        setTimer: (delayMs, callback) => {
          runtime.clock.setTimer(delayMs, callback);
          return { cancel: () => {} };
        },
      },
    })),
  },
  {
    name: "a broker that acknowledges some batches without storing them",
    scenario: "clients",
    plant: () => patch<ProduceRequest>(produceHandler, everySo(15, acknowledgeOnly)),
  },
  {
    name: "a broker that stores some batches twice",
    scenario: "clients",
    plant: () => patch<ProduceRequest>(produceHandler, everySo(15, storeTwice)),
  },
  {
    name: "a broker that now and then skips a record for a reader",
    scenario: "clients",
    plant: () =>
      patch<FetchRequest>(
        fetchHandler,
        everySo(10, skipRecord),
      ),
  },
  {
    name: "a coordinator that commits the offset after the one that it was told",
    scenario: "clients",
    plant: () =>
      patch<OffsetCommitRequest>(
        offsetCommitHandler,
        (request, context, handle) =>
          handle({
            ...request,
            topics: request.topics.map((topic) => ({
              ...topic,
              partitions: topic.partitions.map((partition) => ({
                ...partition,
                committedOffset: Number(partition.committedOffset) + 1,
              })),
            })),
          }, context),
      ),
  },
  {
    name: "a controller that answers for some topics before it has made them, and never does",
    scenario: "clients",
    plant: () =>
      patch<CreateTopicsRequest>(
        createTopicsHandler,
        everySo(
          3,
          (request, context, handle) => handle({ ...request, validateOnly: true }, context),
        ),
      ),
  },
];

type Handle<Request> = (
  request: Request,
  context: Parameters<Handler<Needs>["handle"]>[1],
) => unknown;
type Wrong<Request> = (
  request: Request,
  context: Parameters<Handler<Needs>["handle"]>[1],
  handle: Handle<Request>,
) => unknown;

/** Exchanges what a handler does. */
function patch<Request>(handler: Handler<never>, wrong: Wrong<Request>): () => void {
  const target = handler as unknown as { handle: Handle<Request> };
  const right = target.handle;
  target.handle = (request, context) => wrong(request, context, right);
  return () => void (target.handle = right);
}

/** Right most of the time. */
function everySo<Request>(often: number, wrong: Wrong<Request>): Wrong<Request> {
  let calls = 0;
  return (request, context, handle) =>
    ++calls % often === 0 ? wrong(request, context, handle) : handle(request, context);
}

const acknowledgeOnly: Wrong<ProduceRequest> = ({ topicData }, { services, apiVersion }) => ({
  responses: topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => {
      const topic = apiVersion >= 13 ? services.image().topicById(topicId)?.name : name;
      const baseOffset = services.partitions.find(topic ?? "", index)?.log.logEndOffset ?? 0;
      return { index, errorCode: 0, baseOffset, logAppendTimeMs: -1, logStartOffset: 0 };
    }),
  })),
});

const skipRecord: Wrong<FetchRequest> = (request, context, handle) =>
  handle({
    ...request,
    topics: request.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((partition) => {
        const { services } = context;
        const name = services.image().topicById(topic.topicId)?.name ?? topic.topic;
        const end = services.partitions.find(name, partition.partition)?.highWatermark ?? 0;
        const { fetchOffset } = partition;
        return { ...partition, fetchOffset: fetchOffset + (fetchOffset + 1 < end ? 1 : 0) };
      }),
    })),
  }, context);

/** The second time without the producer's id, by which it would be known. */
const storeTwice: Wrong<ProduceRequest> = (request, context, handle) => {
  const anonymous = {
    ...request,
    topicData: request.topicData.map((topic) => ({
      ...topic,
      partitionData: topic.partitionData.map(({ index, records }) => ({
        index,
        records: encodeBatch(
          decodeBatch(records!, 0, { codecs: STORED_CODECS }).records.map(
            ({ key, value, timestamp, headers }) => ({ key, value, timestamp, headers }),
          ),
        ),
      })),
    })),
  };
  const answer = handle(request, context);
  handle(anonymous, context);
  return answer;
};

function onBroker(change: (runtime: Runtime) => Runtime): Sabotage {
  return (runtime, host) => host === "broker" ? change(runtime) : runtime;
}

/** Changes the files in which records are. */
function withFiles(
  runtime: Runtime,
  change: (file: FileHandle, path: string) => FileHandle,
): Runtime {
  const { files } = runtime;
  const changed: FileSystem = {
    open: (path, mode) => {
      const file = files.open(path, mode);
      return path.endsWith(".log") ? change(file, path) : file;
    },
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path) => files.list(path),
    exists: (path) => files.exists(path),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    syncDirectory: (path) => files.syncDirectory(path),
    tryLock: (path) => files.tryLock(path),
  };
  return { ...runtime, files: changed };
}

function sameFile(file: FileHandle): FileHandle {
  return {
    readAt: (target, position) => file.readAt(target, position),
    read: (target, position) => file.read(target, position),
    writeAt: (bytes, position) => file.writeAt(bytes, position),
    size: () => file.size(),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

function lateWrites(file: FileHandle): FileHandle {
  let held: { bytes: Uint8Array; position: number } | null = null;
  const write = (): void => {
    if (held !== null) file.writeAt(held.bytes, held.position);
    held = null;
  };
  return {
    ...sameFile(file),
    writeAt: (bytes, position) => {
      write();
      held = { bytes: bytes.slice(), position };
    },
    readAt: (target, position) => {
      write();
      return file.readAt(target, position);
    },
    read: (target, position) => {
      write();
      return file.read(target, position);
    },
    close: () => {
      write();
      file.close();
    },
  };
}

function turnedBits(file: FileHandle): FileHandle {
  let reads = 0;
  const turn = (target: Uint8Array, count: number): number => {
    if (count > 0 && ++reads % 50 === 0) target[count - 1]! ^= 1;
    return count;
  };
  return {
    ...sameFile(file),
    readAt: (target, position) => turn(target, file.readAt(target, position)),
    read: async (target, position) => turn(target, await file.read(target, position)),
  };
}

function noSync(file: FileHandle, path: string): FileHandle {
  if (!path.includes("__cluster_metadata")) return file;
  return { ...sameFile(file), sync: () => Promise.resolve() };
}
