/**
 * The role of one replica of a partition, and its high watermark: which requests the replica may
 * serve and which of its records every in-sync replica has. Pure: transitions come in, effects go
 * out, without a log, a clock or a promise.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

/** A partition whose leader is this node, as the cluster's metadata describe it. */
export interface LeaderState {
  readonly leaderEpoch: number;
  /** The ids of the nodes with a replica. */
  readonly replicas: readonly number[];
  /** The ids of the nodes whose replicas are in sync. */
  readonly isr: readonly number[];
}

/** A partition whose leader is another node, as the cluster's metadata describe it. */
export interface FollowerState {
  readonly leaderEpoch: number;
  /** The id of the leader, or -1 while there is none. */
  readonly leader: number;
}

/** What a replica is. */
export type Role =
  | { readonly type: "leader" } & LeaderState
  | { readonly type: "follower" } & FollowerState
  | {
    readonly type: "offline";
    readonly leaderEpoch: number;
    /** The answer to every request for the partition. */
    readonly error: KafkaError;
  };

/**
 * What a transition asks of its caller, in this order:
 *
 * - `begin-epoch`: record in the log that `leaderEpoch` begins at its end, before the next append.
 * - `fail-waiting`: answer the produce requests that wait for the high watermark with `error`.
 * - `notify-readers`: a read may have another answer than before.
 */
export type Effect =
  | { readonly type: "begin-epoch"; readonly leaderEpoch: number }
  | { readonly type: "fail-waiting"; readonly error: KafkaError }
  | { readonly type: "notify-readers" };

const NO_LEADER = -1;
const NO_EPOCH = -1;
const NOTIFY_READERS: Effect = { type: "notify-readers" };

/** Decides what one replica does. A new one is a follower that knows no leader. */
export class ReplicaRole {
  readonly #name: string;
  readonly #nodeId: number;
  #role: Role = { type: "follower", leaderEpoch: NO_EPOCH, leader: NO_LEADER };
  #isOnlyInSync = false;
  #highWatermark: number;

  /** `name` is the partition's, as in `"events-0"`; `highWatermark` is the one last stored. */
  constructor(name: string, nodeId: number, highWatermark: number) {
    this.#name = name;
    this.#nodeId = nodeId;
    this.#highWatermark = highWatermark;
  }

  /** What the replica is now. */
  get role(): Role {
    return this.#role;
  }

  /** The offset before which every in-sync replica has the records. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** Leads the partition from now on. `latestEpoch` is the newest leader epoch in the log, or -1. */
  becomeLeader(state: LeaderState, latestEpoch: number): Effect[] {
    const { leaderEpoch, replicas, isr } = state;
    const isNew = this.#role.type !== "leader" || this.#role.leaderEpoch !== leaderEpoch;
    this.#change({ type: "leader", leaderEpoch, replicas, isr });
    if (latestEpoch < leaderEpoch) return [{ type: "begin-epoch", leaderEpoch }, NOTIFY_READERS];
    return isNew ? [NOTIFY_READERS] : [];
  }

  /** Follows another node from now on. */
  becomeFollower({ leaderEpoch, leader }: FollowerState): Effect[] {
    const { type, leaderEpoch: before } = this.#role;
    this.#change({ type: "follower", leaderEpoch, leader });
    if (type === "follower" && before === leaderEpoch) return [];
    return [{ type: "fail-waiting", error: this.#notLeader() }, NOTIFY_READERS];
  }

  /** Serves nothing from now on: every request is answered with `error`. */
  becomeOffline(error: KafkaError): Effect[] {
    this.#change({ type: "offline", leaderEpoch: this.#role.leaderEpoch, error });
    return [{ type: "fail-waiting", error }, NOTIFY_READERS];
  }

  /**
   * This replica's records before `endOffset` count as stored: in its log, or, where that is required,
   * on its disk. Returns whether the high watermark has risen.
   */
  onStored(endOffset: number): boolean {
    if (!this.#isOnlyInSync || endOffset <= this.#highWatermark) return false;
    this.#setHighWatermark(endOffset);
    return true;
  }

  /** Returns the leader epoch. Throws NOT_LEADER_OR_FOLLOWER, or why the replica is offline. */
  checkLeader(): number {
    if (this.#role.type === "leader") return this.#role.leaderEpoch;
    throw this.#role.type === "offline" ? this.#role.error : this.#notLeader();
  }

  /**
   * As {@linkcode ReplicaRole.checkLeader}, for a request of a client that knows the leader epoch
   * `known`, or none at -1. Throws FENCED_LEADER_EPOCH for an older epoch and UNKNOWN_LEADER_EPOCH for
   * a newer one (KIP-320), whatever the role, as Apache Kafka does.
   */
  checkLeaderEpoch(known: number): number {
    const { type, leaderEpoch } = this.#role;
    if (known < 0 || known === leaderEpoch || type === "offline") return this.checkLeader();
    throw known < leaderEpoch
      ? new KafkaError(
        ErrorCode.FENCED_LEADER_EPOCH,
        `Leader epoch ${known} of ${this.#name} is over, it is ${leaderEpoch}: fetch metadata`,
      )
      : new KafkaError(
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        `Leader epoch ${known} of ${this.#name} is not known here yet, it is ${leaderEpoch}`,
      );
  }

  /** Throws UNKNOWN_LEADER_EPOCH unless node `id` has another replica of this partition. */
  checkReplica(id: number): void {
    const role = this.#role;
    if (role.type === "leader" && id !== this.#nodeId && role.replicas.includes(id)) return;
    throw new KafkaError(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
      `Cannot serve ${this.#name} to node ${id} as a replica: the metadata here name no such replica`,
    );
  }

  /**
   * Throws NOT_ENOUGH_REPLICAS while fewer replicas than `minInsyncReplicas` are in sync. A partition
   * with fewer replicas than that needs all of them.
   */
  checkInSync(minInsyncReplicas: number): void {
    const role = this.#role;
    if (role.type !== "leader") return;
    const needed = Math.min(minInsyncReplicas, role.replicas.length);
    const inSync = role.isr.length;
    if (inSync >= needed) return;
    throw new KafkaError(
      ErrorCode.NOT_ENOUGH_REPLICAS,
      `${this.#name} has ${inSync} in-sync replicas, min.insync.replicas is ${needed}`,
    );
  }

  #change(role: Role): void {
    assert(
      role.leaderEpoch >= this.#role.leaderEpoch,
      `the leader epoch of ${this.#name} went back from ${this.#role.leaderEpoch} to ${role.leaderEpoch}`,
    );
    this.#role = role;
    this.#isOnlyInSync = role.type === "leader" && role.isr.length === 1 &&
      role.isr[0] === this.#nodeId;
  }

  #notLeader(): KafkaError {
    return new KafkaError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `This node does not lead ${this.#name}: fetch metadata`,
    );
  }

  /** The only place where the high watermark changes. */
  #setHighWatermark(offset: number): void {
    assert(
      offset >= this.#highWatermark,
      `the high watermark of ${this.#name} went back from ${this.#highWatermark} to ${offset}`,
    );
    this.#highWatermark = offset;
  }
}
