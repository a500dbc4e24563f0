/**
 * DeleteRecords: deletes the records before an offset in each partition. Offset -1 stands for the
 * high watermark.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, string, struct } from "../schema.ts";

/** The DeleteRecords API (KIP-107). */
export const deleteRecords = defineApi({
  key: 21,
  name: "DeleteRecords",
  versions: "0-2",
  flexible: "2+",
  request: struct({
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        offset: int64(),
      })),
    })),
    timeoutMs: int32(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      })),
    })),
  }),
});

/** A decoded DeleteRecords request. */
export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>;
/** A decoded DeleteRecords response. */
export type DeleteRecordsResponse = ResponseOf<typeof deleteRecords>;
