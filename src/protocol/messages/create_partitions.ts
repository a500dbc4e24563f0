/**
 * CreatePartitions: adds partitions to topics, up to a total of `count`.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, string, struct } from "../schema.ts";

/** The CreatePartitions API (KIP-195). Version 3 may return THROTTLING_QUOTA_EXCEEDED (KIP-599). */
export const createPartitions = defineApi({
  key: 37,
  name: "CreatePartitions",
  versions: "0-3",
  flexible: "2+",
  request: struct({
    topics: array(struct({
      name: string(),
      count: int32(),
      assignments: array(
        struct({
          brokerIds: array(int32()),
        }),
        { nullable: "0+" },
      ),
    })),
    timeoutMs: int32(),
    validateOnly: bool(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    results: array(struct({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
    })),
  }),
});

/** A decoded CreatePartitions request. */
export type CreatePartitionsRequest = RequestOf<typeof createPartitions>;
/** A decoded CreatePartitions response. */
export type CreatePartitionsResponse = ResponseOf<typeof createPartitions>;
