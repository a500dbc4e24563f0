/**
 * Changes of the voters (KIP-853): one at a time, each by a record with the whole new set, so that the
 * majorities of two consecutive sets always overlap.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { LeaderState } from "./leader_state.ts";
import { appendControl, appendVoters } from "./leading.ts";
import type { AddVoterRequest, RemoveVoterRequest, UpdateVoterRequest } from "./messages.ts";
import { addressOf } from "./sending.ts";
import { leaderError, type RaftState } from "./state.ts";
import { NEW_VOTER_FETCH_MS } from "./timing.ts";
import { isSameReplica, replicaName, type Voter, type VoterSet } from "./voter_set.ts";

/** A refusal: the code, and the reason with its remedy. */
interface Refusal {
  readonly code: ErrorCode;
  readonly why: string;
}

/** Adds a voter: checks it, and asks it which versions it supports. */
export function handleAddVoter(raft: RaftState, request: AddVoterRequest, token: number): void {
  const { voter, endpoints, waitsForCommit } = request;
  const action = `add voter ${replicaName(voter)}`;
  const refuse = ({ code, why }: Refusal) =>
    raft.reject(token, "add-voter", code, `Cannot ${action}: ${why}`);
  const { role } = raft;
  const refusal = changeRefusal(raft) ?? newVoterRefusal(raft, voter.id, endpoints.length);
  if (refusal !== null || role.name !== "leader") return refuse(refusal ?? NOT_LEADER);
  role.pendingProbe = { token, voter: { ...voter, endpoints }, waitsForCommit };
  raft.emit({ type: "probe", token, voter, address: addressOf(raft, endpoints)! });
}

/** Goes on with the addition of a voter that has answered, or not (null). */
export function handleProbed(
  raft: RaftState,
  token: number,
  supported: { readonly min: number; readonly max: number } | null,
): void {
  const { role, history } = raft;
  if (role.name !== "leader" || role.pendingProbe?.token !== token) return;
  const { voter, waitsForCommit } = role.pendingProbe;
  role.pendingProbe = null;
  const refuse = (code: ErrorCode, why: string) =>
    raft.reject(token, "add-voter", code, `Cannot add voter ${replicaName(voter)}: ${why}`);
  if (supported === null) {
    return refuse(ErrorCode.REQUEST_TIMED_OUT, "it does not answer at its endpoints");
  }
  const { kraftVersion } = history;
  if (kraftVersion < supported.min || kraftVersion > supported.max) {
    return refuse(
      ErrorCode.INVALID_REQUEST,
      `it supports kraft.version ${supported.min} to ${supported.max}, the quorum has ${kraftVersion}`,
    );
  }
  // The state may have changed while the voter was asked.
  const refusal = changeRefusal(raft) ?? newVoterRefusal(raft, voter.id, voter.endpoints.length);
  if (refusal !== null) return refuse(refusal.code, refusal.why);
  const progress = role.progress(voter);
  const isCaughtUp = progress !== undefined && progress.lastCaughtUpAt >= 0 &&
    raft.now - progress.lastFetchAt <= NEW_VOTER_FETCH_MS;
  if (!isCaughtUp) {
    return refuse(
      ErrorCode.REQUEST_TIMED_OUT,
      "it has not caught up with the metadata log; start it and try again when it has",
    );
  }
  change(raft, role, raft.voters.with({ ...voter, kraftVersions: supported }), {
    token,
    type: "add-voter",
    waitsForCommit,
  });
}

/** Removes a voter. */
export function handleRemoveVoter(
  raft: RaftState,
  { voter }: RemoveVoterRequest,
  token: number,
): void {
  const { role, voters } = raft;
  const refuse = ({ code, why }: Refusal) =>
    raft.reject(
      token,
      "remove-voter",
      code,
      `Cannot remove voter ${replicaName(voter)}: ${why}`,
    );
  const refusal = changeRefusal(raft);
  if (refusal !== null || role.name !== "leader") return refuse(refusal ?? NOT_LEADER);
  const member = voters.byId(voter.id);
  if (member === undefined || !isSameReplica(member, voter)) {
    const names = [...voters].map(replicaName).join(", ");
    return refuse({ code: ErrorCode.VOTER_NOT_FOUND, why: `the voters are ${names}` });
  }
  if (voters.size === 1) {
    return refuse({ code: ErrorCode.VOTER_NOT_FOUND, why: "it is the last one" });
  }
  change(raft, role, voters.without(voter.id), {
    token,
    type: "remove-voter",
    waitsForCommit: true,
  });
}

