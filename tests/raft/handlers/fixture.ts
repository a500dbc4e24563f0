/**
 * A replica of the quorum whose answers are given by the test, behind the handlers of the quorum.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Handler } from "../../../src/network/server/handler.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { type ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import type { RaftStatus } from "../../../src/raft/core/core.ts";
import type { KnownLeader, RaftRequest } from "../../../src/raft/core/messages.ts";
import { type Voter, VoterSet } from "../../../src/raft/core/voter_set.ts";
import type { RaftReply, RaftRequests } from "../../../src/raft/requests.ts";
import { manualClock } from "../../broker/manual_clock.ts";
import { askHandler, CONNECTION } from "../../network/server/ask_handler.ts";

/** The cluster of {@linkcode FakeReplica}. */
export const CLUSTER_ID = "mNqpVLkdT-CVXwHcSWp0Bw";
/** Directory ids of three replicas. */
export const DIRECTORIES: readonly string[] = [
  "fhYb7GWTQ0qGlWhpEBKqkA",
  "K2cnTvHyQxq3oUBLrBqzkA",
  "pVGaC0cbTU6-Za7GY3oWQA",
];
/** What senders of requests add to them. The listener is that of requests by `askHandler`. */
export const SENDER = { clusterId: CLUSTER_ID, listener: CONNECTION.listener };

/** Returns voter `id`, 1 to 3. */
export function voter(id: number): Voter {
  return {
    id,
    directoryId: DIRECTORIES[id - 1]!,
    endpoints: [
      { name: "INTERNAL", host: `node${id}`, port: 9193 },
      { name: CONNECTION.listener, host: `node${id}.example`, port: 9093 },
    ],
    kraftVersions: { min: 0, max: 1 },
  };
}

/** The leader in answers: node 2 with both of its endpoints. */
export const LEADER: KnownLeader = { epoch: 7, leaderId: 2, endpoints: voter(2).endpoints };

/** Returns {@linkcode LEADER} as a peer learns it in `version`, the endpoint from `first` on. */
export function learntLeader(version: number, first: number = 1): KnownLeader {
  return { ...LEADER, endpoints: version >= first ? [LEADER.endpoints[1]!] : [] };
}

/** A status of node 1, which follows node 2. */
export const STATUS: RaftStatus = {
  role: "follower",
  epoch: 7,
  leaderId: 2,
  leaderEndpoints: voter(2).endpoints,
  isActive: false,
  highWatermark: 90,
  logStartOffset: 10,
  logEndOffset: 100,
  durableOffset: 100,
  voters: new VoterSet([1, 2, 3].map(voter)),
  kraftVersion: 1,
  replicas: [],
};

/** Node 1 as the handlers see it. */
export class FakeReplica implements RaftRequests {
  readonly clusterId = CLUSTER_ID;
  readonly nodeId = 1;
  readonly requests: RaftRequest[] = [];
  readonly clock = manualClock();
  status: RaftStatus = STATUS;
  nowMs = 5_000;
  /** The answer to every request. A test that expects none leaves the error. */
  reply: RaftReply | Error | Promise<RaftReply> = new Error("The request is not expected");

  request(request: RaftRequest): Promise<RaftReply> {
    this.requests.push(request);
    return this.reply instanceof Error ? Promise.reject(this.reply) : Promise.resolve(this.reply);
  }

  /** Makes `answer` that of every request. */
  answer(
    answer: RaftReply["answer"],
    extra: Partial<Omit<RaftReply, "answer">> = {},
  ): void {
    this.reply = { answer, records: null, snapshotPart: null, ...extra };
  }

  /** Asks a handler and returns its answer. */
  ask<QO, QI, RO, RI>(
    handler: Handler<{ readonly raft: RaftRequests; readonly clock: FakeReplica["clock"] }>,
    api: Api<QO, QI, RO, RI>,
    version: number,
    request: QI,
  ): Promise<RO> {
    return askHandler(handler, api, version, request, {
      services: { raft: this, clock: this.clock },
    });
  }
}

/** A response with an error for the whole request. */
interface Failed {
  readonly errorCode: number;
}

/**
 * Asserts that each request is refused as a whole with the error of that name, without a question to the
 * replica.
 */
export async function assertRefused<Q>(
  ask: (replica: FakeReplica, request: Q) => Promise<Failed>,
  expected: keyof typeof ErrorCode,
  requests: Record<string, Q>,
): Promise<void> {
  for (const [what, request] of Object.entries(requests)) {
    const replica = new FakeReplica();
    const { errorCode } = await ask(replica, request);
    assertEquals([what, errorName(errorCode), replica.requests], [what, expected, []]);
  }
}

/** Returns `topics` changed in the ways that no request of the quorum may have. */
export function otherPartitions<P, T extends { readonly partitions: readonly P[] }>(
  [topic]: readonly [T],
  { renamed, renumbered }: { readonly renamed: Partial<T>; readonly renumbered: Partial<P> },
): Record<string, T[]> {
  const [partition] = topic.partitions as [P];
  return {
    "no topic": [],
    "two topics": [topic, topic],
    "another topic": [{ ...topic, ...renamed }],
    "no partition": [{ ...topic, partitions: [] }],
    "two partitions": [{ ...topic, partitions: [partition, partition] }],
    "another partition": [{ ...topic, partitions: [{ ...partition, ...renumbered }] }],
  };
}
