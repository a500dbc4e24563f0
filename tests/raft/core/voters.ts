/**
 * Voters for tests.
 *
 * @module
 */
import { type Voter, VoterSet } from "../../../src/raft/core/voter_set.ts";

/** Returns voter `id` with the directory `d<id>`, at port `id`. */
export function voter(id: number, directoryId = `d${id}`): Voter {
  return {
    id,
    directoryId,
    endpoints: [{ name: "CONTROLLER", host: "host", port: id }],
    kraftVersions: { min: 0, max: 1 },
  };
}

/** Returns the set of the voters with these ids. */
export function voterSet(...ids: number[]): VoterSet {
  return new VoterSet(ids.map((id) => voter(id)));
}
