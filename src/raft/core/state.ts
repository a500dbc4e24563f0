/**
 * The state of a replica of the quorum, which the functions of this folder change.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import type { Address } from "../../runtime/runtime.ts";
import type { DurableState, Effect } from "./effects.ts";
import type { EpochLog, SnapshotId } from "./epoch_log.ts";
import type { LeaderState } from "./leader_state.ts";
import type { KnownLeader, OwnAnswer } from "./messages.ts";
import { Peers } from "./peers.ts";
import { FIRST_ELECTION_WAIT_MS, type RaftTiming } from "./timing.ts";
import type { VoteTally } from "./vote_tally.ts";
import type { VoterHistory } from "./voter_history.ts";
import { isSameReplica, type ReplicaKey, type VoterEndpoint, type VoterSet } from "./voter_set.ts";

/** A replica that neither leads nor follows. It may know who leads, but not where. */
export interface Unattached {
  readonly name: "unattached";
  /** When a voter begins an election. */
  electionAt: number;
}

/** A voter that asks whether it would be elected (KIP-996). */
export interface Prospective {
  readonly name: "prospective";
  readonly tally: VoteTally;
  giveUpAt: number;
}

/** A voter that asks for votes. */
export interface Candidate {
  readonly name: "candidate";
  readonly tally: VoteTally;
  giveUpAt: number;
}

/** A replica that fetches from the leader of its epoch. */
export interface Follower {
  readonly name: "follower";
  /** When a voter gives the leader up. */
  electionAt: number;
  /** Whether the leader has answered a fetch since it was last heard to be in trouble. */
  hasFetched: boolean;
  /** The snapshot that is being fetched. */
  snapshot: { readonly id: SnapshotId; position: number; isComplete: boolean } | null;
  /** When a voter reports changed endpoints to the leader. */
  updateVoterAt: number;
}

/** A leader that has given up. It tells the other voters until they have heard it. */
export interface Resigned {
  readonly name: "resigned";
  /** When it goes on to the next epoch. */
  endAt: number;
  readonly successors: readonly ReplicaKey[];
  /** The voters that have not heard it yet. */
  readonly unheard: Set<number>;
}

/** The role of a replica in its epoch. Voted is none: the vote is a field of the state. */
export type Role = Unattached | Prospective | Candidate | Follower | LeaderState | Resigned;

/** The parts of a replica's configuration that the core needs. */
export interface RaftIdentity extends ReplicaKey {
  /** Its endpoints on controller listeners; empty for a node that can only observe. */
  readonly endpoints: readonly VoterEndpoint[];
  /** Whether it may vote: whether the node has the controller role. */
  readonly canVote: boolean;
  readonly kraftVersions: { readonly min: number; readonly max: number };
}

/** The environment of a replica. */
export interface RaftEnvironment {
  readonly timing: RaftTiming;
  /** Returns a random integer from 0 to `bound` - 1. */
  readonly below: (bound: number) => number;
  /** Where to ask for a leader. */
  readonly bootstrapServers: readonly Address[];
}

/** The mutable state of a replica. Only {@linkcode RaftCore} and the functions of this folder change it. */
export class RaftState {
  readonly self: RaftIdentity;
  readonly timing: RaftTiming;
  readonly below: (bound: number) => number;
  readonly bootstrapServers: readonly Address[];
  readonly log: EpochLog;
  readonly history: VoterHistory;
  readonly peers: Peers;
  role: Role = { name: "unattached", electionAt: Infinity };
  epoch = 0;
  leaderId = -1;
  /** Where the leader was said to be, by itself or by others. */
  leaderEndpoints: readonly VoterEndpoint[] = [];
  voted: ReplicaKey | null = null;
  /** The offset below which records are committed, as far as this replica knows; -1 at first. */
  highWatermark = -1;
  now = 0;
  /** Attempts to become leader since a leader was known. */
  attempts = 0;
  isShuttingDown = false;
  #savedSequence = 0;
  #sequence = 0;
  #lastSaved: DurableState | null = null;
  #wakeAt = Infinity;
  #effects: Effect[] = [];

  constructor(
    self: RaftIdentity,
    { timing, below, bootstrapServers }: RaftEnvironment,
    log: EpochLog,
    history: VoterHistory,
  ) {
    this.self = self;
    this.timing = timing;
    this.below = below;
    this.bootstrapServers = bootstrapServers;
    this.log = log;
    this.history = history;
    this.peers = new Peers(timing);
  }

  /** The voter set in force. */
  get voters(): VoterSet {
    return this.history.voters;
  }

