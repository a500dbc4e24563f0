/**
 * The requests of the quorum and their answers, as the core sees them: without versions, topics and
 * cluster ids, which the shell adds and checks.
 *
 * @module
 */
import type { ErrorCode } from "../../protocol/errors.ts";
import type { SnapshotId } from "./epoch_log.ts";
import type { ReplicaKey, Voter, VoterEndpoint } from "./voter_set.ts";

/** Asks for a vote (KIP-595), or for the promise of one (pre-vote, KIP-996). */
export interface VoteRequest {
  readonly type: "vote";
  /** The epoch of the election; for a pre-vote the sender's own epoch, which it has not increased. */
  readonly epoch: number;
  readonly candidate: ReplicaKey;
  readonly voter: ReplicaKey;
  readonly lastEpoch: number;
  readonly endOffset: number;
  readonly isPreVote: boolean;
}

/** Announces a new leader. */
export interface BeginQuorumEpochRequest {
  readonly type: "begin-quorum-epoch";
  readonly epoch: number;
  readonly leaderId: number;
  readonly voter: ReplicaKey;
  readonly endpoints: readonly VoterEndpoint[];
}

/** Announces that a leader gives up. */
export interface EndQuorumEpochRequest {
  readonly type: "end-quorum-epoch";
  readonly epoch: number;
  readonly leaderId: number;
  /** The other voters, the one with the longest log first. */
  readonly successors: readonly ReplicaKey[];
  readonly endpoints: readonly VoterEndpoint[];
}

/** Asks for the records from `offset` on, and acknowledges those before. */
export interface FetchRequest {
  readonly type: "fetch";
  readonly epoch: number;
  /** The id is -1 for a reader that is not a replica. */
  readonly replica: ReplicaKey;
  readonly offset: number;
  /** The epoch of the record before `offset`. */
  readonly lastEpoch: number;
  /** The sender's high watermark; infinite if the version of the request has none. */
  readonly highWatermark: number;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
}

/** Asks for a part of a snapshot (KIP-630). */
export interface FetchSnapshotRequest {
  readonly type: "fetch-snapshot";
  readonly epoch: number;
  readonly replica: ReplicaKey;
  readonly id: SnapshotId;
  readonly position: number;
  readonly maxBytes: number;
}

/** Adds a voter (KIP-853). */
export interface AddVoterRequest {
  readonly type: "add-voter";
  readonly voter: ReplicaKey;
  readonly endpoints: readonly VoterEndpoint[];
  /** Whether the answer waits until the change is committed. */
  readonly waitsForCommit: boolean;
}

/** Removes a voter (KIP-853). */
export interface RemoveVoterRequest {
  readonly type: "remove-voter";
  readonly voter: ReplicaKey;
}

/** Reports the endpoints and versions of a voter to the leader (KIP-853). */
export interface UpdateVoterRequest {
  readonly type: "update-voter";
  readonly epoch: number;
  readonly voter: Voter;
}

/** A request that one replica sends to another. */
export type PeerRequest =
  | VoteRequest
  | BeginQuorumEpochRequest
  | EndQuorumEpochRequest
  | FetchRequest
  | FetchSnapshotRequest
  | UpdateVoterRequest;

/** A request to a replica, from another one or from an operator's tool. */
export type RaftRequest = PeerRequest | AddVoterRequest | RemoveVoterRequest;

/** The leader that a replica knows, in all answers. */
export interface KnownLeader {
  readonly epoch: number;
  /** -1 for none. */
  readonly leaderId: number;
  /** Empty if they are not known. */
  readonly endpoints: readonly VoterEndpoint[];
}

/** The common part of answers. */
interface Answer {
  readonly errorCode: ErrorCode;
  readonly errorMessage?: string;
  readonly leader: KnownLeader;
}

/** A control record of the quorum. */
export type ControlRecord =
  | {
    readonly type: "leader-change";
    readonly leaderId: number;
    readonly voters: readonly ReplicaKey[];
    readonly grantingVoters: readonly ReplicaKey[];
  }
  | { readonly type: "kraft-version"; readonly level: number }
  | { readonly type: "voters"; readonly voters: readonly Voter[] };

/** A batch that was read from another replica's log. */
export interface FetchedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  /** The records about the quorum in it. */
  readonly control: readonly ControlRecord[];
  readonly bytes: Uint8Array;
}

/** An answer to a vote request. */
export interface VoteAnswer extends Answer {
  readonly type: "vote";
  readonly isGranted: boolean;
}

/** An answer to BeginQuorumEpoch. */
export interface BeginQuorumEpochAnswer extends Answer {
  readonly type: "begin-quorum-epoch";
}

/** An answer to EndQuorumEpoch. */
export interface EndQuorumEpochAnswer extends Answer {
  readonly type: "end-quorum-epoch";
}

/** What a fetch found, apart from records. */
export interface FetchOutcome extends Answer {
  readonly type: "fetch";
  /** -1 if unknown. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Where the sender's log leaves this one, or null. */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null;
  /** The snapshot to fetch instead, or null. */
  readonly snapshotId: SnapshotId | null;
}

/** An answer to a fetch as it is received. */
export interface FetchAnswer extends FetchOutcome {
  readonly batches: readonly FetchedBatch[];
}

/** An answer to FetchSnapshot as it is received. */
export interface FetchSnapshotAnswer extends Answer {
  readonly type: "fetch-snapshot";
  readonly id: SnapshotId;
  /** The whole snapshot's size in bytes. */
  readonly size: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** An answer to UpdateRaftVoter. */
export interface UpdateVoterAnswer extends Answer {
  readonly type: "update-voter";
}

/** An answer of another replica. */
export type PeerAnswer =
  | VoteAnswer
  | BeginQuorumEpochAnswer
  | EndQuorumEpochAnswer
  | FetchAnswer
  | FetchSnapshotAnswer
  | UpdateVoterAnswer;

/** Why a request was not answered. */
export interface RequestFailure {
  readonly type: "failure";
  /**
   * `refused`: nothing listens at the address, so the process has ended. `disconnected`: the connection
   * ended. `unsupported`: the peer does not serve the request.
   */
  readonly reason: "refused" | "disconnected" | "timeout" | "unsupported" | "unreadable";
}

/** An answer to give to another replica or a tool, which the shell completes by what it reads. */
export type OwnAnswer =
  | VoteAnswer
  | BeginQuorumEpochAnswer
  | EndQuorumEpochAnswer
  | FetchOutcome & {
    /** The records to read, or null for none. */
    readonly read: { readonly offset: number; readonly maxBytes: number } | null;
  }
  | Answer & {
    readonly type: "fetch-snapshot";
    readonly id: SnapshotId;
    /** The bytes to read, or null for none. */
    readonly read: { readonly position: number; readonly maxBytes: number } | null;
  }
  | Answer & { readonly type: "add-voter" | "remove-voter" | "update-voter" };
