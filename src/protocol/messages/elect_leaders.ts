/**
 * ElectLeaders: elects the preferred replica of partitions as leader or, in an unclean election,
 * any replica.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The ElectLeaders API (KIP-183). Version 1 adds the election type and an error for the whole
 * request (KIP-460), 2 is flexible.
 */
export const electLeaders = defineApi({
  key: 43,
  name: "ElectLeaders",
  versions: "0-2",
  flexible: "2+",
  request: struct({
    electionType: int8({ versions: "1+" }),
    topicPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { nullable: "0+" },
    ),
    timeoutMs: int32({ default: 60000 }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ versions: "1+" }),
    replicaElectionResults: array(struct({
      topic: string(),
      partitionResult: array(struct({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
      })),
    })),
  }),
});

/** A decoded ElectLeaders request. */
export type ElectLeadersRequest = RequestOf<typeof electLeaders>;
/** A decoded ElectLeaders response. */
export type ElectLeadersResponse = ResponseOf<typeof electLeaders>;
