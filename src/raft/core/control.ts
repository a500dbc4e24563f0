/**
 * The effect of control records on the voters.
 *
 * @module
 */
import type { ControlRecord } from "./messages.ts";
import type { RaftState } from "./state.ts";
import { VoterSet } from "./voter_set.ts";

/** Puts the voters and levels of a batch in force as soon as it is appended. */
export function applyControl(
  raft: RaftState,
  baseOffset: number,
  records: readonly ControlRecord[],
): void {
  const { history } = raft;
  let isChanged = false;
  for (const [index, record] of records.entries()) {
    if (record.type === "leader-change") continue;
    isChanged = true;
    if (record.type === "voters") {
      history.addVoters(baseOffset + index, new VoterSet(record.voters));
    } else history.addKRaftVersion(baseOffset + index, record.level);
  }
  if (isChanged) emitVoters(raft);
}

/** Announces the voters in force. */
export function emitVoters(raft: RaftState): void {
  const { voters, kraftVersion } = raft.history;
  raft.emit({ type: "voters", voters: [...voters], kraftVersion });
}
