/**
 * Leading: appends, the answers to fetches, and the high watermark.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { applyControl } from "./control.ts";
import type { LeaderState, ParkedFetch } from "./leader_state.ts";
import type { ControlRecord, FetchRequest, FetchSnapshotRequest, OwnAnswer } from "./messages.ts";
import { sendToVoter } from "./sending.ts";
import { leaderError, type RaftState } from "./state.ts";
import { becomeLeader, becomeResigned } from "./transitions.ts";
import type { VoterSet } from "./voter_set.ts";

/** Begins to lead after a won election: appends the first record of the epoch. */
export function beginLeading(raft: RaftState, granting: ReadonlySet<number>): void {
  const leader = becomeLeader(raft, [...granting]);
  const { self, voters } = raft;
  const keys = [...voters].map(({ id, directoryId }) => ({ id, directoryId }));
  appendControl(raft, leader, [
    {
      type: "leader-change",
      leaderId: self.id,
      voters: keys,
      grantingVoters: keys.filter(({ id }) => granting.has(id)),
    },
    ...missingVoterRecords(raft),
  ]);
}

/**
 * Under `kraft.version` 1, the log must have the voters: those of a bootstrap checkpoint are in no other
 * replica's log, and this replica's endpoints may have changed while no leader could be told.
 */
function missingVoterRecords({ self, history }: RaftState): ControlRecord[] {
  const { voters, votersOffset, kraftVersion } = history;
  if (kraftVersion === 0) return [];
  const own = voters.byId(self.id);
  if (own === undefined) return [];
  const current = voters.with({
    ...own,
    endpoints: self.endpoints,
    kraftVersions: self.kraftVersions,
  });
  const records: ControlRecord[] = [];
  if (votersOffset < 0) records.push({ type: "kraft-version", level: kraftVersion });
  if (votersOffset < 0 || !current.equals(voters)) {
    records.push({ type: "voters", voters: [...current] });
  }
  return records;
}

/** Appends one batch of control records. Returns the offset of its first record. */
export function appendControl(
  raft: RaftState,
  leader: LeaderState,
  records: readonly ControlRecord[],
): number {
  const baseOffset = raft.log.endOffset;
  raft.log.append(baseOffset, baseOffset + records.length - 1, raft.epoch);
  raft.emit({ type: "append-control", baseOffset, epoch: raft.epoch, records });
  applyControl(raft, baseOffset, records);
  const voters = records.findIndex(({ type }) => type === "voters");
  if (voters >= 0) leader.pendingChange ??= { offset: baseOffset + voters, answer: null };
  answerParked(raft, leader);
  return baseOffset;
}

/** Appends proposed records. Returns the offset of the first one. */
export function appendProposal(
  raft: RaftState,
  leader: LeaderState,
  payload: Uint8Array,
  recordCount: number,
): number {
  const baseOffset = raft.log.endOffset;
  raft.log.append(baseOffset, baseOffset + recordCount - 1, raft.epoch);
  raft.emit({ type: "append", baseOffset, epoch: raft.epoch, payload });
  answerParked(raft, leader);
  return baseOffset;
}

/** Goes on leading. Returns whether the role has changed. */
export function pollLeader(raft: RaftState, leader: LeaderState): boolean {
  const { voters } = raft;
  if (raft.isDue(leader.checkQuorumAt(voters))) {
    raft.emit({
      type: "notice",
      level: "warn",
      text: `Resigned as the leader of epoch ${raft.epoch}: no majority of the voters has fetched`,
    });
    becomeResigned(raft);
    return true;
  }
  advanceHighWatermark(raft, leader);
  if (isRemovedAndDone(raft, leader)) {
    becomeResigned(raft);
    return true;
  }
  leader.forgetSilentObservers(voters, raft.now);
  answerExpired(raft, leader);
  for (const voter of voters) {
    if (raft.isSelf(voter) || !raft.isDue(leader.announceAt(voter))) continue;
    const isSent = sendToVoter(raft, voter, {
      type: "begin-quorum-epoch",
      epoch: raft.epoch,
      leaderId: raft.self.id,
      voter: { id: voter.id, directoryId: voter.directoryId },
      endpoints: raft.self.endpoints,
    });
    if (isSent) leader.recordAnnouncement(voter, raft.now);
  }
  return false;
}

/**
 * Moves the high watermark to what a majority has durably. It counts only from the first record of the own
 * epoch on: a majority with records of earlier epochs alone could still be overruled (Raft, 5.4.2).
 */
function advanceHighWatermark(raft: RaftState, leader: LeaderState): void {
  const { log, voters } = raft;
  // The epoch must be durable too. For the only voter the log itself is the proof of its epoch.
  const isCounted = raft.isSaved || voters.isOnly(raft.self);
  const ownOffset = isCounted ? log.durableOffset : -1;
  const offset = Math.min(leader.replicatedOffset(voters, ownOffset), log.endOffset);
  const least = voters.isOnly(raft.self) ? leader.startOffset : leader.startOffset + 1;
  if (offset < least || leader.isActive && offset <= raft.highWatermark) return;
  commit(raft, leader, offset);
  endVoterChange(raft, leader);
  answerParked(raft, leader);
}

