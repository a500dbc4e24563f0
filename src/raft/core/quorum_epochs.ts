/**
 * The announcements of leaders: that an epoch begins, and that it ends.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import type {
  BeginQuorumEpochAnswer,
  BeginQuorumEpochRequest,
  EndQuorumEpochAnswer,
  EndQuorumEpochRequest,
} from "./messages.ts";
import { sendToVoter } from "./sending.ts";
import type { RaftState, Resigned } from "./state.ts";
import { becomeCandidate, becomeUnattached, isImpossibleEpoch, observe } from "./transitions.ts";

/** Follows the leader that announces itself. */
export function handleBeginQuorumEpoch(
  raft: RaftState,
  request: BeginQuorumEpochRequest,
  token: number,
): void {
  const { epoch, leaderId, endpoints } = request;
  const reply = (errorCode: ErrorCode) =>
    raft.answer(token, { type: "begin-quorum-epoch", errorCode, leader: raft.knownLeader });
  if (epoch < raft.epoch) return reply(ErrorCode.FENCED_LEADER_EPOCH);
  if (isImpossibleEpoch(raft, epoch)) return reply(ErrorCode.INVALID_REQUEST);
  if (epoch === raft.epoch && raft.leaderId >= 0 && raft.leaderId !== leaderId) {
    return reply(ErrorCode.INVALID_REQUEST);
  }
  observe(raft, { epoch, leaderId, endpoints });
  if (!raft.isSelf(request.voter)) return reply(ErrorCode.INVALID_VOTER_KEY);
  reply(ErrorCode.NONE);
}

/**
 * Ends the epoch of a leader that gives up: its successor begins an election at once, and the others after
 * waits that grow in the order of their logs.
 */
export function handleEndQuorumEpoch(
  raft: RaftState,
  request: EndQuorumEpochRequest,
  token: number,
): void {
  const { epoch, leaderId, endpoints, successors } = request;
  const reply = (errorCode: ErrorCode) =>
    raft.answer(token, { type: "end-quorum-epoch", errorCode, leader: raft.knownLeader });
  if (epoch < raft.epoch) return reply(ErrorCode.FENCED_LEADER_EPOCH);
  if (isImpossibleEpoch(raft, epoch)) return reply(ErrorCode.INVALID_REQUEST);
  if (epoch === raft.epoch && raft.leaderId >= 0 && raft.leaderId !== leaderId) {
    return reply(ErrorCode.INVALID_REQUEST);
  }
  observe(raft, { epoch, leaderId, endpoints });
  const { role } = raft;
  if (role.name === "follower") {
    // Otherwise its own pre-vote would be refused by the others (KAFKA-20895).
    role.hasFetched = false;
    const position = successors.findIndex((key) => raft.isSelf(key));
    const wait = successorWait(raft, position, successors.length);
    role.electionAt = Math.min(role.electionAt, raft.now + wait);
  }
  reply(ErrorCode.NONE);
}

/** Tells the voters that this leader has given up, and goes on to the next epoch after a while. */
export function pollResigned(raft: RaftState, role: Resigned): boolean {
  if (raft.isShuttingDown || !raft.isDue(role.endAt)) return tell(raft, role);
  // The only voter waits too: what made it give up may do so again.
  if (raft.voters.isOnly(raft.self)) becomeCandidate(raft);
  // In the old epoch it would have to follow itself.
  else becomeUnattached(raft, raft.epoch + 1);
  return true;
}

/** Takes the answer of a voter to one of both announcements. */
export function handleEpochAnswer(
  raft: RaftState,
  voterId: number,
  answer: BeginQuorumEpochAnswer | EndQuorumEpochAnswer,
): void {
  if (observe(raft, answer.leader)) return;
  const { role } = raft;
  const isAccepted = answer.errorCode === ErrorCode.NONE;
  if (!isAccepted) raft.peers.delay(voterId, raft.now);
  if (role.name === "resigned" && answer.type === "end-quorum-epoch" && isAccepted) {
    role.unheard.delete(voterId);
  }
}

function tell(raft: RaftState, { successors, unheard }: Resigned): false {
  const { self, epoch } = raft;
  for (const voter of raft.voters) {
    if (!unheard.has(voter.id)) continue;
    sendToVoter(raft, voter, {
      type: "end-quorum-epoch",
      epoch,
      leaderId: self.id,
      successors,
      endpoints: self.endpoints,
    });
  }
  return false;
}

function successorWait(raft: RaftState, position: number, count: number): number {
  if (position === 0) return 0;
  const { electionBackoffMaxMs } = raft.timing;
  // A replica that the leader did not name comes last.
  if (position < 0) return electionBackoffMaxMs;
  const step = electionBackoffMaxMs >> Math.max(0, count - 1);
  return Math.min(electionBackoffMaxMs, step << position - 1);
}
