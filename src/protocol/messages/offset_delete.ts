/**
 * OffsetDelete: deletes a group's committed offsets for topics that it does not subscribe to.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct } from "../schema.ts";

/** The OffsetDelete API (KIP-496). */
export const offsetDelete = defineApi({
  key: 47,
  name: "OffsetDelete",
  versions: "0",
  flexible: "none",
  request: struct({
    groupId: string(),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
      })),
    })),
  }),
  response: struct({
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0 }),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        errorCode: int16(),
      })),
    })),
  }),
});

/** A decoded OffsetDelete request. */
export type OffsetDeleteRequest = RequestOf<typeof offsetDelete>;
/** A decoded OffsetDelete response. */
export type OffsetDeleteResponse = ResponseOf<typeof offsetDelete>;
