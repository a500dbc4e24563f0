/**
 * DescribeLogDirs: returns a broker's log directories with the sizes of their partitions.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int64, string, struct } from "../schema.ts";

/**
 * The DescribeLogDirs API (KIP-113). Version 3 adds an error for the whole request, 4 the total and
 * usable bytes of the volume (KIP-827), 5 whether a directory is closed to new partitions
 * (KIP-1066).
 */
export const describeLogDirs = defineApi({
  key: 35,
  name: "DescribeLogDirs",
  versions: "1-5",
  flexible: "2+",
  request: struct({
    topics: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { nullable: "0+" },
    ),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ versions: "3+" }),
    results: array(struct({
      errorCode: int16(),
      logDir: string(),
      topics: array(struct({
        name: string(),
        partitions: array(struct({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        })),
      })),
      totalBytes: int64({ versions: "4+", default: -1 }),
      usableBytes: int64({ versions: "4+", default: -1 }),
      isCordoned: bool({ versions: "5+", default: false }),
    })),
  }),
});

/** A decoded DescribeLogDirs request. */
export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>;
/** A decoded DescribeLogDirs response. */
export type DescribeLogDirsResponse = ResponseOf<typeof describeLogDirs>;
