/**
 * Following a leader: fetches of records and snapshots, and the search for a leader.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { applyControl, emitVoters } from "./control.ts";
import type { Destination } from "./effects.ts";
import { type SnapshotId, snapshotName } from "./epoch_log.ts";
import type {
  FetchAnswer,
  FetchSnapshotAnswer,
  RequestFailure,
  UpdateVoterAnswer,
} from "./messages.ts";
import type { SendOptions } from "./peers.ts";
import { destinationOf, randomServer, sendTo } from "./sending.ts";
import type { Follower, RaftState } from "./state.ts";
import { REFUSED_LEADER_WAIT_MS } from "./timing.ts";
import { becomeProspective, becomeUnattached, observe } from "./transitions.ts";
import type { VoterSet } from "./voter_set.ts";

/** Asks a random server for the leader. Only its answer's leader counts. */
export function searchLeader(raft: RaftState): void {
  if (raft.peers.isFetching) return;
  const to = randomServer(raft, raft.self.id);
  if (to !== null) sendFetch(raft, to, 0, { isSearch: true });
}

/**
 * Goes on following: gives the leader up when it is silent for too long, fetches, or asks other servers while
 * the leader cannot be reached. Returns whether the role has changed.
 */
export function pollFollower(raft: RaftState, role: Follower): boolean {
  if (raft.mayElect && raft.isDue(role.electionAt)) {
    becomeProspective(raft);
    return true;
  }
  if (raft.peers.isFetching) return false;
  const leader = destinationOf(raft, raft.leaderId);
  if (leader === null) {
    becomeUnattached(raft, raft.epoch);
    return true;
  }
  if (maySendUpdate(raft, role)) return sendUpdate(raft, leader);
  if (!raft.isDue(raft.peers.readyAt(leader.id)) && raft.peers.isFailing(leader.id)) {
    // The leader may have moved, or there is another one.
    const other = randomServer(raft, leader.id);
    if (other !== null) sendFetch(raft, other, 0, { isSearch: true });
    return false;
  }
  if (role.snapshot !== null) fetchSnapshotPart(raft, leader, role.snapshot);
  // A voter's fetch acknowledges the records before its offset, which must be durable.
  else if (!raft.self.canVote || raft.log.durableOffset === raft.log.endOffset) {
    // The first fetch does not wait, since its answer shows that the leader is alive.
    sendFetch(raft, leader, role.hasFetched ? fetchWaitMs(raft) : 0);
  }
  return false;
}

/** How long a fetch may wait for news: not for so long that an idle leader is taken for a dead one. */
function fetchWaitMs({ timing: { fetchMaxWaitMs, fetchTimeoutMs, requestTimeoutMs } }: RaftState) {
  return Math.min(fetchMaxWaitMs, Math.floor(Math.min(fetchTimeoutMs, requestTimeoutMs) / 2));
}

function sendFetch(
  raft: RaftState,
  to: Destination,
  maxWaitMs: number,
  options: SendOptions = {},
): void {
  const { self, epoch, log, highWatermark, timing } = raft;
  // Also a server that is asked for the leader may be it, and takes the offset as an acknowledgement.
  const offset = self.canVote ? log.durableOffset : log.endOffset;
  sendTo(raft, to, {
    type: "fetch",
    epoch,
    replica: { id: self.id, directoryId: self.directoryId },
    offset,
    lastEpoch: offset === log.endOffset ? log.lastEpoch : log.epochAt(offset - 1),
    highWatermark,
    maxWaitMs,
    maxBytes: timing.fetchMaxBytes,
  }, options);
}

function fetchSnapshotPart(
  raft: RaftState,
  to: Destination,
  { id, position, isComplete }: NonNullable<Follower["snapshot"]>,
): void {
  if (isComplete) return;
  const { self, epoch, timing } = raft;
  sendTo(raft, to, {
    type: "fetch-snapshot",
    epoch,
    replica: { id: self.id, directoryId: self.directoryId },
    id,
    position,
    maxBytes: timing.fetchSnapshotMaxBytes,
  });
}

