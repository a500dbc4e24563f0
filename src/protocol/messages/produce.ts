/**
 * Produce: appends record batches to partitions.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import {
  array,
  exactInt64,
  int16,
  int32,
  int64,
  nested,
  records,
  string,
  struct,
  uuid,
} from "../schema.ts";

/** The Produce API. Topics have ids instead of names since version 13 (KIP-516). */
export const produce = defineApi({
  key: 0,
  name: "Produce",
  versions: "3-13",
  flexible: "9+",
  request: struct({
    transactionalId: string({ versions: "3+", nullable: "3+", default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array(struct({
      name: string({ versions: "0-12" }),
      topicId: uuid({ versions: "13+" }),
      partitionData: array(struct({
        index: int32(),
        records: records({ nullable: "0+" }),
      })),
    })),
  }),
  response: struct({
    responses: array(struct({
      name: string({ versions: "0-12" }),
      topicId: uuid({ versions: "13+" }),
      partitionResponses: array(struct({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: exactInt64({ versions: "2+", default: -1 }),
        logStartOffset: int64({ versions: "5+", default: -1 }),
        recordErrors: array(
          struct({
            batchIndex: int32({ versions: "8+" }),
            batchIndexErrorMessage: string({ versions: "8+", nullable: "8+", default: null }),
          }),
          { versions: "8+" },
        ),
        errorMessage: string({ versions: "8+", nullable: "8+", default: null }),
        currentLeader: nested(
          struct({
            leaderId: int32({ versions: "10+", default: -1 }),
            leaderEpoch: int32({ versions: "10+", default: -1 }),
          }),
          { versions: "10+", tag: 0, tagged: "10+" },
        ),
      })),
    })),
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    nodeEndpoints: array(
      struct({
        nodeId: int32({ versions: "10+" }),
        host: string({ versions: "10+" }),
        port: int32({ versions: "10+" }),
        rack: string({ versions: "10+", nullable: "10+", default: null }),
      }),
      { versions: "10+", tag: 0, tagged: "10+" },
    ),
  }),
});

/** A decoded Produce request. */
export type ProduceRequest = RequestOf<typeof produce>;
/** A decoded Produce response. */
export type ProduceResponse = ResponseOf<typeof produce>;
