/**
 * UpdateRaftVoter: replaces the endpoints and the supported `kraft.version` of a voter that has
 * changed them.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, nested, string, struct, uint16, uuid } from "../schema.ts";

/** The UpdateRaftVoter API (KIP-853). The voter sends it to the leader. */
export const updateRaftVoter = defineApi({
  key: 82,
  name: "UpdateRaftVoter",
  versions: "0",
  flexible: "0+",
  request: struct({
    clusterId: string({ nullable: "0+" }),
    currentLeaderEpoch: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array(struct({
      name: string(),
      host: string(),
      port: uint16(),
    })),
    kRaftVersionFeature: nested(struct({
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    currentLeader: nested(
      struct({
        leaderId: int32({ default: -1 }),
        leaderEpoch: int32({ default: -1 }),
        host: string(),
        port: int32(),
      }),
      { versions: "0+", tag: 0, tagged: "0+" },
    ),
  }),
});

/** A decoded UpdateRaftVoter request. */
export type UpdateRaftVoterRequest = RequestOf<typeof updateRaftVoter>;
/** A decoded UpdateRaftVoter response. */
export type UpdateRaftVoterResponse = ResponseOf<typeof updateRaftVoter>;
