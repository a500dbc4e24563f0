/**
 * The effects of the core, which the shell executes in their order.
 *
 * @module
 */
import type { Address } from "../../runtime/runtime.ts";
import type { SnapshotId } from "./epoch_log.ts";
import type { ControlRecord, FetchedBatch, OwnAnswer, PeerRequest } from "./messages.ts";
import type { ReplicaKey, Voter } from "./voter_set.ts";

/** The state that must survive a restart, in Kafka's `quorum-state`. */
export interface DurableState {
  readonly epoch: number;
  /** -1 for none. */
  readonly leaderId: number;
  /** The replica that got the vote of this epoch, or null. */
  readonly voted: ReplicaKey | null;
}

/** A node to send a request to. */
export interface Destination {
  /** The node's id; negative for a bootstrap server, of which only the address is known. */
  readonly id: number;
  readonly address: Address;
}

/**
 * An effect of the core.
 *
 * The obligations of the shell:
 *
 * - `save`, `append*` and `truncate*` are executed in order and reported by `saved()` and `persisted()` when
 *   they are durable.
 * - `send` and `answer` with `requires: n` leave only when the state of the `save` with sequence `n` is
 *   durable. Everything that another replica can see depends on this.
 * - A failure to write ends the replica.
 */
export type Effect =
  /** Saves the state durably. Report `saved(sequence)`. A later state may be saved instead of this one. */
  | { readonly type: "save"; readonly sequence: number; readonly state: DurableState }
  /** Appends proposed records, and flushes. Report `persisted()`. */
  | {
    readonly type: "append";
    readonly baseOffset: number;
    readonly epoch: number;
    readonly payload: Uint8Array;
  }
  /** Appends one batch of control records, and flushes. Report `persisted()`. */
  | {
    readonly type: "append-control";
    readonly baseOffset: number;
    readonly epoch: number;
    readonly records: readonly ControlRecord[];
  }
  /** Appends what the leader sent, as it is, and flushes. Report `persisted()`. */
  | { readonly type: "append-fetched"; readonly batches: readonly FetchedBatch[] }
  /** Removes the records at `endOffset` and after, durably. */
  | { readonly type: "truncate"; readonly endOffset: number }
  /** Replaces the log by a snapshot that was fetched and published. */
  | { readonly type: "truncate-fully"; readonly id: SnapshotId }
  /** Writes a part of a snapshot into its `.part` file, which begins anew at position 0. */
  | {
    readonly type: "write-snapshot";
    readonly id: SnapshotId;
    readonly position: number;
    readonly bytes: Uint8Array;
  }
  /** Verifies and publishes a fetched snapshot. Report `snapshotFetched()` or `snapshotRejected()`. */
  | { readonly type: "publish-snapshot"; readonly id: SnapshotId }
  /** Sends a request. Report `answered()` once. */
  | {
    readonly type: "send";
    readonly requires: number;
    readonly correlationId: number;
    readonly to: Destination;
    readonly request: PeerRequest;
  }
  /** Answers a request. The shell reads records and parts of snapshots when it executes the effect. */
  | {
    readonly type: "answer";
    readonly requires: number;
    readonly token: number;
    readonly answer: OwnAnswer;
  }
  /** Asks a replica which levels of `kraft.version` it supports. Report `probed()`. */
  | {
    readonly type: "probe";
    readonly token: number;
    readonly voter: ReplicaKey;
    readonly address: Address;
  }
  /** The records below `offset` are committed. */
  | { readonly type: "committed"; readonly offset: number }
  /** The leader or the epoch has changed. `leaderId` is -1 while none is known. */
  | { readonly type: "leader"; readonly epoch: number; readonly leaderId: number }
  /**
   * This replica leads, and everything before `startOffset`, the first record of its epoch, is committed:
   * a state machine that has applied it may decide.
   */
  | { readonly type: "active"; readonly epoch: number; readonly startOffset: number }
  /** This replica leads no more. Its proposals that are not committed may be lost. */
  | { readonly type: "inactive"; readonly epoch: number }
  /** The voter set or `kraft.version` in force has changed. */
  | {
    readonly type: "voters";
    readonly voters: readonly Voter[];
    readonly kraftVersion: number;
  }
  /** A message for the node's log. */
  | { readonly type: "notice"; readonly level: "info" | "warn"; readonly text: string };
