/**
 * A replica of the KRaft quorum as a pure state machine: no clock, timer, socket or file. Events go in with
 * the time at which they happen, and effects come out, which the caller executes in their order: see
 * {@linkcode Effect} for its obligations. Between events nothing happens; {@linkcode RaftCore.wakeAt} says
 * when the next `tick()` is due.
 *
 * The rules are those of Raft (Ongaro, "Consensus: Bridging Theory and Practice") as KIP-595, KIP-630,
 * KIP-853 and KIP-996 have them: followers pull, an acknowledgement is the offset of the next fetch, and a
 * leader that cannot reach a majority resigns.
 *
 * Writes are asynchronous. A leader may send records before they are durable here, and counts itself only up
 * to `persisted()`; a voter fetches on only then. All other promises wait for `saved()`.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { DurableState, Effect } from "./effects.ts";
import {
  endSoon,
  handleVote,
  handleVoteAnswer,
  handleVoteFailure,
  pollElection,
} from "./elections.ts";
import { EpochLog, type LogOutline, type SnapshotId } from "./epoch_log.ts";
import {
  handleFetchAnswer,
  handleFetchFailure,
  handleFetchSnapshotAnswer,
  handleUpdateVoterAnswer,
  handleUpdateVoterFailure,
  installSnapshot,
  pollFollower,
  rejectSnapshot,
  searchLeader,
} from "./following.ts";
import type { ReplicaProgress } from "./leader_state.ts";
import {
  appendProposal,
  beginLeading,
  handleFetch,
  handleFetchSnapshot,
  pollLeader,
} from "./leading.ts";
import {
  handleAddVoter,
  handleProbed,
  handleRemoveVoter,
  handleUpdateVoter,
  upgradeKRaftVersion,
} from "./membership.ts";
import type { PeerAnswer, RaftRequest, RequestFailure } from "./messages.ts";
import type { InFlight } from "./peers.ts";
import {
  handleBeginQuorumEpoch,
  handleEndQuorumEpoch,
  handleEpochAnswer,
  pollResigned,
} from "./quorum_epochs.ts";
import { type RaftEnvironment, type RaftIdentity, RaftState, type Role } from "./state.ts";
import {
  becomeCandidate,
  becomeFollower,
  becomeProspective,
  becomeResigned,
  becomeUnattached,
  resumeCandidate,
} from "./transitions.ts";
import { VoterHistory } from "./voter_history.ts";
import type { VoterEndpoint, VoterSet } from "./voter_set.ts";

/** What a replica finds when it starts. */
export interface RaftStart {
  readonly self: RaftIdentity;
  readonly environment: RaftEnvironment;
  /**
   * The log, which must have all records of its latest snapshot or begin at its end. If the process ended
   * before the records of a snapshot were durable, or before a fetched snapshot had replaced the log, the
   * shell replaces it by that snapshot first.
   */
  readonly log: LogOutline;
  /** The content of `quorum-state`, or null if there is none. */
  readonly durable: DurableState | null;
  /** The voters before those of the log: static, of the bootstrap checkpoint, or of the latest snapshot. */
  readonly voters: VoterSet;
  readonly kraftVersion: number;
  /** The voters and levels in the records of the log, in ascending order. */
  readonly voterRecords: readonly (
    | { readonly offset: number; readonly voters: VoterSet }
    | { readonly offset: number; readonly kraftVersion: number }
  )[];
}

/** What a replica knows about its quorum. */
export interface RaftStatus {
  readonly role: Role["name"];
  readonly epoch: number;
  readonly leaderId: number;
  /** Where the leader can be reached; empty if that is not known. */
  readonly leaderEndpoints: readonly VoterEndpoint[];
  /**
   * Whether this replica leads and has committed the first record of its epoch. Before, its high watermark may
   * be lower than that of the last leader.
   */
  readonly isActive: boolean;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly durableOffset: number;
  readonly voters: VoterSet;
  readonly kraftVersion: number;
  /** The other replicas, if this one leads. */
  readonly replicas: readonly ReplicaProgress[];
}

/** One replica of the quorum. */
export class RaftCore {
  readonly #raft: RaftState;

  /** Nothing happens before {@linkcode RaftCore.start}. */
  constructor(start: RaftStart) {
    const history = new VoterHistory(start.voters, start.kraftVersion);
    for (const record of start.voterRecords) {
      if ("voters" in record) history.addVoters(record.offset, record.voters);
      else history.addKRaftVersion(record.offset, record.kraftVersion);
    }
    this.#raft = new RaftState(start.self, start.environment, new EpochLog(start.log), history);
    this.#raft.restore(start.durable ?? { epoch: 0, leaderId: -1, voted: null });
  }

