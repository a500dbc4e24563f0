/**
 * Calls request handlers without a socket: the test owns the logs, the clock and the metadata of each
 * partition, such as an ISR of two.
 *
 * @module
 */
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { FetchSessionCache } from "../../src/broker/fetch_session_cache.ts";
import { Partition } from "../../src/replication/partition.ts";
import type { Handler } from "../../src/network/server/handler.ts";
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
import { assert } from "@std/assert";
import type { AppendResult } from "../../src/log/partition_log.ts";
import type { LogConfig } from "../../src/log/log_config.ts";
import type { Api } from "../../src/protocol/api.ts";
import type { Clock, FileSystem } from "../../src/runtime/runtime.ts";
import { codecs, Machine } from "../log/fixture.ts";
import { askHandler, startHandler } from "../network/server/ask_handler.ts";
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
  readonly services = {
    nodeId: NODE_ID,
    clock: this.clock,
    partitions: this.partitions,
    slicedWork: this.needs.slicedWork,
    fetchSessions: new FetchSessionCache(
      this.clock,
      { fill: (target) => target, below: () => 41 },
      () => 10,
    ),
    config: new BrokerConfig({}),
    codecs: () => codecs,
  };

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

  /** Wraps the file system. Call it before {@linkcode DirectBroker.add}. */
  use<Files extends FileSystem>(make: (under: FileSystem) => Files): Files {
    const files = make(this.machine.files);
    this.machine.files = files;
    return files;
  }

  /** Asks a handler and returns its answer. */
  ask<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    handler: Handler<DirectBroker["services"]>,
    apiVersion: number,
    request: QI,
  ): Promise<RO> {
    return askHandler(handler, api, apiVersion, request, { services: this.services });
  }

  /** Returns whether a handler answers in the turn in which it is asked. */
  answersAtOnce<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    handler: Handler<DirectBroker["services"]>,
    apiVersion: number,
    request: QI,
  ): boolean {
    let isAnswered = false;
    startHandler(handler, api, apiVersion, request, {
      services: this.services,
      onAnswer: () => isAnswered = true,
      onFatal: (error) => {
        throw error;
      },
    });
    return isAnswered;
  }
}

/** Returns what partitions share, on a node that does not log failures. */
export function needsWith(clock: Clock): PartitionNeeds {
  return {
    flusher: new PartitionFlusher(clock),
    slicedWork: new SlicedWork(clock),
    failures: new StorageFailures(clock, () => {}),
  };
}

/** Returns the state of a partition that this node leads alone, changed by `state`. */
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

/** Runs microtasks until every promise that can settle has settled. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
