/**
 * Control records between the core and the log's batches.
 *
 * @module
 */
import type { ControlRecord } from "./core/messages.ts";
import { VoterSet } from "./core/voter_set.ts";
import type {
  ControlRecord as StoredControlRecord,
  DecodedControlRecord,
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

/** A stored record that changes the voters or the level of `kraft.version`, with its offset. */
export type VoterChange =
  | { readonly offset: number; readonly voters: VoterSet }
  | { readonly offset: number; readonly kraftVersion: number };

/** Returns the changes of voters among the records of a control batch. */
export function voterChanges(records: readonly DecodedControlRecord[]): VoterChange[] {
  const changes: VoterChange[] = [];
  for (const record of records) {
    const { offset } = record;
    if (record.type === "kraft-voters") changes.push({ offset, voters: voterSet(record.voters) });
    if (record.type === "kraft-version") {
      changes.push({ offset, kraftVersion: record.kraftVersion });
    }
  }
  return changes;
}

/** Returns the set of stored voters. */
export function voterSet(voters: readonly VoterRecord[]): VoterSet {
  return new VoterSet(voters);
}