/** Replaces the endpoints and versions of a voter. */
export function handleUpdateVoter(
  raft: RaftState,
  { epoch, voter }: UpdateVoterRequest,
  token: number,
): void {
  const { role, voters, history } = raft;
  const refuse = (code: ErrorCode, why: string) =>
    raft.reject(token, "update-voter", code, `Cannot update voter ${replicaName(voter)}: ${why}`);
  const errorCode = leaderError(raft, epoch);
  if (errorCode !== ErrorCode.NONE || role.name !== "leader") {
    return refuse(errorCode, "this replica does not lead that epoch");
  }
  const member = voters.byId(voter.id);
  if (member === undefined || !isSameReplica(member, voter)) {
    return refuse(ErrorCode.VOTER_NOT_FOUND, "it is not a voter");
  }
  const accept = () =>
    raft.answer(token, {
      type: "update-voter",
      errorCode: ErrorCode.NONE,
      leader: raft.knownLeader,
    });
  if (history.kraftVersion === 0) {
    // Kept in memory, for the upgrade to version 1, which needs the directory of every voter.
    role.reported.set(voter.id, voter);
    return accept();
  }
  const { min, max } = voter.kraftVersions;
  if (history.kraftVersion < min || history.kraftVersion > max) {
    return refuse(
      ErrorCode.INVALID_REQUEST,
      `it supports kraft.version ${min} to ${max}, the quorum has ${history.kraftVersion}`,
    );
  }
  if (isSameVoter(member, voter)) return accept();
  const refusal = changeRefusal(raft);
  if (refusal !== null) return refuse(refusal.code, refusal.why);
  role.pendingChange = null;
  const offset = appendVoters(raft, role, voters.with(voter));
  role.pendingChange = { offset, answer: null };
  accept();
}

/** Raises `kraft.version` from 0 to 1: the voters move into the log. Returns a refusal, or null. */
export function upgradeKRaftVersion(raft: RaftState): Refusal | null {
  const { role, history, voters, self } = raft;
  if (role.name !== "leader" || !role.isActive) return NOT_LEADER;
  if (history.kraftVersion > 0) return null;
  const { id, directoryId, endpoints, kraftVersions } = self;
  const reports = new Map(role.reported).set(id, { id, directoryId, endpoints, kraftVersions });
  const all = [...voters].map((voter) => reports.get(voter.id) ?? voter);
  const unknown = all.filter((voter) =>
    voter.directoryId === ZERO_UUID || voter.kraftVersions.max < 1
  );
  if (unknown.length > 0) {
    return {
      code: ErrorCode.INVALID_UPDATE_VERSION,
      why: `the voters ${
        unknown.map((voter) => voter.id).join(", ")
      } have not reported that they ` +
        "support it",
    };
  }
  appendControl(raft, role, [
    { type: "kraft-version", level: 1 },
    { type: "voters", voters: all },
  ]);
  return null;
}

const NOT_LEADER: Refusal = {
  code: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  why: "this replica is not the leader of the quorum",
};

/** Returns why the voters cannot change at present, or null. */
function changeRefusal({ role, history }: RaftState): Refusal | null {
  if (role.name !== "leader") return NOT_LEADER;
  if (history.kraftVersion === 0) {
    return {
      code: ErrorCode.UNSUPPORTED_VERSION,
      why:
        "the voters are those of controller.quorum.voters, since kraft.version is 0; raise it to 1",
    };
  }
  if (!role.isActive) {
    return {
      code: ErrorCode.REQUEST_TIMED_OUT,
      why: "the leader has just been elected; try again",
    };
  }
  if (role.pendingChange !== null || role.pendingProbe !== null) {
    return {
      code: ErrorCode.REQUEST_TIMED_OUT,
      why: "another change of the voters is under way; try again",
    };
  }
  return null;
}

function newVoterRefusal({ voters }: RaftState, id: number, endpointCount: number): Refusal | null {
  if (voters.byId(id) !== undefined) {
    return {
      code: ErrorCode.DUPLICATE_VOTER,
      why: `the quorum has a voter with this id already; remove that one first`,
    };
  }
  if (endpointCount === 0) {
    return { code: ErrorCode.INVALID_REQUEST, why: "the request has no endpoint of it" };
  }
  return null;
}

function change(
  raft: RaftState,
  leader: LeaderState,
  voters: VoterSet,
  { token, type, waitsForCommit }: {
    readonly token: number;
    readonly type: "add-voter" | "remove-voter";
    readonly waitsForCommit: boolean;
  },
): void {
  const offset = appendVoters(raft, leader, voters);
  leader.pendingChange = { offset, answer: waitsForCommit ? { token, type } : null };
  if (waitsForCommit) return;
  raft.answer(token, { type, errorCode: ErrorCode.NONE, leader: raft.knownLeader });
}

function isSameVoter(one: Voter, other: Voter): boolean {
  return one.directoryId === other.directoryId &&
    JSON.stringify([one.endpoints, one.kraftVersions]) ===
      JSON.stringify([other.endpoints, other.kraftVersions]);
}
