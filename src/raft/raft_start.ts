/**
 * What a replica of the quorum finds in its directory when it starts.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { type Pause, withPauses } from "../protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import { voterSet } from "./control_records.ts";
import type { RaftStart } from "./core/core.ts";
import type { ControlRecord } from "./core/messages.ts";
import type { RaftEnvironment, RaftIdentity } from "./core/state.ts";
import { VoterSet } from "./core/voter_set.ts";
import type { QuorumStateFile } from "./storage/quorum_state_file.ts";
import type { StoredQuorumState } from "./storage/quorum_state_format.ts";
import type { RaftLog } from "./storage/raft_log.ts";
import { decodeFetchedBatches } from "./wire/fetched_batches.ts";

const READ_BYTES = 1 << 20;

type VoterChange = RaftStart["voterRecords"][number];

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

/**
 * Reads the changes of the voters in the log. All batches are verified, so that a replica whose log is damaged
 * stops before it takes part in anything.
 */
async function readVoterChanges(log: RaftLog, pause: Pause): Promise<VoterChange[]> {
  const changes: VoterChange[] = [];
  let offset = log.startOffset;
  while (offset < log.endOffset) {
    const source = log.read(offset, READ_BYTES);
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    const batches = await withPauses(decodeFetchedBatches(bytes), pause);
    for (const { baseOffset, control } of batches) {
      changes.push(...voterChanges(control, baseOffset));
    }
    const last = batches.at(-1);
    assert(last !== undefined, `The metadata log has an incomplete batch at offset ${offset}`);
    offset = last.lastOffset + 1;
    await pause();
  }
  return changes;
}

function voterChanges(records: readonly ControlRecord[], baseOffset: number): VoterChange[] {
  return records.flatMap((record, index): VoterChange[] => {
    const offset = baseOffset + index;
    switch (record.type) {
      case "voters":
        return [{ offset, voters: new VoterSet(record.voters) }];
      case "kraft-version":
        return [{ offset, kraftVersion: record.level }];
      default:
        return [];
    }
  });
}
