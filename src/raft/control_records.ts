/**
 * Control records between the core and the log's batches.
 *
 * @module
 */
import type { ControlRecord } from "./core/messages.ts";
import { VoterSet } from "./core/voter_set.ts";
import type {
  ControlRecord as StoredControlRecord,
  VoterRecord,
} from "./storage/control_batches.ts";

/** Returns a record of the core as it is stored. */
export function storedRecord(record: ControlRecord): StoredControlRecord {
  switch (record.type) {
    case "leader-change":
      return {
        type: "leader-change",
        leaderId: record.leaderId,
        voterIds: record.voters.map(({ id }) => id),
        grantingVoterIds: record.grantingVoters.map(({ id }) => id),
      };
    case "kraft-version":
      return { type: "kraft-version", kraftVersion: record.level };
    case "voters":
      return { type: "kraft-voters", voters: record.voters };
  }
}

/** Returns the set of stored voters. */
export function voterSet(voters: readonly VoterRecord[]): VoterSet {
  return new VoterSet(voters);
}
