/**
 * ListOffsets: looks up offsets by timestamp. Negative timestamps select special offsets: -1 the
 * latest, -2 the earliest, -3 the one of the largest timestamp.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, exactInt64, int16, int32, int64, int8, string, struct } from "../schema.ts";

const partitionOffset = struct({
  partitionIndex: int32(),
  errorCode: int16(),
  timestamp: exactInt64({ default: -1 }),
  offset: int64({ default: -1 }),
  leaderEpoch: int32({ versions: "4+", default: -1 }),
});

/**
 * The ListOffsets API. Version 2 adds the isolation level (KIP-98), 4 leader epochs (KIP-320), 7
 * the offset of the largest timestamp (KIP-734), 8 to 11 the special timestamps of tiered storage
 * (-4, -5 and -6: KIP-405, KIP-1005, KIP-1023), 10 a timeout for remote lookups (KIP-1075).
 */
export const listOffsets = defineApi({
  key: 2,
  name: "ListOffsets",
  versions: "1-11",
  flexible: "6+",
  request: struct({
    replicaId: int32(),
    isolationLevel: int8({ versions: "2+" }),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ versions: "4+", default: -1 }),
        timestamp: exactInt64(),
      })),
    })),
    timeoutMs: int32({ versions: "10+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "2+", default: 0 }),
    topics: array(struct({
      name: string(),
      partitions: array(partitionOffset),
    })),
  }),
});

/** A decoded ListOffsets request. */
export type ListOffsetsRequest = RequestOf<typeof listOffsets>;
/** A decoded ListOffsets response. */
export type ListOffsetsResponse = ResponseOf<typeof listOffsets>;