/** Applies the answer of a fetch, if it is from the leader that this replica follows. */
export function handleFetchAnswer(raft: RaftState, answer: FetchAnswer, from: Destination): void {
  if (observe(raft, answer.leader)) return;
  const { role, log } = raft;
  const isFromLeader = role.name === "follower" && from.id === raft.leaderId &&
    answer.leader.epoch === raft.epoch;
  if (!isFromLeader || answer.errorCode !== ErrorCode.NONE) {
    raft.peers.delay(from.id, raft.now);
    return;
  }
  recordContact(raft, role);
  if (answer.diverging !== null) {
    const { epoch, endOffset } = answer.diverging;
    const own = log.endOfEpoch(epoch);
    const truncation = own.epoch === epoch ? Math.min(own.endOffset, endOffset) : own.endOffset;
    truncate(raft, truncation);
    return;
  }
  if (answer.snapshotId !== null) {
    beginSnapshot(raft, role, answer.snapshotId);
    return;
  }
  appendFetched(raft, answer);
  const committed = Math.min(answer.highWatermark, log.endOffset);
  if (committed > raft.highWatermark) {
    raft.highWatermark = committed;
    raft.emit({ type: "committed", offset: committed });
  }
}

function appendFetched(raft: RaftState, { batches }: FetchAnswer): void {
  const { log } = raft;
  const accepted = [];
  for (const batch of batches) {
    // The last batch of an answer may be of records that a repeated answer had already.
    if (batch.lastOffset < log.endOffset) continue;
    if (batch.baseOffset !== log.endOffset || batch.epoch > raft.epoch) break;
    if (batch.epoch < log.lastEpoch) break;
    log.append(batch.baseOffset, batch.lastOffset, batch.epoch);
    accepted.push(batch);
  }
  if (accepted.length === 0) {
    // A leader that repeats it must not be asked again at once.
    if (batches.length > 0) raft.peers.delay(raft.leaderId, raft.now);
    return;
  }
  raft.emit({ type: "append-fetched", batches: accepted });
  for (const { baseOffset, control } of accepted) applyControl(raft, baseOffset, control);
}

/** Removes records that the leader does not have. None of them can be committed. */
function truncate(raft: RaftState, endOffset: number): void {
  const { log, history } = raft;
  assert(
    endOffset >= raft.highWatermark,
    `Cannot truncate the metadata log to ${endOffset}: the records below ${raft.highWatermark} are ` +
      `committed, and node ${raft.leaderId}, the leader of epoch ${raft.epoch}, has others; its ` +
      "directory is an old copy or has lost records, stop it and format an empty one for it",
  );
  raft.emit({
    type: "notice",
    level: "info",
    text: `Truncated the metadata log from ${log.endOffset} to ${endOffset}: the leader of epoch ` +
      `${raft.epoch} has other records`,
  });
  const before = history.voters;
  log.truncateTo(endOffset);
  history.truncateTo(endOffset);
  raft.emit({ type: "truncate", endOffset });
  if (history.voters !== before) emitVoters(raft);
}

function beginSnapshot(raft: RaftState, role: Follower, id: SnapshotId): void {
  if (id.endOffset <= raft.log.startOffset || id.endOffset < raft.highWatermark) {
    raft.peers.delay(raft.leaderId, raft.now);
    return;
  }
  role.snapshot = { id, position: 0, isComplete: false };
}

/** Applies a part of a snapshot. */
export function handleFetchSnapshotAnswer(
  raft: RaftState,
  answer: FetchSnapshotAnswer,
  from: Destination,
): void {
  if (observe(raft, answer.leader)) return;
  const { role } = raft;
  if (role.name !== "follower" || role.snapshot === null || from.id !== raft.leaderId) return;
  const { id, position } = role.snapshot;
  const isExpected = answer.errorCode === ErrorCode.NONE && answer.position === position &&
    answer.id.endOffset === id.endOffset && answer.id.epoch === id.epoch &&
    position + answer.bytes.length <= answer.size && answer.bytes.length > 0;
  if (!isExpected) {
    // The leader may have removed the snapshot. The next fetch brings the id of another one.
    role.snapshot = null;
    raft.peers.delay(from.id, raft.now);
    return;
  }
  recordContact(raft, role);
  raft.emit({ type: "write-snapshot", id, position, bytes: answer.bytes });
  role.snapshot.position += answer.bytes.length;
  if (role.snapshot.position < answer.size) return;
  role.snapshot.isComplete = true;
  raft.emit({ type: "publish-snapshot", id });
}

/**
 * Replaces the log by a fetched snapshot that is complete and durable, unless the log has its records. The role
 * may have changed since it was fetched; what is in a snapshot is committed in any case. `voters`: those in it,
 * null under `kraft.version` 0.
 */
