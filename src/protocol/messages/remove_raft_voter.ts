/**
 * RemoveRaftVoter: removes a voter from the quorum of the metadata log.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { int16, int32, string, struct, uuid } from "../schema.ts";

/** The RemoveRaftVoter API (KIP-853). */
export const removeRaftVoter = defineApi({
  key: 81,
  name: "RemoveRaftVoter",
  versions: "0",
  flexible: "0+",
  request: struct({
    clusterId: string({ nullable: "0+" }),
    voterId: int32(),
    voterDirectoryId: uuid(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
  }),
});

/** A decoded RemoveRaftVoter request. */
export type RemoveRaftVoterRequest = RequestOf<typeof removeRaftVoter>;
/** A decoded RemoveRaftVoter response. */
export type RemoveRaftVoterResponse = ResponseOf<typeof removeRaftVoter>;