  /** Whether this replica is a voter of the set in force. */
  get isVoter(): boolean {
    return this.self.canVote && this.voters.has(this.self);
  }

  /**
   * Whether this replica may begin an election. So may one that was removed while that is not known to be
   * committed: the others may need its records (Ongaro, 4.2.2).
   */
  get mayElect(): boolean {
    if (!this.self.canVote || this.isShuttingDown) return false;
    return this.isVoter || this.history.wasVoterBefore(this.self, this.highWatermark);
  }

  /** Whether the state as it is now is durable. */
  get isSaved(): boolean {
    return this.#savedSequence === this.#sequence;
  }

  /** The leader for answers. */
  get knownLeader(): KnownLeader {
    const { epoch, leaderId } = this;
    return { epoch, leaderId, endpoints: leaderId < 0 ? [] : this.endpointsOf(leaderId) };
  }

  /** Returns where a node can be reached, as its voter record or the leader's own announcement says. */
  endpointsOf(id: number): readonly VoterEndpoint[] {
    if (id === this.self.id) return this.self.endpoints;
    if (id === this.leaderId && this.leaderEndpoints.length > 0) return this.leaderEndpoints;
    return this.voters.byId(id)?.endpoints ?? [];
  }

  /** Whether `key` names this replica. */
  isSelf(key: ReplicaKey): boolean {
    return isSameReplica(key, this.self);
  }

  /** Adds an effect. */
  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Removes and returns the effects so far. */
  takeEffects(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Answers a request. */
  answer(token: number, answer: OwnAnswer): void {
    this.emit({ type: "answer", requires: this.#sequence, token, answer });
  }

  /** Answers a request with an error. */
  reject(
    token: number,
    type: "add-voter" | "remove-voter" | "update-voter",
    errorCode: ErrorCode,
    errorMessage = "",
  ): void {
    this.answer(token, { type, errorCode, errorMessage, leader: this.knownLeader });
  }

  /** The sequence number of the state that an effect of now depends on. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Saves epoch, leader and vote if they have changed. */
  save(): void {
    const { epoch, leaderId, voted } = this;
    const before = this.#lastSaved;
    if (
      before !== null && before.epoch === epoch && before.leaderId === leaderId &&
      before.voted?.id === voted?.id && before.voted?.directoryId === voted?.directoryId
    ) return;
    const state = { epoch, leaderId, voted };
    this.#lastSaved = state;
    this.emit({ type: "save", sequence: ++this.#sequence, state });
  }

  /** Takes a state that is durable already. */
  restore({ epoch, leaderId, voted }: DurableState): void {
    this.epoch = epoch;
    this.leaderId = leaderId;
    this.voted = voted;
    this.#lastSaved = { epoch, leaderId, voted };
  }

  /** Marks the state with this sequence number as durable. */
  setSaved(sequence: number): void {
    this.#savedSequence = Math.max(this.#savedSequence, sequence);
  }

  /** Returns whether `time` has come. If not, the core asks to be woken then. */
  isDue(time: number): boolean {
    if (this.now >= time) return true;
    this.#wakeAt = Math.min(this.#wakeAt, time);
    return false;
  }

  /** When something is to be done without an event, in milliseconds; infinite for never. */
  get wakeAt(): number {
    return this.#wakeAt;
  }

  /** Forgets all times to wake at. */
  clearWake(): void {
    this.#wakeAt = Infinity;
  }

  /** Returns a random election timeout from the present on. */
  electionDeadline(): number {
    const { electionTimeoutMs } = this.timing;
    return this.now + electionTimeoutMs + this.below(electionTimeoutMs);
  }

  /**
   * Returns when a follower without an answer gives its leader up. The random part keeps followers that lost
   * their leader at the same moment from dividing their votes.
   */
  fetchDeadline(): number {
    const { fetchTimeoutMs } = this.timing;
    return this.now + fetchTimeoutMs + this.below(Math.max(1, Math.floor(fetchTimeoutMs / 8)));
  }

  /**
   * Returns when a replica without a leader begins its next attempt. The first attempts follow each other
   * quickly: a pre-vote disturbs no leader.
   */
  nextAttemptAt(): number {
    const { electionTimeoutMs } = this.timing;
    const base = Math.min(electionTimeoutMs, FIRST_ELECTION_WAIT_MS * 2 ** this.attempts);
    return this.now + base + this.below(base);
  }
}

/** Returns the error for a request that only the leader of `epoch` serves, or NONE. */
export function leaderError(raft: RaftState, epoch: number): ErrorCode {
  if (epoch < raft.epoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (epoch > raft.epoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
  if (raft.role.name !== "leader") return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  return ErrorCode.NONE;
}