function commit(raft: RaftState, leader: LeaderState, offset: number): void {
  if (offset > raft.highWatermark) {
    raft.highWatermark = offset;
    raft.emit({ type: "committed", offset });
  }
  if (leader.isActive) return;
  leader.isActive = true;
  raft.emit({ type: "active", epoch: raft.epoch, startOffset: leader.startOffset });
}

/** Answers a change of the voters that is committed. */
function endVoterChange(raft: RaftState, leader: LeaderState): void {
  const { pendingChange } = leader;
  if (pendingChange === null || raft.highWatermark <= pendingChange.offset) return;
  leader.pendingChange = null;
  if (pendingChange.answer === null) return;
  const { token, type } = pendingChange.answer;
  raft.answer(token, { type, errorCode: ErrorCode.NONE, leader: raft.knownLeader });
}

/** A leader that was removed from the voters leads until that is committed. */
function isRemovedAndDone(raft: RaftState, leader: LeaderState): boolean {
  return leader.isActive && leader.pendingChange === null && !raft.voters.has(raft.self);
}

/** Answers a fetch, at once or when there is news. */
export function handleFetch(raft: RaftState, request: FetchRequest, token: number): void {
  const { role, log } = raft;
  const errorCode = leaderError(raft, request.epoch);
  if (errorCode !== ErrorCode.NONE || role.name !== "leader") {
    raft.answer(token, fetchAnswer(raft, errorCode));
    return;
  }
  const { replica, offset, lastEpoch, maxWaitMs } = request;
  if (offset < 0 || lastEpoch < 0 || maxWaitMs < 0) {
    raft.answer(token, fetchAnswer(raft, ErrorCode.INVALID_REQUEST));
    return;
  }
  const agreement = log.compare(offset, lastEpoch);
  if (agreement.type === "diverging") {
    const { epoch, endOffset } = agreement;
    raft.answer(token, {
      ...fetchAnswer(raft, ErrorCode.NONE),
      diverging: { epoch, endOffset },
    });
    return;
  }
  if (agreement.type === "snapshot") {
    if (replica.id >= 0) role.recordContact(replica, raft.now);
    raft.answer(token, { ...fetchAnswer(raft, ErrorCode.NONE), snapshotId: agreement.id });
    return;
  }
  if (replica.id >= 0) {
    role.recordFetch(replica, offset, log.endOffset, raft.now);
    advanceHighWatermark(raft, role);
  }
  const fetch: ParkedFetch = { token, request, deadline: raft.now + maxWaitMs };
  if (maxWaitMs === 0 || hasNews(raft, request)) answerFetch(raft, fetch);
  else role.parked.push(fetch);
}

/** Answers the fetch of a part of a snapshot. */
export function handleFetchSnapshot(
  raft: RaftState,
  request: FetchSnapshotRequest,
  token: number,
): void {
  const { role, log } = raft;
  const { id, position, replica, maxBytes } = request;
  const isLeading = leaderError(raft, request.epoch);
  const errorCode = isLeading !== ErrorCode.NONE
    ? isLeading
    : log.hasSnapshot(id)
    ? ErrorCode.NONE
    : ErrorCode.SNAPSHOT_NOT_FOUND;
  if (role.name === "leader" && isLeading === ErrorCode.NONE && replica.id >= 0) {
    role.recordContact(replica, raft.now);
  }
  const read = errorCode === ErrorCode.NONE ? { position, maxBytes } : null;
  raft.answer(token, {
    type: "fetch-snapshot",
    errorCode,
    leader: raft.knownLeader,
    id,
    read,
  });
}

function hasNews(raft: RaftState, { offset, highWatermark }: FetchRequest): boolean {
  return offset < raft.log.endOffset || raft.highWatermark > highWatermark;
}

/** Answers the fetches for which there is news now. The log may have changed since they came. */
function answerParked(raft: RaftState, leader: LeaderState): void {
  answerWhere(raft, leader, ({ request }) => hasNews(raft, request));
}

function answerExpired(raft: RaftState, leader: LeaderState): void {
  answerWhere(raft, leader, ({ deadline }) => raft.isDue(deadline));
}

function answerWhere(
  raft: RaftState,
  { parked }: LeaderState,
  isReady: (fetch: ParkedFetch) => boolean,
): void {
  const fetches = parked.splice(0);
  for (const fetch of fetches) {
    if (isReady(fetch)) answerFetch(raft, fetch);
    else parked.push(fetch);
  }
}

function answerFetch(raft: RaftState, { token, request: { offset, maxBytes } }: ParkedFetch): void {
  raft.answer(token, {
    ...fetchAnswer(raft, ErrorCode.NONE),
    read: offset < raft.log.endOffset ? { offset, maxBytes } : null,
  });
}

function fetchAnswer(raft: RaftState, errorCode: ErrorCode): OwnAnswer & { type: "fetch" } {
  return {
    type: "fetch",
    errorCode,
    leader: raft.knownLeader,
    highWatermark: raft.highWatermark,
    logStartOffset: raft.log.startOffset,
    diverging: null,
    snapshotId: null,
    read: null,
  };
}

/** Replaces the voters by a record. Returns its offset. */
export function appendVoters(raft: RaftState, leader: LeaderState, voters: VoterSet): number {
  return appendControl(raft, leader, [{ type: "voters", voters: [...voters] }]);
}
