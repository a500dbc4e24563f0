/**
 * What request handlers need of a replica of the quorum.
 *
 * @module
 */
import type { RaftStatus } from "./core/core.ts";
import type { OwnAnswer, RaftRequest } from "./core/messages.ts";

/** An answer of a replica, with the bytes that belong to it. */
export interface RaftReply {
  readonly answer: OwnAnswer;
  /** The records of a fetch: whole batches. Empty for other requests. */
  readonly records: Uint8Array;
  /** The part of a snapshot that was asked for, or null. */
  readonly snapshot: { readonly size: number; readonly bytes: Uint8Array } | null;
}

/** A replica of the quorum as request handlers see it. */
export interface RaftRequests {
  readonly clusterId: string;
  readonly status: RaftStatus;
  /** Resolves with the answer, which may take as long as the request allows. */
  request(request: RaftRequest): Promise<RaftReply>;
}