  /** Begins the work, after a start of the process. */
  start(now: number): Effect[] {
    return this.#at(now, (raft) => {
      const { log, voted } = raft;
      const snapshot = log.latestSnapshot;
      if (snapshot !== null) {
        raft.highWatermark = snapshot.endOffset;
        raft.emit({ type: "committed", offset: snapshot.endOffset });
      }
      const isCandidate = voted !== null && raft.isSelf(voted) && raft.leaderId < 0;
      if (log.lastEpoch > raft.epoch) becomeUnattached(raft, log.lastEpoch);
      // Its records of this epoch may have been lost, so it must not lead it any more.
      else if (raft.leaderId === raft.self.id) becomeResigned(raft);
      else if (isCandidate && raft.isVoter) {
        // With records of the epoch, its election is over, whether it was won or lost.
        if (log.lastEpoch === raft.epoch) becomeUnattached(raft, raft.epoch);
        else resumeCandidate(raft);
      } else if (raft.leaderId >= 0 && raft.endpointsOf(raft.leaderId).length > 0) {
        becomeFollower(raft, raft.epoch, raft.leaderId, raft.endpointsOf(raft.leaderId));
      } else becomeUnattached(raft, raft.epoch);
      // The only voter takes a new epoch: an earlier process may have been active in the saved one, and have
      // lost what it appended.
      if (raft.voters.isOnly(raft.self)) becomeCandidate(raft);
      else endSoon(raft);
    });
  }

  /** Does what is due at `now`. */
  tick(now: number): Effect[] {
    return this.#at(now, (raft) => {
      for (const request of raft.peers.expire(now)) {
        this.#fail(request, { type: "failure", reason: "timeout" });
      }
    });
  }

  /** When the next {@linkcode RaftCore.tick} is due, in milliseconds; infinite for never. */
  get wakeAt(): number {
    return Math.min(this.#raft.wakeAt, this.#raft.peers.nextDeadline);
  }

  /** Takes a request, which is answered by an effect with `token`. */
  request(request: RaftRequest, token: number, now: number): Effect[] {
    return this.#at(now, (raft) => {
      switch (request.type) {
        case "vote":
          return handleVote(raft, request, token);
        case "begin-quorum-epoch":
          return handleBeginQuorumEpoch(raft, request, token);
        case "end-quorum-epoch":
          return handleEndQuorumEpoch(raft, request, token);
        case "fetch":
          return handleFetch(raft, request, token);
        case "fetch-snapshot":
          return handleFetchSnapshot(raft, request, token);
        case "add-voter":
          return handleAddVoter(raft, request, token);
        case "remove-voter":
          return handleRemoveVoter(raft, request, token);
        case "update-voter":
          return handleUpdateVoter(raft, request, token);
      }
    });
  }

  /** Takes the answer to a request, or the reason why there is none. */
  answered(correlationId: number, answer: PeerAnswer | RequestFailure, now: number): Effect[] {
    return this.#at(now, (raft) => {
      const request = raft.peers.end(correlationId, answer.type === "failure", now);
      // The request was forgotten: the role has changed, or it had waited too long.
      if (request === null) return;
      if (answer.type === "failure") this.#fail(request, answer);
      else this.#take(request, answer);
    });
  }

  /**
   * Appends records to the log of the quorum, if this replica leads it and is active. Returns the offset of
   * the first record, or null. The records are committed when the high watermark passes them, unless an
   * `inactive` effect comes first.
   */
  propose(
    payload: Uint8Array,
    recordCount: number,
    now: number,
  ): { readonly position: { offset: number; epoch: number } | null; readonly effects: Effect[] } {
    let position: { offset: number; epoch: number } | null = null;
    const effects = this.#at(now, (raft) => {
      assert(recordCount > 0, "A proposal without records");
      if (raft.role.name !== "leader" || !raft.role.isActive) return;
      const { epoch } = raft;
      position = { offset: appendProposal(raft, raft.role, payload, recordCount), epoch };
    });
    return { position, effects };
  }

  /** Reports that the records below `offset` are durable. */
  persisted(offset: number, now: number): Effect[] {
    return this.#at(now, (raft) => raft.log.setDurable(offset));
  }

  /** Reports that the state with this sequence number is durable. */
  saved(sequence: number, now: number): Effect[] {
    return this.#at(now, (raft) => raft.setSaved(sequence));
  }

  /** Reports the answer to a probe: the supported levels of `kraft.version`, or null for no answer. */
  probed(
    token: number,
    supported: { readonly min: number; readonly max: number } | null,
    now: number,
  ): Effect[] {
    return this.#at(now, (raft) => handleProbed(raft, token, supported));
  }

  /** Reports that a fetched snapshot is complete and durable. `voters` is null under `kraft.version` 0. */
  snapshotFetched(
    id: SnapshotId,
    content: { readonly voters: VoterSet | null; readonly kraftVersion: number },
    now: number,
  ): Effect[] {
    return this.#at(now, (raft) => installSnapshot(raft, id, content));
  }

  /** Reports that a fetched snapshot cannot be used. */
  snapshotRejected(id: SnapshotId, reason: string, now: number): Effect[] {
    return this.#at(now, (raft) => rejectSnapshot(raft, id, reason));
  }

  /** Reports that this replica has written a durable snapshot of the committed records before its end. */
  snapshotWritten(id: SnapshotId, now: number): Effect[] {
    return this.#at(now, (raft) => {
      assert(id.endOffset <= raft.highWatermark, `Snapshot ${id.endOffset} is not committed`);
      raft.log.addSnapshot(id);
    });
  }

  /** Reports that the log was cut: it begins at snapshot `id` now, the earliest one. */
  logCut(id: SnapshotId, now: number): Effect[] {
    return this.#at(now, (raft) => {
      raft.log.startAt(id);
      raft.history.startAt(id.endOffset);
    });
  }

  /** The snapshot id of the records before `endOffset`. */
  snapshotIdAt(endOffset: number): SnapshotId {
    return { endOffset, epoch: this.#raft.log.epochAt(endOffset - 1) };
  }

  /** The voters as of the records before `endOffset`, for a snapshot that ends there. */
  votersBefore(endOffset: number): { readonly voters: VoterSet; readonly kraftVersion: number } {
    return this.#raft.history.before(endOffset);
  }

  /** Gives up the leadership after a fault of what it decides. Does nothing in another role. */
  resign(now: number): Effect[] {
    return this.#at(now, (raft) => {
      if (raft.role.name === "leader") becomeResigned(raft);
    });
  }

  /** Gives up the leadership before the end of the process, and begins no election any more. */
  shutdown(now: number): Effect[] {
    return this.#at(now, (raft) => {
      raft.isShuttingDown = true;
      if (raft.role.name === "leader") becomeResigned(raft);
    });
  }

  /** Whether all voters have heard that this leader has given up, or there is nothing to hear. */
  get isFarewellOver(): boolean {
    const { role } = this.#raft;
    return role.name !== "resigned" || role.unheard.size === 0;
  }

  /** Raises `kraft.version` to 1. Returns the reason if that is refused. */
  upgradeKRaftVersion(
    now: number,
  ): { readonly refusal: { code: ErrorCode; why: string } | null; readonly effects: Effect[] } {
    let refusal: { code: ErrorCode; why: string } | null = null;
    const effects = this.#at(now, (raft) => {
      refusal = upgradeKRaftVersion(raft);
    });
    return { refusal, effects };
  }

  /** What this replica knows at present. */
  get status(): RaftStatus {
    const { role, epoch, leaderId, highWatermark, log, history } = this.#raft;
    return {
      role: role.name,
      epoch,
      leaderId,
      leaderEndpoints: this.#raft.knownLeader.endpoints,
      isActive: role.name === "leader" && role.isActive,
      highWatermark,
      logStartOffset: log.startOffset,
      logEndOffset: log.endOffset,
      durableOffset: log.durableOffset,
      voters: history.voters,
      kraftVersion: history.kraftVersion,
      replicas: role.name === "leader" ? [...role.replicas] : [],
    };
  }

  #at(now: number, event: (raft: RaftState) => void): Effect[] {
    const raft = this.#raft;
    raft.now = Math.max(raft.now, now);
    event(raft);
    this.#poll();
    return raft.takeEffects();
  }

  /** Lets the present role go on until nothing is left to do now. */
  #poll(): void {
    const raft = this.#raft;
    do raft.clearWake(); while (this.#pollRole(raft));
  }

  #pollRole(raft: RaftState): boolean {
    const { role } = raft;
    switch (role.name) {
      case "unattached":
        if (raft.mayElect && raft.isDue(role.electionAt)) {
          becomeProspective(raft);
          return true;
        }
        searchLeader(raft);
        return false;
      case "prospective":
        return pollElection(raft, role);
      case "candidate":
        if (!role.tally.isWon) return pollElection(raft, role);
        beginLeading(raft, role.tally.granted);
        return true;
      case "follower":
        return pollFollower(raft, role);
      case "leader":
        return pollLeader(raft, role);
      case "resigned":
        return pollResigned(raft, role);
    }
  }

  #take(request: InFlight, answer: PeerAnswer): void {
    const raft = this.#raft;
    const { to, request: asked } = request;
    switch (answer.type) {
      case "vote":
        if (asked.type === "vote") handleVoteAnswer(raft, answer, asked);
        return;
      case "fetch":
        return handleFetchAnswer(raft, answer, to);
      case "fetch-snapshot":
        return handleFetchSnapshotAnswer(raft, answer, to);
      case "update-voter":
        return handleUpdateVoterAnswer(raft, answer);
      case "begin-quorum-epoch":
      case "end-quorum-epoch":
        return handleEpochAnswer(raft, to.id, answer);
    }
  }

  #fail({ to, request }: InFlight, failure: RequestFailure): void {
    const raft = this.#raft;
    switch (request.type) {
      case "fetch":
      case "fetch-snapshot":
        return handleFetchFailure(raft, failure, to);
      case "vote":
        return handleVoteFailure(raft, failure, request);
      case "begin-quorum-epoch":
        if (raft.role.name === "leader") raft.role.repeatAnnouncement(to.id);
        return;
      case "end-quorum-epoch":
        // Its process has ended, so there is nothing to hear.
        if (raft.role.name === "resigned" && failure.reason === "refused") {
          raft.role.unheard.delete(to.id);
        }
        return;
      case "update-voter":
        return handleUpdateVoterFailure(raft, failure);
    }
  }
}
