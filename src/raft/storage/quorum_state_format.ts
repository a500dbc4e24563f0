/**
 * The text of `quorum-state`: what a controller must remember of elections, as one JSON object in one
 * line. Version 0 belongs to `kraft.version` 0, version 1 (KIP-853) to `kraft.version` 1.
 *
 * ```json
 * {"leaderId":1,"leaderEpoch":7,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}
 * ```
 *
 * @module
 */
import { isUuid, ZERO_UUID } from "../../protocol/uuid.ts";

/** A voter: its node and, unless it is unknown, its metadata directory. */
export interface StoredVoterKey {
  /** The node's id. */
  readonly id: number;
  /** The id of its metadata directory, or `ZERO_UUID` if it is unknown. */
  readonly directoryId: string;
}

/** The state of elections that outlives a restart. */
export interface StoredElection {
  /** The newest epoch that the node has seen, 0 or more. */
  readonly leaderEpoch: number;
  /** The leader of that epoch, or null while it is unknown. */
  readonly leaderId: number | null;
  /** The candidate that the node has voted for in that epoch, or null. */
  readonly votedKey: StoredVoterKey | null;
}

/** The content of the file. */
export type StoredQuorumState =
  | StoredElection & {
    readonly version: 0;
    /** The ids of the voters in the configuration. Directory ids are not stored. */
    readonly voterIds: readonly number[];
  }
  | StoredElection & { readonly version: 1 };

const NONE = -1;
const MAX_INT32 = 2_147_483_647;

/** Returns the text, with its fields in the order in which Apache Kafka writes them. */
export function encodeQuorumState(state: StoredQuorumState): string {
  const { leaderEpoch, votedKey } = state;
  const election = {
    leaderId: state.leaderId ?? NONE,
    leaderEpoch,
    votedId: votedKey?.id ?? NONE,
  };
  return JSON.stringify(
    state.version === 0
      ? {
        clusterId: "",
        ...election,
        appliedOffset: 0,
        currentVoters: state.voterIds.map((voterId) => ({ voterId })),
        data_version: 0,
      }
      : {
        ...election,
        votedDirectoryId: votedKey?.directoryId ?? ZERO_UUID,
        data_version: 1,
      },
  );
}

/** Why a text is not the content of `quorum-state`. */
export class QuorumStateError extends Error {
  override readonly name = "QuorumStateError";
  /** `isNewer`: a newer release may have written it. */
  constructor(message: string, readonly isNewer = false) {
    super(message);
  }
}

/** Parses the first line of `text`. Throws a {@linkcode QuorumStateError} that says what is wrong. */
export function decodeQuorumState(text: string): StoredQuorumState {
  const fields = objectOf(text.split(/\r?\n/, 1)[0]!);
  const version = fields.data_version;
  if (typeof version !== "number") throw new QuorumStateError("it has no data_version");
  if (version !== 0 && version !== 1) {
    throw new QuorumStateError(
      `its data_version is ${version}, this release supports 0 and 1`,
      version > 1,
    );
  }
  const leaderEpoch = int32(fields, "leaderEpoch", 0);
  const leaderId = int32(fields, "leaderId", NONE);
  const votedId = int32(fields, "votedId", NONE);
  const directoryId = version === 0 ? ZERO_UUID : directoryOf(fields);
  const election: StoredElection = {
    leaderEpoch,
    leaderId: leaderId === NONE ? null : leaderId,
    votedKey: votedId === NONE ? null : { id: votedId, directoryId },
  };
  return version === 0
    ? { version, ...election, voterIds: voterIdsOf(fields.currentVoters) }
    : { version, ...election };
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new QuorumStateError(line === "" ? "it is empty" : "it is not one line of JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new QuorumStateError("it is not a JSON object");
}

function int32(fields: Fields, name: string, minimum: number): number {
  const value = fields[name];
  if (
    typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= MAX_INT32
  ) return value;
  throw new QuorumStateError(
    value === undefined ? `it has no ${name}` : `its ${name} is ${JSON.stringify(value)}`,
  );
}

function directoryOf({ votedDirectoryId }: Fields): string {
  if (typeof votedDirectoryId === "string" && isUuid(votedDirectoryId)) return votedDirectoryId;
  throw new QuorumStateError(
    votedDirectoryId === undefined
      ? "it has no votedDirectoryId"
      : `its votedDirectoryId is ${JSON.stringify(votedDirectoryId)}`,
  );
}

/** Apache Kafka may write null for no voters. */
function voterIdsOf(voters: unknown): number[] {
  if (voters === null) return [];
  if (!Array.isArray(voters)) throw new QuorumStateError("it has no list of currentVoters");
  return voters.map((voter) => int32(Object(voter), "voterId", 0));
}
