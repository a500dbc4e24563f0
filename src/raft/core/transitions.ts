/**
 * The transitions between roles. Each one forgets the requests in flight, answers those that wait here, and
 * saves the state that others may come to see before they see it.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import type { KnownLeader } from "./messages.ts";
import { LeaderState } from "./leader_state.ts";
import type { RaftState, Role } from "./state.ts";
import { VoteTally } from "./vote_tally.ts";
import type { VoterEndpoint } from "./voter_set.ts";

/**
 * Moves to a later epoch, or from another role to Unattached in the same one. The vote and the leader of the
 * epoch are kept: an epoch never has two.
 */
export function becomeUnattached(
  raft: RaftState,
  epoch: number,
  leader: { readonly id: number; readonly endpoints: readonly VoterEndpoint[] } | null = null,
): void {
  assert(epoch >= raft.epoch, `Epoch ${epoch} after ${raft.epoch}`);
  const timer = timerOf(raft.role);
  const isSameEpoch = epoch === raft.epoch;
  if (!isSameEpoch) enterEpoch(raft, epoch);
  if (leader !== null) setLeader(raft, leader.id, leader.endpoints);
  // A timed role's timer goes on, or a stream of candidates could keep this voter from becoming one.
  const electionAt = timer ??
    (raft.leaderId >= 0 ? raft.electionDeadline() : raft.nextAttemptAt());
  // The requests that wait here are answered with the new epoch, which must be durable by then.
  raft.save();
  setRole(raft, { name: "unattached", electionAt });
}

/** Begins a pre-vote. Nothing is saved: it neither changes the epoch nor casts a vote. */
export function becomeProspective(raft: RaftState): void {
  raft.attempts++;
  const tally = new VoteTally(raft.voters);
  setRole(raft, { name: "prospective", tally, giveUpAt: raft.electionDeadline() });
  // A replica that was removed does not count itself.
  if (raft.isVoter) tally.record(raft.self.id, true);
}

/** Begins an election in the next epoch, with this replica's own vote. */
export function becomeCandidate(raft: RaftState): void {
  enterEpoch(raft, raft.epoch + 1);
  raft.voted = { id: raft.self.id, directoryId: raft.self.directoryId };
  resumeCandidate(raft);
  raft.save();
}

/** Goes on with the election of the present epoch, in which this replica has voted for itself. */
export function resumeCandidate(raft: RaftState): void {
  const tally = new VoteTally(raft.voters);
  setRole(raft, { name: "candidate", tally, giveUpAt: raft.electionDeadline() });
  // Counts at once: the others are asked only when this vote is saved.
  if (raft.isVoter) tally.record(raft.self.id, true);
}

/** Leads the present epoch. The caller appends its first record. */
export function becomeLeader(raft: RaftState, granting: readonly number[]): LeaderState {
  const { self, timing, log, now } = raft;
  assert(raft.leaderId < 0, `Epoch ${raft.epoch} already has leader ${raft.leaderId}`);
  assert(log.lastEpoch < raft.epoch, `The log has records of epoch ${log.lastEpoch} already`);
  raft.attempts = 0;
  const start = { epoch: raft.epoch, offset: log.endOffset, now, granting };
  const leader = new LeaderState(self, timing, start);
  setRole(raft, leader);
  setLeader(raft, self.id, self.endpoints);
  raft.save();
  return leader;
}

/** Follows the leader of `epoch`. */
export function becomeFollower(
  raft: RaftState,
  epoch: number,
  leaderId: number,
  endpoints: readonly VoterEndpoint[],
): void {
  assert(leaderId !== raft.self.id, `Replica ${leaderId} cannot follow itself`);
  assert(epoch >= raft.epoch, `Epoch ${epoch} after ${raft.epoch}`);
  if (epoch > raft.epoch) enterEpoch(raft, epoch);
  raft.attempts = 0;
  setLeader(raft, leaderId, endpoints);
  raft.save();
  setRole(raft, {
    name: "follower",
    electionAt: raft.fetchDeadline(),
    hasFetched: false,
    snapshot: null,
    updateVoterAt: raft.now + raft.timing.fetchTimeoutMs,
  });
}

/** Gives up the leadership and tells the other voters. Nothing is saved. */
export function becomeResigned(raft: RaftState): void {
  const others = [...raft.voters].filter((voter) => !raft.isSelf(voter));
  const { role } = raft;
  const endOf = (key: typeof others[number]) =>
    role.name === "leader" ? role.progress(key)?.endOffset ?? -1 : -1;
  const successors = others.sort((a, b) => endOf(b) - endOf(a))
    .map(({ id, directoryId }) => ({ id, directoryId }));
  setRole(raft, {
    name: "resigned",
    endAt: raft.electionDeadline(),
    successors,
    unheard: new Set(successors.map(({ id }) => id)),
  });
}

