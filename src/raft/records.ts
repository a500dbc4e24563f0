/**
 * Control records written by the quorum into `__cluster_metadata` and at both ends of a snapshot.
 * The record type is in the key of the control record; the value begins with its version.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../protocol/api.ts";
import {
  array,
  exactInt64,
  int16,
  int32,
  nested,
  string,
  struct,
  uint16,
  uuid,
} from "../protocol/schema.ts";

const voter = struct({
  voterId: int32(),
  voterDirectoryId: uuid({ versions: "1+" }),
});

/**
 * The first record of a leader's epoch: the leader, the voters and the voters that elected it
 * (KIP-595). Version 1 adds directory ids (KIP-853).
 */
export const leaderChangeMessage = defineRecord({
  type: 2,
  name: "LeaderChangeMessage",
  versions: "0-1",
  flexible: "0+",
  fields: struct({
    version: int16(),
    leaderId: int32(),
    voters: array(voter),
    grantingVoters: array(voter),
  }),
});
/** A decoded LeaderChangeMessage. */
export type LeaderChangeMessage = RecordOf<typeof leaderChangeMessage>;

/** The first record of a snapshot (KIP-630). */
export const snapshotHeaderRecord = defineRecord({
  type: 3,
  name: "SnapshotHeaderRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    version: int16(),
    lastContainedLogTimestamp: exactInt64(),
  }),
});
/** A decoded SnapshotHeaderRecord. */
export type SnapshotHeaderRecord = RecordOf<typeof snapshotHeaderRecord>;

/** The last record of a complete snapshot (KIP-630). */
export const snapshotFooterRecord = defineRecord({
  type: 4,
  name: "SnapshotFooterRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    version: int16(),
  }),
});
/** A decoded SnapshotFooterRecord. */
export type SnapshotFooterRecord = RecordOf<typeof snapshotFooterRecord>;

/** Sets the level of `kraft.version` (KIP-853). */
export const kRaftVersionRecord = defineRecord({
  type: 5,
  name: "KRaftVersionRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    version: int16(),
    kRaftVersion: int16(),
  }),
});
/** A decoded KRaftVersionRecord. */
export type KRaftVersionRecord = RecordOf<typeof kRaftVersionRecord>;

/** Sets the voters and their endpoints (KIP-853). */
export const votersRecord = defineRecord({
  type: 6,
  name: "VotersRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    version: int16(),
    voters: array(struct({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array(struct({
        name: string(),
        host: string(),
        port: uint16(),
      })),
      kRaftVersionFeature: nested(struct({
        minSupportedVersion: int16(),
        maxSupportedVersion: int16(),
      })),
    })),
  }),
});
/** A decoded VotersRecord. */
export type VotersRecord = RecordOf<typeof votersRecord>;
