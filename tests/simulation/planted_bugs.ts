/**
 * Bugs that are planted to check that the scenarios find them: in the runtime of a process, in the requests
 * and answers of a broker, or in a class of the log, whose method is exchanged while the scenario runs.
 *
 * @module
 */
import type { BrokerNeeds } from "../../src/broker/supported.ts";
import type { RequestContext } from "../../src/network/server/handler.ts";
import type { Interceptor } from "../../src/network/server/interceptor.ts";
import type { Partition } from "../../src/replication/partition.ts";
import type { PartitionTable } from "../../src/replication/partition_table.ts";
import { SegmentList } from "../../src/log/segments/segment_list.ts";
import type { Api } from "../../src/protocol/api.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { fetch, type FetchRequest } from "../../src/protocol/messages/fetch.ts";
import { offsetCommit } from "../../src/protocol/messages/offset_commit.ts";
import { produce, type ProduceRequest } from "../../src/protocol/messages/produce.ts";
import { decodeBatch, encodeBatch } from "../../src/protocol/records/batch.ts";
import type { FileHandle, FileSystem, Runtime } from "../../src/runtime/runtime.ts";
import { exchange } from "./disk/planted.ts";
import type { Outcome, RunOptions, Sabotage } from "./outcome.ts";
import { SCENARIOS } from "./scenarios.ts";
import { STORED_CODECS } from "./stored_codecs.ts";

/** The version of Produce and Fetch that names topics by their ids. */
const IDS_SINCE = 13;

/** The dependencies of the bugs in requests. */
interface Needs {
  readonly partitions: Pick<PartitionTable, "byId" | "byName">;
}

/** A bug, and the scenario that must find it. */
export interface PlantedBug {
  readonly name: string;
  readonly scenario: "single_broker" | "clients" | "power_loss";
  /** A seed at which it is found, or one shortly before. Defaults to 1. */
  readonly nearSeed?: number;
  readonly sabotage?: Sabotage;
  /** Creates the interceptor of a run. */
  readonly interceptor?: () => Interceptor<BrokerNeeds>;
  /** Puts the bug into a class, and returns a function that removes it. */
  readonly plant?: () => () => void;
}

/** The bugs, planted one at a time. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a file system that writes each batch only with the next one",
    scenario: "single_broker",
    sabotage: onBroker((runtime) => withFiles(runtime, lateWrites)),
  },
  {
    name: "a file system that flips bits of what it reads",
    scenario: "clients",
    nearSeed: 48,
    sabotage: onBroker((runtime) => withFiles(runtime, turnedBits)),
  },
  {
    name: "a disk that reports the end of a sync that it has not begun",
    scenario: "power_loss",
    sabotage: onBroker((runtime) => withFiles(runtime, noSync)),
  },
  {
    name: "a roll that stores the index before the directory entry of the log is durable",
    scenario: "power_loss",
    nearSeed: 24,
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
    nearSeed: 10,
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
    interceptor: () => everySo(15, produce, acknowledgeOnly),
  },
  {
    name: "a broker that stores some batches twice",
    scenario: "clients",
    interceptor: () => everySo(15, produce, storeTwice),
  },
  {
    name: "a broker that sometimes skips a record for a reader",
    scenario: "clients",
    interceptor: () => everySo(10, fetch, skipRecord),
  },
  {
    name: "a coordinator that commits the offset after the one in the request",
    scenario: "clients",
    interceptor: () =>
      everySo(1, offsetCommit, (request, _context, next) =>
        next({
          ...request,
          topics: request.topics.map((topic) => ({
            ...topic,
            partitions: topic.partitions.map((partition) => ({
              ...partition,
              committedOffset: Number(partition.committedOffset) + 1,
            })),
          })),
        })),
  },
  {
    name: "a controller that acknowledges some topics and never creates them",
    scenario: "clients",
    interceptor: () =>
      everySo(
        3,
        createTopics,
        (request, _context, next) => next({ ...request, validateOnly: true }),
      ),
  },
];

/** Runs `seed` of the bug's scenario with the bug in it, which begins in the same way in each run. */
export async function runPlanted(
  { scenario, sabotage, interceptor, plant }: PlantedBug,
  seed: number,
  options: Pick<RunOptions, "dropped"> = {},
): Promise<Outcome> {
  // They intercept requests that brokers serve.
  const interceptors = interceptor === undefined ? [] : [interceptor() as Interceptor];
  const remove = plant?.();
  try {
    return await SCENARIOS[scenario]!(seed, { ...options, sabotage, interceptors });
  } finally {
    remove?.();
  }
}

/** What a bug does in place of a handler. */
type Wrong<Request> = (
  request: Request,
  context: RequestContext<Needs>,
  next: (request?: Request) => unknown,
) => unknown;

/** Does `wrong` with every `often`-th request of `api`, and nothing with all others. */
function everySo<Request, RequestIn, ResponseOut, ResponseIn>(
  often: number,
  { name }: Api<Request, RequestIn, ResponseOut, ResponseIn>,
  wrong: Wrong<Request>,
): Interceptor<Needs> {
  let calls = 0;
  return (intercepted, next) =>
    intercepted.name !== name || ++calls % often !== 0
      ? next()
      : wrong(intercepted.request as Request, intercepted.context, next);
}

/** Finds a partition by the topic's id or by its name, or returns null. */
function find(
  { services: { partitions }, apiVersion }: RequestContext<Needs>,
  topic: { readonly id: string; readonly name: string },
  index: number,
): Partition | null {
  try {
    return apiVersion >= IDS_SINCE
      ? partitions.byId(topic.id, index)
      : partitions.byName(topic.name, index);
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
}

const acknowledgeOnly: Wrong<ProduceRequest> = ({ topicData }, context) => ({
  responses: topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => {
      const partition = find(context, { id: topicId, name }, index);
      const baseOffset = partition?.log.logEndOffset ?? 0;
      return { index, errorCode: 0, baseOffset, logAppendTimeMs: -1, logStartOffset: 0 };
    }),
  })),
});

const skipRecord: Wrong<FetchRequest> = (request, context, next) =>
  next({
    ...request,
    topics: request.topics.map((asked) => ({
      ...asked,
      partitions: asked.partitions.map((partition) => {
        const topic = { id: asked.topicId, name: asked.topic };
        const found = find(context, topic, partition.partition);
        const end = found?.highWatermark ?? 0;
        const { fetchOffset } = partition;
        return { ...partition, fetchOffset: fetchOffset + (fetchOffset + 1 < end ? 1 : 0) };
      }),
    })),
  });

/** The second time without the producer's id, by which it would be known. */
const storeTwice: Wrong<ProduceRequest> = (request, _context, next) => {
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
  const answer = next();
  next(anonymous);
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
