/**
 * Request handlers called without a socket: the test owns the logs, the clock and what the metadata
 * say of each partition, such as an ISR of two.
 *
 * @module
 */
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { FetchSessions } from "../../src/broker/fetch_sessions.ts";
import { Partition, type PartitionState } from "../../src/replication/partition.ts";
import { Partitions } from "../../src/replication/partition_table.ts";
import type { Handler, RequestContext } from "../../src/network/server/handler.ts";
import type { BrokerServices } from "../../src/broker/services.ts";
import type { LogConfig } from "../../src/log/log_config.ts";
import type { Api } from "../../src/protocol/api.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import type { FileSystem, Runtime } from "../../src/runtime/runtime.ts";
import { codecs, Machine } from "../log/fixture.ts";
import { type ManualClock, manualClock } from "./manual_clock.ts";

/** The id of the one topic. */
export const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAEA";
const NODE_ID = 1;

/** A node that leads partitions of the topic "events". */
export class DirectBroker {
  readonly clock: ManualClock = manualClock();
  readonly machine = new Machine();
  readonly partitions = new Partitions(this.clock, () => {});
  readonly #sessions = new FetchSessions(
    this.clock,
    { fill: (target) => target, below: () => 41 },
    () => 10,
  );

  /** Adds partition 0, alone in its ISR unless `state` says otherwise. */
  add(config: Partial<LogConfig> = {}, state: Partial<PartitionState> = {}): Partition {
    const log = this.machine.open(config);
    const partition = new Partition(log, stateOf(state), NODE_ID);
    this.partitions.add("events", TOPIC_ID, 0, partition);
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
    const writer = new ByteWriter();
    api.requestCodec(apiVersion).write(writer, request);
    const decoded = api.requestCodec(apiVersion).read(new ByteReader(writer.toBytes()));
    const answer = await handler.handle(decoded, this.#context(apiVersion));
    const bytes = new ByteWriter();
    api.responseCodec(apiVersion).write(bytes, answer as RI);
    return api.responseCodec(apiVersion).read(new ByteReader(bytes.toBytes()));
  }

  #context(apiVersion: number): RequestContext<BrokerServices> {
    const services: Partial<BrokerServices> = {
      nodeId: NODE_ID,
      partitions: this.partitions,
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

/** What the metadata say of a partition that this node leads alone, but for `state`. */
export function stateOf(state: Partial<PartitionState> = {}): PartitionState {
  return {
    leader: NODE_ID,
    leaderEpoch: 0,
    replicas: [NODE_ID],
    isr: [NODE_ID],
    minInsyncReplicas: 1,
    ...state,
  };
}

/** Lets all promises that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
