/**
 * The requests of other replicas and of tools as a replica serves them: what the handlers in `handlers/`
 * need from it.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { RecordsSource } from "../protocol/records_source.ts";
import type { RaftStatus } from "./core/core.ts";
import type { OwnAnswer, RaftRequest } from "./core/messages.ts";

/** A part of a snapshot. */
export interface SnapshotPart {
  /** The size of the whole snapshot in bytes. */
  readonly size: number;
  /** The bytes from the requested position on; empty at the snapshot's end and beyond. */
  readonly bytes: Uint8Array | RecordsSource;
}

/** A complete answer to a request. */
export interface RaftReply {
  readonly answer: OwnAnswer;
  /** The records that a fetch asked for: whole batches. Null if the answer has none to read. */
  readonly records: Uint8Array | RecordsSource | null;
  /** What FetchSnapshot asked for. Null if the answer has none to read, or if the snapshot is gone. */
  readonly snapshotPart: SnapshotPart | null;
}

/** A replica of the quorum as its request handlers see it. */
export interface RaftRequests {
  readonly clusterId: string;
  readonly nodeId: number;
  /**
   * Answers a request. Resolves when everything that the answer depends on is durable; a fetch may wait for
   * records until then. Rejects with a `KafkaError` if the replica has ended.
   */
  request(request: RaftRequest): Promise<RaftReply>;
  /** What the replica knows at present. */
  readonly status: RaftStatus;
  /** The present time on the clock that the times in {@linkcode RaftRequests.status} refer to, in ms. */
  readonly nowMs: number;
}

/** The dependencies of the handlers of the quorum. */
export interface RaftNeeds {
  readonly raft: RaftRequests;
}

/** Returns the answer in `reply`. Throws an AssertionFailure if it is one to another kind of request. */
export function answerOf<T extends OwnAnswer["type"]>(
  { answer }: RaftReply,
  type: T,
): OwnAnswer & { readonly type: T } {
  assert(answer.type === type, `A request of type ${type} was answered with ${answer.type}`);
  return answer as OwnAnswer & { readonly type: T };
}