/**
 * Learns from another replica which epoch and leader it knows. Returns whether the role has changed, so that
 * the message that brought the news is out of date.
 */
export function observe(raft: RaftState, { epoch, leaderId, endpoints }: KnownLeader): boolean {
  if (epoch < raft.epoch) return false;
  if (epoch === raft.epoch) {
    if (leaderId < 0 || leaderId === raft.self.id) return false;
    if (raft.leaderId >= 0 && raft.leaderId !== leaderId) {
      // What another process says must not end this one.
      raft.emit({
        type: "notice",
        level: "warn",
        text: `Ignored a message that names node ${leaderId} as the leader of epoch ${epoch}: ` +
          `node ${raft.leaderId} is`,
      });
      return false;
    }
    if (raft.leaderId === leaderId) {
      if (raft.leaderEndpoints.length === 0) raft.leaderEndpoints = endpoints;
      if (raft.role.name !== "unattached" || !isReachable(raft, leaderId, endpoints)) return false;
    }
  }
  if (leaderId < 0) becomeUnattached(raft, epoch);
  else if (leaderId === raft.self.id || !isReachable(raft, leaderId, endpoints)) {
    // Also a replica that lost its disk and is said to lead: it must not vote in that epoch again.
    becomeUnattached(raft, epoch, { id: leaderId, endpoints });
  } else becomeFollower(raft, epoch, leaderId, endpoints);
  return true;
}

function isReachable(
  raft: RaftState,
  leaderId: number,
  endpoints: readonly VoterEndpoint[],
): boolean {
  return endpoints.length > 0 || (raft.voters.byId(leaderId)?.endpoints.length ?? 0) > 0;
}

/** The last epoch. Records of a later one could not be written. */
const LAST_EPOCH = 0x7fff_ffff;
/**
 * How far a request may be ahead of the own epoch. Requests are not authenticated: one with an epoch near the
 * last would leave no epoch for the next election. So many elections take weeks, and a replica that missed
 * more learns the epoch from the answers to its own requests.
 */
const MAX_LEAP = 1_000_000;

/** Returns whether the epoch of a request is too far ahead to be that of an election. */
export function isImpossibleEpoch(raft: RaftState, epoch: number): boolean {
  return epoch - raft.epoch > MAX_LEAP;
}

function enterEpoch(raft: RaftState, epoch: number): void {
  assert(epoch <= LAST_EPOCH, `There is no epoch ${epoch}: the last one is ${LAST_EPOCH}`);
  raft.epoch = epoch;
  raft.leaderId = -1;
  raft.leaderEndpoints = [];
  raft.voted = null;
  raft.emit({ type: "leader", epoch, leaderId: -1 });
}

function setLeader(raft: RaftState, leaderId: number, endpoints: readonly VoterEndpoint[]): void {
  if (endpoints.length > 0) raft.leaderEndpoints = endpoints;
  if (raft.leaderId === leaderId) return;
  raft.leaderId = leaderId;
  raft.emit({ type: "leader", epoch: raft.epoch, leaderId });
}

function setRole(raft: RaftState, role: Role): void {
  const before = raft.role;
  raft.role = role;
  raft.peers.reset();
  if (before.name !== "leader") return;
  raft.emit({ type: "inactive", epoch: before.epoch });
  const leader = raft.knownLeader;
  for (const { token } of before.parked) {
    raft.answer(token, {
      type: "fetch",
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      leader,
      highWatermark: -1,
      logStartOffset: -1,
      diverging: null,
      snapshotId: null,
      read: null,
    });
  }
  const { pendingChange, pendingProbe } = before;
  const why = "Cannot change the voters: the leader resigned before the change was committed";
  if (pendingChange?.answer) {
    const { token, type } = pendingChange.answer;
    raft.reject(token, type, ErrorCode.NOT_LEADER_OR_FOLLOWER, why);
  }
  if (pendingProbe !== null) {
    raft.reject(pendingProbe.token, "add-voter", ErrorCode.NOT_LEADER_OR_FOLLOWER, why);
  }
}

/** The time at which a role would have begun an election, or null for one that has no such timer. */
function timerOf(role: Role): number | null {
  switch (role.name) {
    case "unattached":
    case "follower":
      return Number.isFinite(role.electionAt) ? role.electionAt : null;
    case "prospective":
    case "candidate":
      return role.giveUpAt;
    default:
      return null;
  }
}
