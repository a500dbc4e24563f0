/**
 * AddRaftVoter: adds a voter to the quorum of the metadata log.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, string, struct, uint16, uuid } from "../schema.ts";

/**
 * The AddRaftVoter API (KIP-853). Version 1 adds the choice to respond before the new set of voters
 * is committed (KIP-1186).
 */
export const addRaftVoter = defineApi({
  key: 80,
  name: "AddRaftVoter",
  versions: "0-1",
  flexible: "0+",
  request: struct({
    clusterId: string({ nullable: "0+" }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array(struct({
      name: string(),
      host: string(),
      port: uint16(),
    })),
    ackWhenCommitted: bool({ versions: "1+", default: true }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
  }),
});

/** A decoded AddRaftVoter request. */
export type AddRaftVoterRequest = RequestOf<typeof addRaftVoter>;
/** A decoded AddRaftVoter response. */
export type AddRaftVoterResponse = ResponseOf<typeof addRaftVoter>;
