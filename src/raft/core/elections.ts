/**
 * Elections: requests for votes and their answers.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import type { RequestFailure, VoteAnswer, VoteRequest } from "./messages.ts";
import { sendToVoter } from "./sending.ts";
import type { Candidate, Prospective, RaftState } from "./state.ts";
import {
  becomeCandidate,
  becomeFollower,
  becomeProspective,
  becomeUnattached,
  isImpossibleEpoch,
  observe,
} from "./transitions.ts";
import { isSameReplica } from "./voter_set.ts";

/**
 * Answers a request for a vote. A later epoch moves this replica on first, even if the request is then
 * rejected. Whether the sender is a voter is not checked, since the voter sets of both may differ (KIP-853).
 */
export function handleVote(raft: RaftState, request: VoteRequest, token: number): void {
  const reply = (isGranted: boolean, errorCode: ErrorCode = ErrorCode.NONE) =>
    raft.answer(token, { type: "vote", errorCode, leader: raft.knownLeader, isGranted });
  const { epoch, lastEpoch, isPreVote } = request;
  if (epoch < raft.epoch) return reply(false, ErrorCode.FENCED_LEADER_EPOCH);
  if (isImpossibleEpoch(raft, epoch)) return reply(false, ErrorCode.INVALID_REQUEST);
  if (isPreVote ? lastEpoch > epoch : lastEpoch >= epoch) {
    return reply(false, ErrorCode.INVALID_REQUEST);
  }
  if (epoch > raft.epoch) becomeUnattached(raft, epoch);
  if (!raft.isSelf(request.voter)) return reply(false, ErrorCode.INVALID_VOTER_KEY);
  if (isPreVote) return reply(grantsPreVote(raft, request));
  const isGranted = grantsVote(raft, request);
  if (isGranted && raft.voted === null) {
    raft.voted = request.candidate;
    // The candidate gets the time that an election takes.
    if (raft.role.name !== "unattached") becomeUnattached(raft, epoch);
    if (raft.role.name === "unattached") raft.role.electionAt = raft.electionDeadline();
    raft.save();
  }
  reply(isGranted);
}

/** Returns whether the log of the sender has all records that this one has. */
function isUpToDate({ log }: RaftState, { lastEpoch, endOffset }: VoteRequest): boolean {
  return lastEpoch > log.lastEpoch || lastEpoch === log.lastEpoch && endOffset >= log.endOffset;
}

function grantsPreVote(raft: RaftState, request: VoteRequest): boolean {
  const { role } = raft;
  if (role.name === "leader" || role.name === "follower" && role.hasFetched) return false;
  return isUpToDate(raft, request);
}

function grantsVote(raft: RaftState, request: VoteRequest): boolean {
  const { role, voted } = raft;
  if (role.name !== "unattached" && role.name !== "prospective") return false;
  if (voted !== null) return isSameReplica(voted, request.candidate);
  return raft.leaderId < 0 && isUpToDate(raft, request);
}

/** Counts the answer of a voter. */
export function handleVoteAnswer(
  raft: RaftState,
  answer: VoteAnswer,
  request: VoteRequest,
): void {
  if (observe(raft, answer.leader)) return;
  const { role } = raft;
  if (role.name !== "prospective" && role.name !== "candidate") return;
  if (request.isPreVote !== (role.name === "prospective") || request.epoch !== raft.epoch) return;
  if (answer.errorCode === ErrorCode.NONE) {
    role.tally.record(request.voter.id, answer.isGranted);
  } else raft.peers.delay(request.voter.id, raft.now);
}

/**
 * Goes on with an election: asks voters that have not answered, and changes the role when it is won, lost or
 * takes too long. Returns whether the role has changed.
 */
export function pollElection(raft: RaftState, role: Prospective | Candidate): boolean {
  if (role.name === "prospective") {
    if (role.tally.isWon) becomeCandidate(raft);
    else if (role.tally.isLost || raft.isDue(role.giveUpAt)) endPreVote(raft);
    else return askForVotes(raft, role);
    return true;
  }
  if (raft.isDue(role.giveUpAt)) {
    becomeProspective(raft);
    return true;
  }
  // After a lost election the next attempt comes after a random wait, so that one candidate is alone. The
  // votes may be divided while a voter, such as the last leader, is gone.
  if (role.tally.isStuck) role.giveUpAt = Math.min(role.giveUpAt, lostElectionWait(raft));
  return askForVotes(raft, role);
}

/** Reacts to a request for a vote without an answer. */
export function handleVoteFailure(
  raft: RaftState,
  { reason }: RequestFailure,
  { epoch, voter, isPreVote }: VoteRequest,
): void {
  const { role } = raft;
  if (isPreVote) {
    if (reason === "unsupported") skipPreVote(raft);
  } else if (reason === "refused" && role.name === "candidate" && epoch === raft.epoch) {
    role.tally.recordEnded(voter.id);
  }
}

/** Begins an election without a pre-vote, since a voter of the quorum does not know pre-votes. */
function skipPreVote(raft: RaftState): void {
  if (raft.role.name === "prospective") becomeCandidate(raft);
}

function endPreVote(raft: RaftState): void {
  const { leaderId, epoch } = raft;
  const endpoints = leaderId < 0 ? [] : raft.endpointsOf(leaderId);
  const { attempts } = raft;
  if (leaderId >= 0 && leaderId !== raft.self.id && endpoints.length > 0) {
    becomeFollower(raft, epoch, leaderId, endpoints);
    raft.attempts = attempts;
    // The others may hear a moment later that the leader has resigned. If it has not, it answers by then.
    const { role } = raft;
    if (role.name === "follower") {
      role.electionAt = Math.min(role.electionAt, raft.nextAttemptAt());
    }
    return;
  }
  becomeUnattached(raft, epoch);
  if (raft.role.name === "unattached") raft.role.electionAt = raft.nextAttemptAt();
}

/**
 * Lets a replica that has just started wait no longer than for its first attempt, whatever its role. What the
 * role waits for was before the process ended: if all voters have been restarted, no leader answers, no
 * election is under way, and no other replica would begin one. If there is a leader, its voters refuse the pre-vote.
 */
export function endSoon(raft: RaftState): void {
  const { role } = raft;
  const at = raft.nextAttemptAt();
  if (role.name === "unattached" || role.name === "follower") {
    role.electionAt = Math.min(role.electionAt, at);
  } else if (role.name === "candidate") role.giveUpAt = Math.min(role.giveUpAt, at);
  else if (role.name === "resigned") role.endAt = Math.min(role.endAt, at);
}

function lostElectionWait(raft: RaftState): number {
  const { electionBackoffMaxMs } = raft.timing;
  return Math.min(raft.nextAttemptAt(), raft.now + electionBackoffMaxMs);
}

function askForVotes(raft: RaftState, role: Prospective | Candidate): false {
  const { self, epoch, log } = raft;
  if (role.tally.isLost) return false;
  for (const voter of raft.voters) {
    if (role.tally.hasVoted(voter.id)) continue;
    sendToVoter(raft, voter, {
      type: "vote",
      epoch,
      candidate: { id: self.id, directoryId: self.directoryId },
      voter: { id: voter.id, directoryId: voter.directoryId },
      lastEpoch: log.lastEpoch,
      endOffset: log.endOffset,
      isPreVote: role.name === "prospective",
    });
  }
  return false;
}
