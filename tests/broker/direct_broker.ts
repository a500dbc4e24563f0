/**
 * Request handlers called without a socket: the test owns the logs, the clock and what the metadata
 * say of each partition, such as an ISR of two.
 *
 * @module
 */
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { FetchSessions } from "../../src/broker/fetch_sessions.ts";
import { Partition } from "../../src/replication/partition.ts";
import type { Handler, RequestContext } from "../../src/network/server/handler.ts";
import type {
  PartitionNeeds,
  PartitionOptions,
  ProduceOptions,
} from "../../src/replication/partition.ts";
import { PartitionFlusher } from "../../src/replication/partition_flusher.ts";
import { PartitionTable } from "../../src/replication/partition_table.ts";
import type { LeaderState } from "../../src/replication/replica_role.ts";
import { StorageFailures } from "../../src/replication/storage_failures.ts";
import { SlicedWork } from "../../src/log/sliced_work.ts";
import type { BrokerServices } from "../../src/broker/services.ts";
import { assert } from "@std/assert";
import type { AppendResult } from "../../src/log/partition_log.ts";
import type { LogConfig } from "../../src/log/log_config.ts";
import type { Api } from "../../src/protocol/api.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import type { Clock, FileSystem, Runtime } from "../../src/runtime/runtime.ts";
import { codecs, Machine } from "../log/fixture.ts";
import { type ManualClock, manualClock } from "./manual_clock.ts";

/** The id of the one topic. */
export const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAEA";
/** The id of the node. */
export const NODE_ID = 1;

/** Append options of a request with acks=all. */
export const ACKS_ALL: ProduceOptions = { allReplicas: true, allowZstd: true };
/** Append options of a request with acks=1. */
export const ACKS_LEADER: ProduceOptions = { allReplicas: false, allowZstd: true };

/** A node with replicas of partitions of the topic "events". */
export class DirectBroker {
  readonly clock: ManualClock = manualClock();
  readonly machine = new Machine();
  readonly partitions = new PartitionTable();
  readonly needs: PartitionNeeds = needsWith(this.clock);
  readonly #sessions = new FetchSessions(
    this.clock,
    { fill: (target) => target, below: () => 41 },
    () => 10,
  );

  /** Adds partition 0, which this node leads alone in the ISR unless `state` says otherwise. */
  add(config: Partial<LogConfig> = {}, state: Partial<LeaderState> = {}): Partition {
    const partition = this.addFollower({ log: this.machine.open(config) });
    partition.becomeLeader(stateOf(state));
    return partition;
  }

  /** Adds partition 0, whose leader is not known yet. */
  addFollower(options: Partial<PartitionOptions> = {}): Partition {
    const partition = new Partition({
      topic: "events",
      topicId: TOPIC_ID,
      index: 0,
      nodeId: NODE_ID,
      isInternal: false,
      minInsyncReplicas: 1,
      storedHighWatermark: -1,
      log: options.log ?? this.machine.open(),
      ...options,
    }, this.needs);
    this.partitions.add(partition);
    return partition;
  }

  /** Has all files go through `files`. Call it before {@linkcode DirectBroker.add}. */
  use<Files extends FileSystem>(make: (under: FileSystem) => Files): Files {
    const files = make(this.machine.files);
    this.machine.files = files;
    return files;
  }

  /** Hands a request to its handler, as it would come off the wire, and returns the answer. */
  async ask<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    handler: Handler<BrokerServices>,
    apiVersion: number,
    request: QI,
  ): Promise<RO> {
    const answer = await this.start(api, handler, apiVersion, request);
    const bytes = new ByteWriter();
    api.responseCodec(apiVersion).write(bytes, answer as RI);
    return api.responseCodec(apiVersion).read(new ByteReader(bytes.toBytes()));
  }

  /** As {@linkcode DirectBroker.ask}, and returns what the handler returns. */
  start<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    handler: Handler<BrokerServices>,
    apiVersion: number,
    request: QI,
  ): unknown {
    const writer = new ByteWriter();
    api.requestCodec(apiVersion).write(writer, request);
    const decoded = api.requestCodec(apiVersion).read(new ByteReader(writer.toBytes()));
    return handler.handle(decoded, this.#context(apiVersion));
  }

  #context(apiVersion: number): RequestContext<BrokerServices> {
    const services: Partial<BrokerServices> = {
      nodeId: NODE_ID,
      partitions: this.partitions,
      slicedWork: this.needs.slicedWork,
      fetchSessions: this.#sessions,
      config: new BrokerConfig({}),
      codecs: () => codecs,
      runtime: { clock: this.clock } as unknown as Runtime,
    };
    return {
      apiVersion,
      clientId: "direct",
      connection: {} as RequestContext<BrokerServices>["connection"],
      services: services as BrokerServices,
      servedApis: [],
      holdFrame: () => {},
    };
  }
}

/** What partitions share on a node whose failures nobody reads. */
export function needsWith(clock: Clock): PartitionNeeds {
  return {
    flusher: new PartitionFlusher(clock),
    slicedWork: new SlicedWork(clock),
    failures: new StorageFailures(clock, () => {}),
  };
}

/** What the metadata say of a partition that this node leads alone, but for `state`. */
export function stateOf(state: Partial<LeaderState> = {}): LeaderState {
  return { leaderEpoch: 0, replicas: [NODE_ID], isr: [NODE_ID], ...state };
}

/** Appends a batch that is small enough for one turn of the event loop. */
export function appendTo(
  partition: Partition,
  records: Uint8Array,
  options: ProduceOptions = ACKS_ALL,
): AppendResult {
  const result = partition.append(records, options);
  assert(!(result instanceof Promise), "the batch is large");
  return result;
}

/** Lets all promises that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
