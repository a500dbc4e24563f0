/**
 * A broker in memory on a free port, with a client that sends any request or bytes.
 *
 * @module
 */
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import type { LogLevel } from "../../src/logger.ts";
import type { Interceptor } from "../../src/network/server/interceptor.ts";
import type { CreatableTopic } from "../../src/controller/topics.ts";
import { fetch, type FetchResponse } from "../../src/protocol/messages/fetch.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import {
  type BatchOptions,
  encodeBatch,
  type RecordInput,
} from "../../src/protocol/records/batch.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { FileSystem, Runtime } from "../../src/runtime/runtime.ts";
import { RawClient } from "./raw_client.ts";

/** A running broker. */
export interface Fixture {
  readonly runtime: Runtime;
  readonly broker: Node;
  readonly client: RawClient;
  /** The log messages of the broker. */
  readonly messages: { level: LogLevel; message: string }[];
  /** Opens one more connection, which is closed with the fixture. */
  connect(): Promise<RawClient>;
  createTopic(topic: CreatableTopic): Promise<string>;
}

const encoder = new TextEncoder();

/** Runs `use` with a broker and shuts it down afterwards. */
export async function withBroker(
  use: (fixture: Fixture) => Promise<void>,
  config: Record<string, string> = {},
  files: FileSystem = new MemoryFileSystem(),
  interceptors: readonly Interceptor[] = [],
): Promise<void> {
  const runtime = { ...hostRuntime(), files };
  const messages: Fixture["messages"] = [];
  const broker = await Node.start({
    parts: ALL_PARTS,
    runtime,
    ...(config["log.dirs"] === undefined && { directory: "/data" }),
    config: { listeners: "PLAINTEXT://127.0.0.1:0", ...config },
    logger: { log: (level, message) => void messages.push({ level, message }) },
    interceptors,
  });
  const clients: RawClient[] = [];
  const connect = async () => {
    const client = await RawClient.connect(runtime, broker.address);
    clients.push(client);
    return client;
  };
  try {
    await use({
      runtime,
      broker,
      client: await connect(),
      messages,
      connect,
      async createTopic(topic) {
        const [result] = await broker.controller.createTopics([topic]);
        if (result!.errorCode !== 0) throw new Error(result!.errorMessage!);
        return result!.topicId;
      },
    });
  } finally {
    for (const client of clients) client.close();
    await broker.shutdown();
  }
}

/** Encodes a batch of records with these values. */
export function batchOf(
  values: readonly string[],
  options: Partial<BatchOptions> = {},
): Uint8Array {
  const records: RecordInput[] = values.map((value, i) => ({
    key: null,
    value: encoder.encode(value),
    timestamp: 1_000_000 + i,
  }));
  return encodeBatch(records, options);
}

/** Produces one batch in version 9 and returns the partition's answer. */
export async function produceTo(
  client: RawClient,
  topic: string,
  partition: number,
  records: Uint8Array | null,
  acks = -1,
) {
  const { responses } = await client.request(produce, 9, {
    acks,
    timeoutMs: 5_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
  return responses[0]!.partitionResponses[0]!;
}

/** Fetches from one partition without waiting and returns its part of the answer. */
export async function fetchFrom(
  client: RawClient,
  topic: string,
  partition: number,
  fetchOffset: number,
): Promise<PartitionAnswer> {
  return (await fetchAll(client, topic, [partition], fetchOffset))[0]!;
}

/** Fetches from these partitions in one request without waiting and returns their parts of the answer. */
export async function fetchAll(
  client: RawClient,
  topic: string,
  partitions: readonly number[],
  fetchOffset = 0,
): Promise<PartitionAnswer[]> {
  const { responses } = await client.request(fetch, 12, {
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{
      topic,
      topicId: ZERO_UUID,
      partitions: partitions.map((partition) => {
        return { partition, fetchOffset, partitionMaxBytes: 1_000_000 };
      }),
    }],
    forgottenTopicsData: [],
    rackId: "",
  });
  return partitions.map((partition) => {
    return responses[0]!.partitions.find((answer) => answer.partitionIndex === partition)!;
  });
}

type PartitionAnswer = FetchResponse["responses"][number]["partitions"][number];