export function installSnapshot(
  raft: RaftState,
  id: SnapshotId,
  content: { readonly voters: VoterSet | null; readonly kraftVersion: number },
): void {
  const { role, log, history } = raft;
  if (role.name === "follower" && role.snapshot !== null) {
    if (role.snapshot.id.endOffset <= id.endOffset) role.snapshot = null;
  }
  const hasRecords = log.endOffset >= id.endOffset && log.epochAt(id.endOffset - 1) === id.epoch;
  if (role.name === "leader" || hasRecords) return;
  if (id.endOffset <= log.startOffset || id.endOffset < raft.highWatermark) return;
  // An election counts the voters of its beginning, and a fetch in flight is about the log as it was.
  if (role.name === "prospective" || role.name === "candidate") becomeUnattached(raft, raft.epoch);
  else raft.peers.reset();
  log.truncateFully(id);
  history.loadSnapshot(id.endOffset, content.voters, content.kraftVersion);
  raft.emit({ type: "truncate-fully", id });
  emitVoters(raft);
  if (id.endOffset > raft.highWatermark) {
    raft.highWatermark = id.endOffset;
    raft.emit({ type: "committed", offset: id.endOffset });
  }
}

/** Gives up a fetched snapshot that cannot be read. */
export function rejectSnapshot(raft: RaftState, id: SnapshotId, reason: string): void {
  const { role } = raft;
  if (role.name !== "follower" || role.snapshot === null) return;
  if (snapshotName(role.snapshot.id) !== snapshotName(id)) return;
  role.snapshot = null;
  raft.peers.delay(raft.leaderId, raft.now);
  raft.emit({
    type: "notice",
    level: "warn",
    text: `Cannot use the snapshot ${snapshotName(id)} of leader ${raft.leaderId}: ${reason}`,
  });
}

/** Reacts to a fetch, of records or a snapshot, without an answer. */
export function handleFetchFailure(
  raft: RaftState,
  { reason }: RequestFailure,
  from: Destination,
): void {
  const { role } = raft;
  if (role.name !== "follower" || from.id !== raft.leaderId) return;
  // An ended connection may mean an ended leader: another voter's pre-vote is not refused any more.
  if (reason === "disconnected" || reason === "refused") role.hasFetched = false;
  if (reason !== "refused") return;
  // Nothing listens at the leader's address, so its process is gone. A pre-vote is harmless if not.
  role.electionAt = Math.min(role.electionAt, raft.now + 1 + raft.below(REFUSED_LEADER_WAIT_MS));
}

function recordContact(raft: RaftState, role: Follower): void {
  role.electionAt = raft.fetchDeadline();
  role.hasFetched = true;
  raft.peers.accept(raft.leaderId);
  raft.attempts = 0;
}

/** Whether the leader must learn other endpoints or versions of this voter (KIP-853). */
function maySendUpdate(raft: RaftState, role: Follower): boolean {
  const voter = raft.voters.byId(raft.self.id);
  if (voter === undefined || !raft.isVoter) return false;
  const { endpoints, kraftVersions, directoryId } = raft.self;
  const isKnown = raft.history.kraftVersion > 0 &&
    JSON.stringify(voter.endpoints) === JSON.stringify(endpoints) &&
    voter.kraftVersions.min === kraftVersions.min &&
    voter.kraftVersions.max === kraftVersions.max && voter.directoryId === directoryId;
  if (isKnown || role.updateVoterAt === Infinity) return false;
  return role.hasFetched && raft.isDue(role.updateVoterAt);
}

function sendUpdate(raft: RaftState, leader: Destination): false {
  const { id, directoryId, endpoints, kraftVersions } = raft.self;
  sendTo(raft, leader, {
    type: "update-voter",
    epoch: raft.epoch,
    voter: { id, directoryId, endpoints, kraftVersions },
  });
  return false;
}

/** Ends the report of this voter's endpoints, or repeats it later. */
export function handleUpdateVoterAnswer(raft: RaftState, answer: UpdateVoterAnswer): void {
  if (observe(raft, answer.leader) || raft.role.name !== "follower") return;
  const { fetchTimeoutMs } = raft.timing;
  const isDone = answer.errorCode === ErrorCode.NONE ||
    answer.errorCode === ErrorCode.UNSUPPORTED_VERSION;
  raft.role.updateVoterAt = isDone ? Infinity : raft.now + fetchTimeoutMs;
}

/** Repeats the report later, unless the leader does not serve it: until then the fetches go on. */
export function handleUpdateVoterFailure(raft: RaftState, { reason }: RequestFailure): void {
  if (raft.role.name !== "follower") return;
  const { fetchTimeoutMs } = raft.timing;
  raft.role.updateVoterAt = reason === "unsupported" ? Infinity : raft.now + fetchTimeoutMs;
}
