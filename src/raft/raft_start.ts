/**
 * What a replica of the quorum finds in its directory when it starts.
 *
 * @module
 */
import { assert } from "../assert.ts";
import {
  endOfBatch,
  isControl,
  readAttributes,
  readLastOffset,
} from "../protocol/records/batch.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import { type VoterChange, voterChanges, voterSet } from "./control_records.ts";
import type { RaftStart } from "./core/core.ts";
import type { RaftEnvironment, RaftIdentity } from "./core/state.ts";
import type { VoterSet } from "./core/voter_set.ts";
import { decodeControlBatch } from "./storage/control_batches.ts";
import type { QuorumStateFile } from "./storage/quorum_state_file.ts";
import type { StoredQuorumState } from "./storage/quorum_state_format.ts";
import type { RaftLog } from "./storage/raft_log.ts";

const READ_BYTES = 1 << 20;

/** The files of a replica. */
export interface RaftFiles {
  readonly log: RaftLog;
  readonly quorumState: QuorumStateFile;
}

/** Reads what the core needs to begin. `staticVoters` are those of `controller.quorum.voters`. */
export async function readRaftStart(
  { log, quorumState }: RaftFiles,
  self: RaftIdentity,
  environment: RaftEnvironment,
  staticVoters: VoterSet,
  pause: Pause,
): Promise<RaftStart> {
  const stored = await quorumState.load();
  const { voters, kraftVersion } = votersOfSnapshot(log, staticVoters);
  return {
    self,
    environment,
    log: log.outline(),
    durable: stored === null ? null : {
      epoch: stored.leaderEpoch,
      leaderId: stored.leaderId ?? -1,
      voted: stored.votedKey,
    },
    voters,
    kraftVersion,
    voterRecords: await readVoterChanges(log, pause),
  };
}

/** The content of `quorum-state` for a durable state of the core. */
export function storedState(
  { epoch, leaderId, voted }: {
    readonly epoch: number;
    readonly leaderId: number;
    readonly voted: { readonly id: number; readonly directoryId: string } | null;
  },
  kraftVersion: number,
  voters: VoterSet,
): StoredQuorumState {
  const election = {
    leaderEpoch: epoch,
    leaderId: leaderId < 0 ? null : leaderId,
    votedKey: voted,
  };
  if (kraftVersion > 0) return { version: 1, ...election };
  const votedKey = voted === null ? null : { id: voted.id, directoryId: ZERO_UUID };
  return { version: 0, ...election, votedKey, voterIds: [...voters].map(({ id }) => id) };
}

function votersOfSnapshot(
  { snapshots }: RaftLog,
  staticVoters: VoterSet,
): { readonly voters: VoterSet; readonly kraftVersion: number } {
  const id = snapshots.latestOrBootstrap;
  if (id === null) return { voters: staticVoters, kraftVersion: 0 };
  const { reader, close } = snapshots.read(id);
  close();
  const { voters, kraftVersion } = reader.header;
  return { voters: voters === null ? staticVoters : voterSet(voters), kraftVersion };
}

/** Reads the control batches of the log. Of other batches only the headers are looked at. */
async function readVoterChanges(log: RaftLog, pause: Pause): Promise<VoterChange[]> {
  const changes: VoterChange[] = [];
  let offset = log.startOffset;
  while (offset < log.endOffset) {
    const source = log.read(offset, READ_BYTES);
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    for (let at = 0; at < bytes.length;) {
      const next = endOfBatch(bytes, at, bytes.length);
      assert(next > at, `The metadata log has an incomplete batch after offset ${offset}`);
      if (isControl(readAttributes(bytes, at))) {
        changes.push(...voterChanges(decodeControlBatch(bytes, at).records));
      }
      offset = readLastOffset(bytes, at) + 1;
      at = next;
    }
    await pause();
  }
  return changes;
}
